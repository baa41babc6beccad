/* Winograd's F(4x4, 3x3) with the lanes innermost: per pair of tiles, inputs to 36 points, a small
 * (ci x co) product at each point, points to outputs. Matrices of Lavin and Gray,
 * arXiv:1509.09308, section 4.3. All steps are linear and odd, so that z2 stays exact. */
#include "model/nets/winograd.h"

#include <stddef.h>

#include "model/nets/activation.h"
#include "simd/simd.h"

/* Floats between points and between channels of transformed tiles (channel, 36, TILES). */
enum { TILES = 2, POINT = TILES * CW_VF, CHANNEL = 36 * POINT };

static inline cw_vf fma_by(float a, cw_vf b, cw_vf c) { return cw_vf_fma(cw_vf_set1(a), b, c); }

/* ---- weights: U = G g G^T ---- */

/* u[k*step + i] = (G g)_k for n numbers side by side. */
static void weight_points(size_t n, const float *restrict g0, const float *restrict g1,
                          const float *restrict g2, float *restrict u, size_t step) {
#pragma omp simd
  for (size_t i = 0; i < n; i++) {
    float even = (g0[i] + g2[i]) * (-1.f / 6), odd = g1[i] * (1.f / 6);
    float far = g0[i] * (1.f / 24) + g2[i] * (1.f / 6), half = g1[i] * (1.f / 12);
    u[i] = g0[i] * 0.25f;
    u[step + i] = even - odd;
    u[2 * step + i] = even + odd;
    u[3 * step + i] = far + half;
    u[4 * step + i] = far - half;
    u[5 * step + i] = g2[i];
  }
}

/* w (3, 3, n) -> u (6, 6, n); half (6, 3, n). */
static void transform_weights(size_t n, const float *w, float *u, float *half) {
  for (size_t b = 0; b < 3; b++)
    weight_points(n, w + b * n, w + (3 + b) * n, w + (6 + b) * n, half + b * n, 3 * n);
  for (size_t a = 0; a < 6; a++) {
    const float *h = half + 3 * a * n;
    weight_points(n, h, h + n, h + 2 * n, u + 6 * a * n, n);
  }
}

/* ---- inputs: V = B^T d B ---- */

/* to[k*step] = (B^T d)_k; the points of a row of the tile. */
static inline void store_points(const cw_vf d[6], float *to) {
  cw_vf p = fma_by(-4, d[2], d[4]), q = fma_by(-4, d[1], d[3]);
  cw_vf r = d[4] - d[2], s = d[3] - d[1];
  cw_vf_store(to, fma_by(4, d[0], fma_by(-5, d[2], d[4])));
  cw_vf_store(to + POINT, p + q);
  cw_vf_store(to + 2 * POINT, p - q);
  cw_vf_store(to + 3 * POINT, fma_by(2, s, r));
  cw_vf_store(to + 4 * POINT, fma_by(-2, s, r));
  cw_vf_store(to + 5 * POINT, fma_by(4, d[1], fma_by(-5, d[3], d[5])));
}

/* One channel of a tile: inputs x + at[36] to v. Two rows of points at a time, reading inputs again
 * rather than keeping 36 of them in registers. Not inlined: gcc would spill its addresses. */
static __attribute__((noinline)) void transform_input(const float *x, const ptrdiff_t at[36],
                                                      float *v) {
#define D(i, j) cw_vf_load(x + at[6 * (i) + (j)])
  cw_vf a[6], b[6];
  for (int j = 0; j < 6; j++) a[j] = fma_by(4, D(0, j), fma_by(-5, D(2, j), D(4, j)));
  store_points(a, v);
  for (int j = 0; j < 6; j++) {
    cw_vf p = fma_by(-4, D(2, j), D(4, j)), q = fma_by(-4, D(1, j), D(3, j));
    a[j] = p + q;
    b[j] = p - q;
  }
  store_points(a, v + 6 * POINT);
  store_points(b, v + 12 * POINT);
  for (int j = 0; j < 6; j++) {
    cw_vf r = D(4, j) - D(2, j), s = D(3, j) - D(1, j);
    a[j] = fma_by(2, s, r);
    b[j] = fma_by(-2, s, r);
  }
  store_points(a, v + 18 * POINT);
  store_points(b, v + 24 * POINT);
  for (int j = 0; j < 6; j++) a[j] = fma_by(4, D(1, j), fma_by(-5, D(3, j), D(5, j)));
  store_points(a, v + 30 * POINT);
#undef D
}

static void transform_inputs(const int *rows, int ci, cw_rows in, int lane, float *v) {
  ptrdiff_t at[36];
  for (int k = 0; k < 36; k++) at[k] = (ptrdiff_t)rows[k] * in.stride * CW_LANES;
  for (int i = 0; i < ci; i++) transform_input(in.data + i * CW_LANES + lane, at, v + i * CHANNEL);
}

/* ---- products: m = U v at one point ---- */

#define POINT_TILE(CO)                                                                             \
  static inline void point_##CO(int ci, int co, const float *u, const float *v, float *m) {        \
    cw_vf acc[CO][TILES];                                                                          \
    EACH(j, CO) EACH(t, TILES) acc[j][t] = cw_vf_set1(0);                                          \
    for (int i = 0; i < ci; i++, u += co, v += CHANNEL) {                                          \
      cw_vf d[TILES];                                                                              \
      EACH(t, TILES) d[t] = cw_vf_load(v + t * CW_VF);                                             \
      EACH(j, CO) {                                                                                \
        cw_vf b = cw_vf_set1(u[j]);                                                                \
        EACH(t, TILES) acc[j][t] = cw_vf_fma(b, d[t], acc[j][t]);                                  \
      }                                                                                            \
    }                                                                                              \
    EACH(j, CO) EACH(t, TILES) cw_vf_store(m + j * CHANNEL + t * CW_VF, acc[j][t]);                \
  }

