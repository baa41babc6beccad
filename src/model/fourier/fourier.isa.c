#include "model/fourier/fourier.h"
#include "simd/simd.h"

enum { RE, IM, PARTS };

static inline double *row(double *z, long site, int part) {
  return z + (site * PARTS + part) * CW_LANES;
}
static inline const double *row_of(const double *z, long site, int part) {
  return z + (site * PARTS + part) * CW_LANES;
}

/* ---- transforms ---- */

/* The discrete transform of r numbers, w their roots of unity e^{-2 pi i p/r}; back: of conjugates. */
static inline __attribute__((always_inline)) void any_radix(int r, const double *w, int step,
                                                            double sign, cw_vd *re, cw_vd *im) {
  cw_vd a[CW_FOURIER_PRIME], b[CW_FOURIER_PRIME];
  for (int q = 0; q < r; q++) {
    a[q] = re[0];
    b[q] = im[0];
    for (int p = 1; p < r; p++) {
      const double *root = w + 2 * (long)step * (p * q % r);
      const cw_vd c = cw_vd_set1(root[0]), s = cw_vd_set1(sign * root[1]);
      a[q] = cw_vd_fnma(s, im[p], cw_vd_fma(c, re[p], a[q]));
      b[q] = cw_vd_fma(s, re[p], cw_vd_fma(c, im[p], b[q]));
    }
  }
  for (int q = 0; q < r; q++) {
    re[q] = a[q];
    im[q] = b[q];
  }
}

static inline void radix_2(cw_vd *re, cw_vd *im) {
  const cw_vd a = re[0], b = im[0];
  re[0] = a + re[1];
  im[0] = b + im[1];
  re[1] = a - re[1];
  im[1] = b - im[1];
}

/* sign: of i, -1 forwards. */
static inline void radix_4(double sign, cw_vd *re, cw_vd *im) {
  const cw_vd s = cw_vd_set1(sign);
  const cw_vd a0 = re[0] + re[2], b0 = im[0] + im[2], a1 = re[0] - re[2], b1 = im[0] - im[2];
  const cw_vd a2 = re[1] + re[3], b2 = im[1] + im[3];
  const cw_vd a3 = s * (re[1] - re[3]), b3 = s * (im[1] - im[3]);
  re[0] = a0 + a2;
  im[0] = b0 + b2;
  re[2] = a0 - a2;
  im[2] = b0 - b2;
  re[1] = a1 - b3;
  im[1] = b1 + a3;
  re[3] = a1 + b3;
  im[3] = b1 - a3;
}

static inline __attribute__((always_inline)) void
butterfly(int r, bool back, const cw_fourier_line *line, cw_vd *re, cw_vd *im) {
  if (r == 2)
    radix_2(re, im);
  else if (r == 4)
    radix_4(back ? 1 : -1, re, im);
  else
    any_radix(r, line->twiddle, line->n / r, back ? -1 : 1, re, im);
}

/* z times its twiddle (back: the conjugate). */
static inline void turn(const double *w, double sign, cw_vd *re, cw_vd *im) {
  const cw_vd c = cw_vd_set1(w[0]), s = cw_vd_set1(sign * w[1]), a = *re;
  *re = cw_vd_fnma(s, *im, c * a);
  *im = cw_vd_fma(s, a, c * *im);
}

/* One butterfly of the sites `at`, at + part, ..., of a line, with the twiddles that are `turns` apart. */
static inline __attribute__((always_inline)) void
places(int r, bool back, const cw_fourier_line *line, int turns, int at, int part, double *z) {
  for (int l = 0; l < CW_LANES; l += CW_VD) {
    cw_vd re[CW_FOURIER_PRIME], im[CW_FOURIER_PRIME];
    for (int q = 0; q < r; q++) {
      re[q] = cw_vd_load(row(z, at + q * part, RE) + l);
      im[q] = cw_vd_load(row(z, at + q * part, IM) + l);
      if (back && q > 0 && turns > 0) turn(line->twiddle + 2L * turns * q, -1, &re[q], &im[q]);
    }
    butterfly(r, back, line, re, im);
    for (int q = 0; q < r; q++) {
      if (!back && q > 0 && turns > 0) turn(line->twiddle + 2L * turns * q, 1, &re[q], &im[q]);
      cw_vd_store(row(z, at + q * part, RE) + l, re[q]);
      cw_vd_store(row(z, at + q * part, IM) + l, im[q]);
    }
  }
}

/* One stage: blocks of `length` places, from each of which r parts are made. */
static inline __attribute__((always_inline)) void
radix_stage(int r, bool back, const cw_fourier_line *line, int length, double *z) {
  const int part = length / r, turns = line->n / length;
  for (int o = 0; o < line->n; o += length)
    for (int j = 0; j < part; j++) places(r, back, line, turns * j, o + j, part, z);
}

static inline void stage(int r, bool back, const cw_fourier_line *line, int length, double *z) {
  switch (r) {
  case 2:
    radix_stage(2, back, line, length, z);
    break;
  case 3:
    radix_stage(3, back, line, length, z);
    break;
  case 4:
    radix_stage(4, back, line, length, z);
    break;
  case 5:
    radix_stage(5, back, line, length, z);
    break;
  default:
    radix_stage(r, back, line, length, z);
  }
}

