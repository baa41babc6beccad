/* Kernels of the conditioner networks: direct convolution with the lanes innermost.
 *
 * An output tile of CO channels x NR rows stays in registers while taps and input channels stream
 * by: per step CO broadcasts and NR loads feed CO*NR fused multiply-adds. Tile sizes are literals
 * of macro-made functions, because gcc spills accumulator arrays whose size it cannot see. */
#include "model/nets/activation.h"
#include "model/nets/net.h"
#include "model/nets/winograd.h"
#include "simd/simd.h"

enum { HALVES = CW_LANES / CW_VF };

/* ---- convolution ---- */

#define CONV_TILE(CO, NR)                                                                          \
  static void conv_##CO##_##NR(const cw_stencil_class *c, int first, int ci, int co, int co0,      \
                               const float *w, const float *bias, cw_net_activation act,           \
                               cw_rows in, cw_rows out, int lane) {                                \
    cw_vf acc[NR][CO];                                                                             \
    EACH(j, CO) {                                                                                  \
      cw_vf b = cw_vf_set1(bias ? bias[co0 + j] : 0);                                              \
      EACH(r, NR) acc[r][j] = b;                                                                   \
    }                                                                                              \
    for (int k = 0; k < c->n_tap; k++) {                                                           \
      const float *wk = w + (size_t)c->tap[k] * (size_t)(ci * co) + co0;                           \
      const float *p[NR];                                                                          \
      EACH(r, NR)                                                                                  \
      p[r] = in.data + (size_t)c->in[(first + r) * c->n_tap + k] * (size_t)in.stride * CW_LANES +  \
             lane;                                                                                 \
      for (int i = 0; i < ci; i++, wk += co) {                                                     \
        cw_vf v[NR];                                                                               \
        EACH(r, NR) v[r] = cw_vf_load(p[r] + i * CW_LANES);                                        \
        EACH(j, CO) {                                                                              \
          cw_vf b = cw_vf_set1(wk[j]);                                                             \
          EACH(r, NR) acc[r][j] = cw_vf_fma(b, v[r], acc[r][j]);                                   \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
    EACH(r, NR) {                                                                                  \
      float *q = out.data +                                                                        \
                 ((size_t)c->out[first + r] * (size_t)out.stride + (size_t)co0) * CW_LANES + lane; \
      EACH(j, CO) cw_vf_store(q + j * CW_LANES, activate(act, acc[r][j]));                         \
    }                                                                                              \
  }

/* Channels per tile, and rows that fit beside them in 32 or in 16 registers. */
#if CW_VBYTES == 64
CONV_TILE(16, 1)
CONV_TILE(8, 2)
CONV_TILE(4, 4)
CONV_TILE(2, 8)
#else
CONV_TILE(4, 2)
CONV_TILE(2, 4)
#endif
CONV_TILE(8, 1)
CONV_TILE(4, 1)
CONV_TILE(2, 1)
CONV_TILE(1, 8)
CONV_TILE(1, 1)

/* All rows of a strip of CO channels: tiles of NR rows, then single rows. */
#define STRIP(CO, NR)                                                                              \
  {                                                                                                \
    int row = 0;                                                                                   \
    for (; row + (NR) <= c->n_row; row += (NR))                                                    \
      conv_##CO##_##NR(c, row, ci, co, co0, w, bias, act, in, out, lane);                          \
    for (; row < c->n_row; row++) conv_##CO##_1(c, row, ci, co, co0, w, bias, act, in, out, lane); \
    co0 += (CO);                                                                                   \
  }

static void conv_class(const cw_stencil_class *c, int ci, int co, const float *w, const float *bias,
                       cw_net_activation act, cw_rows in, cw_rows out, int lane) {
  for (int co0 = 0; co0 < co;) {
    int left = co - co0;
#if CW_VBYTES == 64
    if (left >= 16 && c->n_row == 1)
      STRIP(16, 1)
    else if (left >= 8)
      STRIP(8, 2)
    else if (left >= 4)
      STRIP(4, 4)
    else if (left >= 2)
      STRIP(2, 8)
#else
    if (left >= 8 && c->n_row == 1)
      STRIP(8, 1)
    else if (left >= 4)
      STRIP(4, 2)
    else if (left >= 2)
      STRIP(2, 4)
#endif
    else
      STRIP(1, 8)
  }
}

static void conv(const cw_stencil *st, int ci, int co, const float *w, const float *bias,
                 cw_net_activation act, cw_rows in, cw_rows out) {
  for (int k = 0; k < st->n_class; k++)
    for (int h = 0; h < HALVES; h++)
      conv_class(&st->cls[k], ci, co, w, bias, act, in, out, h * CW_VF);
}

/* ---- gradient of the weights ---- */

static inline float lane_sum(cw_vf v) {
#if CW_VBYTES == 64
  return _mm512_reduce_add_ps((__m512)v);
#else
  float s[CW_VF] __attribute__((aligned(CW_VBYTES)));
  cw_vf_store(s, v);
  for (int n = CW_VF / 2; n > 0; n /= 2)
    for (int i = 0; i < n; i++) s[i] += s[i + n];
  return s[0];
#endif
}

/* Sums of the lanes of n <= 16 vectors, added to to[j*step] for j in a CI x CO tile. */
#define WEIGHT_TILE(CI, CO)                                                                        \
  static void weights_##CI##_##CO(const cw_stencil_class *c, int k, int ci0, int co0, int co,      \
                                  cw_rows in, cw_rows gout, float *gw) {                           \
    cw_vf acc[CI][CO];                                                                             \
    EACH(i, CI) EACH(j, CO) acc[i][j] = cw_vf_set1(0);                                             \
    for (int r = 0; r < c->n_row; r++) {                                                           \
      const float *p =                                                                             \
          in.data +                                                                                \
          ((size_t)c->in[r * c->n_tap + k] * (size_t)in.stride + (size_t)ci0) * CW_LANES;          \
      const float *q =                                                                             \
          gout.data + ((size_t)c->out[r] * (size_t)gout.stride + (size_t)co0) * CW_LANES;          \
      for (int h = 0; h < CW_LANES; h += CW_VF) {                                                  \
        cw_vf g[CO];                                                                               \
        EACH(j, CO) g[j] = cw_vf_load(q + j * CW_LANES + h);                                       \
        EACH(i, CI) {                                                                              \
          cw_vf v = cw_vf_load(p + i * CW_LANES + h);                                              \
          EACH(j, CO) acc[i][j] = cw_vf_fma(v, g[j], acc[i][j]);                                   \
        }                                                                                          \
      }                                                                                            \
    }                                                                                              \
    float *to = gw + (size_t)ci0 * (size_t)co + co0;                                               \
    EACH(i, CI) EACH(j, CO) to[i * co + j] += lane_sum(acc[i][j]);                                 \
  }

#if CW_VBYTES == 64
#define CI_MAX 4
#define CO_MAX 4
WEIGHT_TILE(4, 4)
WEIGHT_TILE(2, 4)
WEIGHT_TILE(1, 4)
WEIGHT_TILE(4, 2)
WEIGHT_TILE(4, 1)
#else
#define CI_MAX 2
#define CO_MAX 4
WEIGHT_TILE(2, 4)
WEIGHT_TILE(1, 4)
#endif
WEIGHT_TILE(2, 2)
WEIGHT_TILE(1, 2)
WEIGHT_TILE(2, 1)
WEIGHT_TILE(1, 1)

typedef void (*weight_tile)(const cw_stencil_class *, int, int, int, int, cw_rows, cw_rows,
                            float *);

static int tile_step(int left, int largest) {
  int step = largest;
  while (step > left) step /= 2;
  return step;
}

static void weights_tap(const cw_stencil_class *c, int k, int ci, int co, cw_rows in, cw_rows gout,
                        float *gw) {
  static const weight_tile tiles[3][3] = {
    {weights_1_1, weights_1_2, weights_1_4},
    {weights_2_1, weights_2_2, weights_2_4},
#if CW_VBYTES == 64
    {weights_4_1, weights_4_2, weights_4_4}
  };
#else
    {NULL, NULL, NULL}
  };
#endif
  for (int i = 0; i < ci;) {
    int di = tile_step(ci - i, CI_MAX);
    for (int j = 0; j < co;) {
      int dj = tile_step(co - j, CO_MAX);
      tiles[di / 2][dj / 2](c, k, i, j, co, in, gout, gw);
      j += dj;
    }
    i += di;
  }
}

static void bias_gradient(const cw_stencil_class *c, int co, cw_rows gout, float *gbias) {
  for (int j = 0; j < co; j++) {
    cw_vf acc = {0};
    for (int r = 0; r < c->n_row; r++)
      for (int h = 0; h < CW_LANES; h += CW_VF)
        acc += cw_vf_load(gout.data +
                          ((size_t)c->out[r] * (size_t)gout.stride + (size_t)j) * CW_LANES + h);
    gbias[j] += lane_sum(acc);
  }
}

static void conv_weights(const cw_stencil *st, int ci, int co, cw_rows in, cw_rows gout, float *gw,
                         float *gbias) {
  for (int m = 0; m < st->n_class; m++) {
    const cw_stencil_class *c = &st->cls[m];
    for (int k = 0; k < c->n_tap; k++)
      weights_tap(c, k, ci, co, in, gout, gw + (size_t)c->tap[k] * (size_t)(ci * co));
    if (gbias) bias_gradient(c, co, gout, gbias);
  }
}

/* ---- element by element ---- */

static void activation_vjp(cw_net_activation act, int n, const float *h, float *g) {
  if (act == CW_NET_LINEAR) return;
  cw_vf one = cw_vf_set1(1), slope = cw_vf_set1(SLOPE), zero = {0};
  for (int i = 0; i < n * CW_LANES; i += CW_VF) {
    cw_vf y = cw_vf_load(h + i), d;
    d = act == CW_NET_TANH ? cw_vf_fma(-y, y, one) : cw_vf_select(y > zero, one, slope);
    cw_vf_store(g + i, cw_vf_load(g + i) * d);
  }
}

static void square(int n, const float *h, float *h2) {
  for (int i = 0; i < n * CW_LANES; i++) h2[i] = h[i] * h[i];
}

static void square_vjp(int n, const float *h, const float *g2, float *g) {
  for (int i = 0; i < n * CW_LANES; i++) g[i] += 2 * h[i] * g2[i];
}

static void gather(int n, const int *row, const double *x, float *rows) {
  for (int i = 0; i < n; i++)
    for (int l = 0; l < CW_LANES; l++)
      rows[i * CW_LANES + l] = (float)x[(size_t)row[i] * CW_LANES + (size_t)l];
}

static void scatter_add(int n, const int *row, const float *g, double *x) {
  for (int i = 0; i < n; i++)
    for (int l = 0; l < CW_LANES; l++)
      x[(size_t)row[i] * CW_LANES + (size_t)l] += (double)g[i * CW_LANES + l];
}

const cw_net_kernels CW_ISA_NAME(cw_net_kernels) = {.conv = conv,
                                                    .winograd = CW_ISA_NAME(cw_winograd_conv),
                                                    .conv_weights = conv_weights,
                                                    .activation_vjp = activation_vjp,
                                                    .square = square,
                                                    .square_vjp = square_vjp,
                                                    .gather = gather,
                                                    .scatter_add = scatter_add};
