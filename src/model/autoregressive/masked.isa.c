/* Kernels of masked networks: gradients of weights that few rows share, gates, and spins. */
#include "model/autoregressive/masked.h"
#include "model/nets/activation.h"
#include "simd/simd.h"

/* ---- gradients of weights ---- */

/* The lane is summed over, so it is the channel written that goes into vectors: g is turned once
 * per site, (co, lanes) -> (lanes, co), and then every number read is broadcast. A tile of CI
 * numbers x CO vectors of the gradient stays in registers over the lanes. */

/* a and b zipped: low (a0, b0, a1, b1, ..) and high, what is left. */
static inline __attribute__((always_inline)) void zip(cw_vf a, cw_vf b, cw_vf *low, cw_vf *high) {
#if CW_VBYTES == 64
  const __m512i first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const __m512i second = _mm512_add_epi32(first, _mm512_set1_epi32(8));
  *low = (cw_vf)_mm512_permutex2var_ps((__m512)a, first, (__m512)b);
  *high = (cw_vf)_mm512_permutex2var_ps((__m512)a, second, (__m512)b);
#elif CW_VBYTES == 32
  __m256 even = _mm256_unpacklo_ps((__m256)a, (__m256)b);
  __m256 odd = _mm256_unpackhi_ps((__m256)a, (__m256)b);
  *low = (cw_vf)_mm256_permute2f128_ps(even, odd, 0x20);
  *high = (cw_vf)_mm256_permute2f128_ps(even, odd, 0x31);
#else
  *low = (cw_vf){a[0], b[0], a[1], b[1]};
  *high = (cw_vf){a[2], b[2], a[3], b[3]};
#endif
}

/* log2(n) times the first half of n rows zipped with the second: n x n numbers are transposed. */
static inline __attribute__((always_inline)) void transpose(cw_vf a[CW_VF]) {
  for (int turns = 1; turns < CW_VF; turns *= 2) {
    cw_vf b[CW_VF];
    EACH(i, CW_VF / 2) zip(a[i], a[i + CW_VF / 2], &b[2 * i], &b[2 * i + 1]);
    EACH(i, CW_VF) a[i] = b[i];
  }
}

/* turned (CW_LANES, columns) from g (co, CW_LANES); columns: co rounded up to CW_LANES, with zeros.
 */
static void turn(int co, int columns, const float *g, float *turned) {
  for (int j = 0; j < columns; j += CW_VF)
    for (int h = 0; h < CW_LANES; h += CW_VF) {
      cw_vf a[CW_VF];
      EACH(i, CW_VF)
      a[i] = j + i < co ? cw_vf_load(g + (j + i) * CW_LANES + h) : cw_vf_set1(0);
      transpose(a);
      EACH(i, CW_VF) cw_vf_store(turned + (h + i) * columns + j, a[i]);
    }
}

static inline void add_to(float *to, cw_vf v, int n) {
  if (n >= CW_VF) {
    cw_vf old;
    memcpy(&old, to, sizeof old);
    old += v;
    memcpy(to, &old, sizeof old);
  } else
    for (int i = 0; i < n; i++) to[i] += v[i];
}

/* in[i] (CW_LANES): a number read; gw[i] (co): the gradients of its weights. */
#define WEIGHTS_TILE(CI, CO)                                                                       \
  static inline __attribute__((always_inline)) void weights_##CI##_##CO(                           \
      const float *const in[CI], float *const gw[CI], int co, int columns, int j0,                 \
      const float *turned) {                                                                       \
    cw_vf acc[CI][CO];                                                                             \
    EACH(i, CI) EACH(j, CO) acc[i][j] = cw_vf_set1(0);                                             \
    for (int l = 0; l < CW_LANES; l++) {                                                           \
      const float *t = turned + l * columns + j0;                                                  \
      cw_vf g[CO];                                                                                 \
      EACH(j, CO) g[j] = cw_vf_load(t + j * CW_VF);                                                \
      EACH(i, CI) {                                                                                \
        cw_vf v = cw_vf_set1(in[i][l]);                                                            \
        EACH(j, CO) acc[i][j] = cw_vf_fma(v, g[j], acc[i][j]);                                     \
      }                                                                                            \
    }                                                                                              \
    EACH(i, CI) EACH(j, CO) add_to(gw[i] + j0 + j * CW_VF, acc[i][j], co - j0 - j * CW_VF);        \
  }

WEIGHTS_TILE(1, 1)
#if CW_VBYTES == 64
enum { TILE_CI = 4, TILE_CO = 4 };
WEIGHTS_TILE(4, 4)
WEIGHTS_TILE(4, 1)
#define WEIGHTS_LARGE weights_4_4
#define WEIGHTS_THIN  weights_4_1
#else
enum { TILE_CI = 2, TILE_CO = 4 };
WEIGHTS_TILE(2, 4)
WEIGHTS_TILE(2, 1)
#define WEIGHTS_LARGE weights_2_4
#define WEIGHTS_THIN  weights_2_1
#endif

static void weights_of(const float *const *in, float *const *gw, int n, int co, int columns,
                       const float *turned) {
  int j = 0;
  if (n == TILE_CI)
    for (; j + TILE_CO * CW_VF <= columns && j + (TILE_CO - 1) * CW_VF < co; j += TILE_CO * CW_VF)
      WEIGHTS_LARGE(in, gw, co, columns, j, turned);
  for (; j < co; j += CW_VF)
    if (n == TILE_CI)
      WEIGHTS_THIN(in, gw, co, columns, j, turned);
    else
      for (int i = 0; i < n; i++) weights_1_1(in + i, gw + i, co, columns, j, turned);
}