/* All stages of one line, whose sites follow each other. */
static void transform_line(const cw_fourier_line *line, bool back, double *z) {
  int length = back ? 1 : line->n;
  for (int k = 0; k < line->n_stages; k++) {
    const int r = line->radix[back ? line->n_stages - 1 - k : k];
    if (back) length *= r;
    stage(r, back, line, length, z);
    if (!back) length /= r;
  }
}

/* The same where sites are `inner` apart: on a copy, which stays in cache from stage to stage. */
static void transform_apart(const cw_fourier_line *line, bool back, long inner, double *z) {
  double copy[CW_FOURIER_EXTENT * PARTS * CW_LANES] CW_ALIGNED;
  const size_t site = PARTS * CW_LANES * sizeof *z;
  for (int x = 0; x < line->n; x++) memcpy(row(copy, x, RE), row(z, x * inner, RE), site);
  transform_line(line, back, copy);
  for (int x = 0; x < line->n; x++) memcpy(row(z, x * inner, RE), row(copy, x, RE), site);
}

static void transform_lines(const cw_fourier_line *line, bool back, long n_lines, long inner,
                            double *z) {
  for (long o = 0; o < n_lines; o++)
    for (long i = 0; i < inner; i++) {
      double *at = row(z, o * line->n * inner + i, RE);
      if (inner == 1)
        transform_line(line, back, at);
      else
        transform_apart(line, back, inner, at);
    }
}

static void transform_all(const cw_fourier *f, bool back, double *z) {
  long inner = 1;
  for (int d = f->lat.dim - 1; d >= 0; d--) {
    const int n = f->lat.extent[d];
    transform_lines(&f->line[d], back, f->n_sites / (inner * n), inner, z);
    inner *= n;
  }
}

static void transform(const cw_fourier *f, double *z) { transform_all(f, false, z); }
static void transform_back(const cw_fourier *f, double *z) { transform_all(f, true, z); }

/* ---- products with kernels ---- */

static void multiply(const cw_fourier *f, const double *kernel, int F, int at, const double *z,
                     bool first, double *sum) {
  for (long s = 0; s < f->n_sites; s++) {
    const double *k = kernel + (long)f->wave[s] * F + at;
    const cw_vd a = cw_vd_set1(k[0]), b = cw_vd_set1(k[1]);
    for (int l = 0; l < CW_LANES; l += CW_VD) {
      const cw_vd re = cw_vd_load(row_of(z, s, RE) + l), im = cw_vd_load(row_of(z, s, IM) + l);
      double *x = row(sum, s, RE) + l, *y = row(sum, s, IM) + l;
      const cw_vd from_x = first ? cw_vd_set1(0) : cw_vd_load(x);
      const cw_vd from_y = first ? cw_vd_set1(0) : cw_vd_load(y);
      cw_vd_store(x, cw_vd_fma(b, im, cw_vd_fma(a, re, from_x)));
      cw_vd_store(y, cw_vd_fnma(b, re, cw_vd_fma(a, im, from_y)));
    }
  }
}

static void multiply_back(const cw_fourier *f, const double *kernel, int F, int at,
                          const double *sum, double *u) {
  for (long s = 0; s < f->n_sites; s++) {
    const double *k = kernel + (long)f->wave[s] * F + at;
    const cw_vd a = cw_vd_set1(k[0]), b = cw_vd_set1(k[1]);
    for (int l = 0; l < CW_LANES; l += CW_VD) {
      const cw_vd re = cw_vd_load(row_of(sum, s, RE) + l), im = cw_vd_load(row_of(sum, s, IM) + l);
      cw_vd_store(row(u, s, RE) + l, cw_vd_fnma(b, im, a * re));
      cw_vd_store(row(u, s, IM) + l, cw_vd_fma(b, re, a * im));
    }
  }
}

static void kernel_vjp(const cw_fourier *f, int F, int at, const double *z, const double *sum,
                       double *to) {
  for (long s = 0; s < f->n_sites; s++) {
    double *k = to + ((long)f->wave[s] * F + at) * CW_LANES;
    for (int l = 0; l < CW_LANES; l += CW_VD) {
      const cw_vd re = cw_vd_load(row_of(z, s, RE) + l), im = cw_vd_load(row_of(z, s, IM) + l);
      const cw_vd x = cw_vd_load(row_of(sum, s, RE) + l), y = cw_vd_load(row_of(sum, s, IM) + l);
      const cw_vd a = cw_vd_load(k + l), b = cw_vd_load(k + CW_LANES + l);
      cw_vd_store(k + l, cw_vd_fma(im, y, cw_vd_fma(re, x, a)));
      cw_vd_store(k + CW_LANES + l, cw_vd_fma(im, x, cw_vd_fnma(re, y, b)));
    }
  }
}

const cw_fourier_kernels CW_ISA_NAME(cw_fourier_kernels) = {transform, transform_back, multiply,
                                                            multiply_back, kernel_vjp};