#if CW_VBYTES == 64
POINT_TILE(8)
#endif
POINT_TILE(4)
POINT_TILE(2)
POINT_TILE(1)

/* Channels of the next product in registers. */
static int strip(int left) {
#if CW_VBYTES == 64
  if (left >= 8) return 8;
#endif
  return left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

/* u (36, ci, co). m may be v if all channels are one strip. */
static void products(int ci, int co, const float *u, const float *v, float *m) {
  for (int k = 0; k < 36; k++, u += ci * co, v += POINT, m += POINT)
    for (int j = 0, n; j < co; j += n) {
      n = strip(co - j);
#if CW_VBYTES == 64
      if (n == 8) point_8(ci, co, u + j, v, m + j * CHANNEL);
#endif
      if (n == 4) point_4(ci, co, u + j, v, m + j * CHANNEL);
      if (n == 2) point_2(ci, co, u + j, v, m + j * CHANNEL);
      if (n == 1) point_1(ci, co, u + j, v, m + j * CHANNEL);
    }
}

/* ---- outputs: y = act(bias + A^T m A) ---- */

/* y[at[k]] = act((A^T m)_k). */
static inline void store_outputs(const cw_vf m[6], cw_net_activation act, float *y,
                                 const ptrdiff_t at[4]) {
  cw_vf a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = m[3] - m[4];
  cw_vf_store(y + at[0], activate(act, (m[0] + a) + c));
  cw_vf_store(y + at[1], activate(act, fma_by(2, d, b)));
  cw_vf_store(y + at[2], activate(act, fma_by(4, c, a)));
  cw_vf_store(y + at[3], activate(act, fma_by(8, d, b) + m[5]));
}

/* One channel of a tile: points m to outputs y + at[16], two rows at a time. */
static inline void transform_output(const float *m, cw_vf bias, cw_net_activation act, float *y,
                                    const ptrdiff_t at[16]) {
#define M(i, j) cw_vf_load(m + (6 * (i) + (j)) * POINT)
  cw_vf e[6], f[6];
  for (int j = 0; j < 6; j++) {
    cw_vf a = M(1, j) + M(2, j), c = M(3, j) + M(4, j);
    if (j == 1) a += bias; /* point (1, 1) enters all outputs with weight 1 */
    e[j] = (M(0, j) + a) + c;
    f[j] = fma_by(4, c, a);
  }
  store_outputs(e, act, y, at);
  store_outputs(f, act, y, at + 8);
  for (int j = 0; j < 6; j++) {
    cw_vf b = M(1, j) - M(2, j), d = M(3, j) - M(4, j);
    if (j == 1) b += bias;
    e[j] = fma_by(2, d, b);
    f[j] = fma_by(8, d, b) + M(5, j);
  }
  store_outputs(e, act, y, at + 4);
  store_outputs(f, act, y, at + 12);
#undef M
}

/* One copy per activation. */
#define OUTPUT(name, act)                                                                          \
  static __attribute__((noinline)) void output_##name(const float *m, float bias, float *y,        \
                                                      const ptrdiff_t at[16]) {                    \
    transform_output(m, cw_vf_set1(bias), act, y, at);                                             \
  }
OUTPUT(linear, CW_NET_LINEAR)
OUTPUT(tanh, CW_NET_TANH)
OUTPUT(leaky, CW_NET_LEAKY_RELU)

static void transform_outputs(const int *rows, int co, const float *m, const float *bias,
                              cw_net_activation act, cw_rows out, int lane) {
  void (*transform)(const float *, float, float *, const ptrdiff_t *) =
      act == CW_NET_TANH         ? output_tanh
      : act == CW_NET_LEAKY_RELU ? output_leaky
                                 : output_linear;
  ptrdiff_t at[16];
  for (int k = 0; k < 16; k++) at[k] = (ptrdiff_t)rows[k] * out.stride * CW_LANES;
  for (int j = 0; j < co; j++)
    transform(m + j * CHANNEL, bias ? bias[j] : 0, out.data + j * CW_LANES + lane, at);
}

/* ---- the convolution ---- */

/* Work: v, m, u, its half-way stage. The last pair of an odd number of tiles does one twice. */
void CW_ISA_NAME(cw_winograd_conv)(const cw_winograd *tiles, int ci, int co, const float *w,
                                   const float *bias, cw_net_activation act, cw_rows in,
                                   cw_rows out, float *work) {
  size_t n = (size_t)ci * (size_t)co;
  float *v = work, *m = strip(co) == co ? v : v + ci * CHANNEL;
  float *u = v + (ci + co) * CHANNEL;
  transform_weights(n, w, u, u + 36 * n);
  for (int pair = 0; pair < tiles->n_tile; pair += TILES) {
    int first = pair + TILES <= tiles->n_tile ? pair : tiles->n_tile - TILES;
    for (int lane = 0; lane < CW_LANES; lane += CW_VF) {
      for (int t = 0; t < TILES; t++)
        transform_inputs(tiles->in[first + t], ci, in, lane, v + t * CW_VF);
      products(ci, co, u, v, m);
      for (int t = 0; t < TILES; t++)
        transform_outputs(tiles->out[first + t], co, m + t * CW_VF, bias, act, out, lane);
    }
  }
}