static void weights(const cw_masked_taps *taps, int ci, int co, const float *in, const float *g,
                    float *gw, float *gbias, float *turned) {
  const int columns = (co + CW_LANES - 1) / CW_LANES * CW_LANES;
  const float *from[TILE_CI];
  float *to[TILE_CI];
  int n = 0;
  turn(co, columns, g, turned);
  for (int k = 0; k < taps->n; k++) {
    const float *rows = in + (size_t)taps->in[k] * (size_t)ci * CW_LANES;
    float *w = gw + (size_t)taps->tap[k] * (size_t)(ci * co);
    for (int i = 0; i < ci; i++) {
      from[n] = rows + i * CW_LANES;
      to[n++] = w + (size_t)i * (size_t)co;
      if (n < TILE_CI) continue;
      weights_of(from, to, n, co, columns, turned);
      n = 0;
    }
  }
  if (n > 0) weights_of(from, to, n, co, columns, turned);
  for (int j = 0; gbias && j < co; j++) {
    float sum = 0;
    for (int l = 0; l < CW_LANES; l++) sum += turned[l * columns + j];
    gbias[j] += sum;
  }
}

/* ---- gates ---- */

static void gate(int n, float *pair, float *out) {
  const cw_vf half = cw_vf_set1(0.5f);
  float *b = pair + n * CW_LANES;
  for (int i = 0; i < n * CW_LANES; i += CW_VF) {
    cw_vf t = tanh_like(cw_vf_load(pair + i));
    cw_vf s = cw_vf_fma(half, tanh_like(half * cw_vf_load(b + i)), half);
    cw_vf_store(pair + i, t);
    cw_vf_store(b + i, s);
    cw_vf_store(out + i, t * s);
  }
}

static void gate_vjp(int n, const float *pair, const float *g, float *gpair) {
  const cw_vf one = cw_vf_set1(1);
  const float *b = pair + n * CW_LANES;
  for (int i = 0; i < n * CW_LANES; i += CW_VF) {
    cw_vf t = cw_vf_load(pair + i), s = cw_vf_load(b + i), v = cw_vf_load(g + i);
    cw_vf_store(gpair + i, v * s * (one - t * t));
    cw_vf_store(gpair + n * CW_LANES + i, v * t * s * (one - s));
  }
}

static void add(int n, const float *a, const float *b, float *out) {
  for (int i = 0; i < n * CW_LANES; i++) out[i] = a[i] + b[i];
}

/* ---- spins ---- */

/* x = logit + bias within +-limit: p(+1) = 1/(1 + e^-x). Not-a-number stays. */
static void logits(const float *logit, const double *bias, double limit, double *x) {
  const cw_vd most = cw_vd_set1(limit), least = cw_vd_set1(-limit);
  for (int l = 0; l < CW_LANES; l++) x[l] = (double)logit[l] + bias[l];
  for (int l = 0; l < CW_LANES; l += CW_VD) {
    cw_vd v = cw_vd_load(x + l);
    v = cw_vd_select(v > most, most, v);
    cw_vd_store(x + l, cw_vd_select(v < least, least, v));
  }
}

static void draw(const float *logit, const double *bias, double limit, const double *u, float *spin,
                 double *logq) {
  double x[CW_LANES] CW_ALIGNED, s[CW_LANES] CW_ALIGNED;
  const cw_vd one = cw_vd_set1(1), minus = cw_vd_set1(-1);
  logits(logit, bias, limit, x);
  for (int l = 0; l < CW_LANES; l++) s[l] = (double)spin[l];
  for (int l = 0; l < CW_LANES; l += CW_VD) {
    cw_vd v = cw_vd_load(x + l), e = cw_vd_exp(-v), sign;
    if (u) cw_vd_store(s + l, cw_vd_select(cw_vd_load(u + l) * (one + e) < one, one, minus));
    sign = cw_vd_load(s + l);
    cw_vd_store(logq + l, cw_vd_load(logq + l) - cw_vd_log1p(cw_vd_exp(-sign * v)));
  }
  for (int l = 0; l < CW_LANES; l++) spin[l] = (float)s[l];
}

/* d ln q/dx = [s = +1] - p(+1); none where the limit holds it. */
static void score(const float *logit, const double *bias, double limit, const float *spin,
                  const double *glogq, float *glogit) {
  double x[CW_LANES] CW_ALIGNED, p[CW_LANES] CW_ALIGNED;
  const cw_vd one = cw_vd_set1(1);
  logits(logit, bias, limit, x);
  for (int l = 0; l < CW_LANES; l += CW_VD)
    cw_vd_store(p + l, one / (one + cw_vd_exp(-cw_vd_load(x + l))));
  for (int l = 0; l < CW_LANES; l++) {
    double d = (spin[l] > 0 ? 1 : 0) - p[l];
    glogit[l] = (float)(x[l] > -limit && x[l] < limit ? glogq[l] * d : 0);
  }
}

const cw_masked_kernels CW_ISA_NAME(cw_masked_kernels) = {.weights = weights,
                                                          .gate = gate,
                                                          .gate_vjp = gate_vjp,
                                                          .add = add,
                                                          .draw = draw,
                                                          .score = score};
