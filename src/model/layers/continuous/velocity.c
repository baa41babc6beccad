#include "model/layers/continuous/velocity.h"

#include <math.h>
#include <string.h>

static long n_mix(const cw_velocity *v) { return (long)v->F * (v->H + 1); }
static long n_kernel(const cw_velocity *v) { return v->fourier.n_orbits * v->F * v->D; }

long cw_velocity_n_theta(const cw_velocity *v) { return 1 + n_mix(v) + n_kernel(v); }

static double *numbers(cw_arena *arena, long n) {
  double *x = cw_arena_alloc(arena, (size_t)n * sizeof *x);
  if (x != NULL) memset(x, 0, (size_t)n * sizeof *x);
  return x;
}

/* The d-th cosine at a time, and the scale of kernels. */
static double cosine(const cw_velocity *v, int d, int time, int n_times) {
  return cos(M_PI * d * time / (n_times - 1)) / sqrt(v->F);
}

/* Kernels go through transforms as fields do, one number of a displacement in each lane, both parts used. */
enum { AT_ONCE = 2 * CW_LANES };

static long complex_length(const cw_velocity *v) { return v->fourier.n_sites * 2 * CW_LANES; }

/* out (n_waves, row): the transforms, over the number of sites, of kernel (n_orbits, row). z: complex_length. */
static void transform_kernels(const cw_velocity *v, const double *kernel, double *out, double *z) {
  const cw_fourier *f = &v->fourier;
  const long row = (long)v->F * v->D;
  for (long first = 0; first < row; first += AT_ONCE) {
    const long n = row - first < AT_ONCE ? row - first : AT_ONCE;
    memset(z, 0, (size_t)complex_length(v) * sizeof *z);
    for (long s = 0; s < f->n_sites; s++)
      for (long i = 0; f->orbit[s] >= 0 && i < n; i++)
        z[s * AT_ONCE + i] = kernel[f->orbit[s] * row + first + i];
    v->waves->transform(f, z);
    for (long s = 0; s < f->n_sites; s++)
      for (long i = 0; i < n; i++)
        out[f->wave[s] * row + first + i] = z[s * AT_ONCE + i] / (double)f->n_sites;
  }
}

/* The adjoint: kernel (n_orbits, row) += that of waves (n_waves, row). */
static void transform_back(const cw_velocity *v, long row, const double *waves, double *kernel,
                           double *z) {
  const cw_fourier *f = &v->fourier;
  for (long first = 0; first < row; first += AT_ONCE) {
    const long n = row - first < AT_ONCE ? row - first : AT_ONCE;
    memset(z, 0, (size_t)complex_length(v) * sizeof *z);
    for (long s = 0; s < f->n_sites; s++)
      for (long i = 0; i < n; i++)
        z[s * AT_ONCE + i] = f->share[f->wave[s]] * waves[f->wave[s] * row + first + i];
    v->waves->transform_back(f, z);
    for (long s = 0; s < f->n_sites; s++)
      for (long i = 0; f->orbit[s] >= 0 && i < n; i++)
        kernel[f->orbit[s] * row + first + i] += z[s * AT_ONCE + i] / (double)f->n_sites;
  }
}

/* (rows, F, D) -> (n_times, rows, F). */
static void at_times(const cw_velocity *v, int n_times, long rows, const double *cosines,
                     double *out) {
  for (int time = 0; time < n_times; time++)
    for (int d = 0; d < v->D; d++) {
      const double c = cosine(v, d, time, n_times);
      for (long i = 0; i < rows * v->F; i++)
        out[time * rows * v->F + i] += c * cosines[i * v->D + d];
    }
}

cw_status cw_velocity_fill(const cw_velocity *v, int n_times, const double *theta, cw_arena *work,
                           cw_velocity_tables *t) {
  const int F = v->F, width = v->H + 1;
  const long n_waves = v->fourier.n_waves;
  const double *kernel = theta + 1 + n_mix(v);
  double *mix = numbers(work, n_mix(v)), *mix_of_k = numbers(work, n_mix(v));
  *t = (cw_velocity_tables){.n_times = n_times,
                            .features = {F, v->H, M_PI / v->range * exp(theta[0]), mix, mix_of_k},
                            .wave = numbers(work, n_times * n_waves * F),
                            .centre = numbers(work, (long)n_times * F),
                            .own = numbers(work, (long)n_times * width)};
  cw_arena_mark mark = cw_arena_save(work);
  double *waves = numbers(work, n_waves * F * v->D), *z = numbers(work, complex_length(v));
  if (mix == NULL || mix_of_k == NULL || t->wave == NULL || t->centre == NULL || t->own == NULL ||
      waves == NULL || z == NULL)
    return CW_ENOMEM;
  for (int f = 0; f < F; f++)
    for (int k = 0; k < width; k++)
      mix[f * width + k] = mix_of_k[k * F + f] = theta[1 + f * width + k] / (k > 0 ? k : 1);
  transform_kernels(v, kernel, waves, z);
  at_times(v, n_times, n_waves, waves, t->wave);
  at_times(v, n_times, 1, kernel, t->centre); /* the first orbit is the displacement 0 */
  for (int time = 0; time < n_times; time++)
    for (int f = 0; f < F; f++)
      for (int k = 0; k < width; k++)
        t->own[time * width + k] += t->centre[time * F + f] * mix[f * width + k];
  cw_arena_rewind(work, mark);
  return CW_OK;
}

cw_status cw_velocity_open_gradient(const cw_velocity *v, int n_times, cw_arena *work,
                                    cw_velocity_gradient *out) {
  *out = (cw_velocity_gradient){
      .sine = {.mix = numbers(work, n_mix(v) * CW_LANES), .omega = numbers(work, CW_LANES)},
      .wave = numbers(work, n_times * v->fourier.n_waves * v->F * CW_LANES),
      .own = numbers(work, (long)n_times * (v->H + 1) * CW_LANES)};
  return out->sine.mix && out->sine.omega && out->wave && out->own ? CW_OK : CW_ENOMEM;
}

/* (n_times, rows, F, L) -> sums for each cosine, (rows, F, D, L). */
static void by_cosines(const cw_velocity *v, int n_times, long rows, int L, const double *times,
                       double *out) {
  const long n = rows * v->F;
  for (int time = 0; time < n_times; time++)
    for (int d = 0; d < v->D; d++) {
      const double c = cosine(v, d, time, n_times);
      for (long i = 0; i < n; i++)
        for (int l = 0; l < L; l++)
          out[(i * v->D + d) * L + l] += c * times[(time * n + i) * L + l];
    }
}

/* (n, CW_LANES) as they are (L = CW_LANES), or their sums (L = 1), in memory of the arena; NULL: no memory. */
static const double *lanes_or_sums(const double *each, long n, int L, cw_arena *work) {
  if (L == CW_LANES) return each;
  double *sum = cw_arena_alloc(work, (size_t)n * sizeof *sum);
  for (long i = 0; sum != NULL && i < n; i++) sum[i] = cw_sum(each + i * CW_LANES, CW_LANES);
  return sum;
}

/* out (n_theta, L): derivatives by parameters. */
static cw_status fold(const cw_velocity *v, const cw_velocity_tables *t,
                      const cw_velocity_gradient *from, int L, double *out, cw_arena *work) {
  const int F = v->F, width = v->H + 1, n_times = t->n_times;
  const long row = (long)F * v->D * L, n_waves = v->fourier.n_waves;
  double *waves = numbers(work, n_waves * row), *centre = numbers(work, (long)n_times * F * L);
  double *of_centre = numbers(work, row), *z = numbers(work, complex_length(v));
  const double *own = lanes_or_sums(from->own, (long)n_times * width, L, work);
  const double *mix = lanes_or_sums(from->sine.mix, n_mix(v), L, work);
  const double *omega = lanes_or_sums(from->sine.omega, 1, L, work);
  const double *wave = lanes_or_sums(from->wave, n_times * n_waves * F, L, work);
  if (!waves || !centre || !of_centre || !z || !own || !mix || !omega || !wave) return CW_ENOMEM;
  for (int l = 0; l < L; l++) {
    out[l] = t->features.omega * omega[l];
    for (int f = 0; f < F; f++)
      for (int k = 0; k < width; k++) {
        double by_mix = mix[(f * width + k) * L + l];
        for (int time = 0; time < n_times; time++) {
          const double by_own = own[(time * width + k) * L + l];
          by_mix += by_own * t->centre[time * F + f];
          centre[(time * F + f) * L + l] += by_own * t->features.mix[f * width + k];
        }
        out[(1 + f * width + k) * L + l] = by_mix / (k > 0 ? k : 1);
      }
  }
  by_cosines(v, n_times, n_waves, L, wave, waves);
  by_cosines(v, n_times, 1, L, centre, of_centre);
  double *kernel = out + (1 + n_mix(v)) * L;
  memcpy(kernel, of_centre,
         (size_t)row * sizeof *kernel); /* the first orbit is the displacement 0 */
  transform_back(v, row, waves, kernel, z);
  return CW_OK;
}

cw_status cw_velocity_fold(const cw_velocity *v, const cw_velocity_tables *t,
                           const cw_velocity_gradient *from, double sign, cw_gradient_of *gtheta,
                           cw_arena *work) {
  const int L = gtheta->each != NULL ? CW_LANES : 1;
  const long n = cw_velocity_n_theta(v);
  cw_arena_mark mark = cw_arena_save(work);
  double *mine = numbers(work, n * L);
  if (mine == NULL) return CW_ENOMEM;
  CW_TRY(fold(v, t, from, L, mine, work));
  for (long i = 0; i < n; i++) {
    gtheta->sum[i] += sign * cw_sum(mine + i * L, (size_t)L);
    for (int l = 0; gtheta->each != NULL && l < L; l++)
      gtheta->each[i * L + l] += sign * mine[i * L + l];
  }
  cw_arena_rewind(work, mark);
  return CW_OK;
}

cw_status cw_velocity_open_work(const cw_velocity *v, cw_arena *arena, cw_velocity_work *out) {
  const long n = complex_length(v);
  *out = (cw_velocity_work){.z = numbers(arena, n * v->F / 2),
                            .u = numbers(arena, n * v->F / 2),
                            .sum = numbers(arena, n)};
  return out->z && out->u && out->sum ? CW_OK : CW_ENOMEM;
}

static const double *kernels_at(const cw_velocity *v, const cw_velocity_tables *t, int time) {
  return t->wave + time * v->fourier.n_waves * v->F;
}

/* Features of x and their transforms, in work->z. */
static void transformed_features(const cw_velocity *v, const cw_velocity_tables *t, int time,
                                 const double *x, double *divergence, cw_velocity_work *work) {
  v->sines->features(&t->features, v->geom->outer, v->fourier.n_sites, x,
                     t->own + (long)time * (v->H + 1), work->z, divergence);
  for (int pair = 0; pair < v->F / 2; pair++)
    v->waves->transform(&v->fourier, work->z + pair * complex_length(v));
}

void cw_velocity_at(const cw_velocity *v, const cw_velocity_tables *t, int time, const double *x,
                    double *velocity, double *divergence, cw_velocity_work *work) {
  const double *kernel = kernels_at(v, t, time);
  memset(divergence, 0, CW_LANES * sizeof *divergence);
  transformed_features(v, t, time, x, divergence, work);
  for (int pair = 0; pair < v->F / 2; pair++)
    v->waves->multiply(&v->fourier, kernel, v->F, 2 * pair, work->z + pair * complex_length(v),
                       pair == 0, work->sum);
  v->waves->transform_back(&v->fourier, work->sum);
  cw_fourier_to_block(&v->fourier, v->geom->outer, work->sum, velocity);
}

/* The transform of an adjoint of the velocity, in work->sum. */
static void transformed_adjoint(const cw_velocity *v, const double *a, cw_velocity_work *work) {
  cw_fourier_from_block(&v->fourier, v->geom->outer, a, work->sum);
  v->waves->transform(&v->fourier, work->sum);
}

void cw_velocity_vjp(const cw_velocity *v, const cw_velocity_tables *t, int time, const double *x,
                     const double *a, const double *c, double *g, cw_velocity_gradient *to,
                     cw_velocity_work *work) {
  const double *kernel = kernels_at(v, t, time);
  double unused[CW_LANES] CW_ALIGNED = {0};
  transformed_adjoint(v, a, work);
  if (to != NULL) transformed_features(v, t, time, x, unused, work);
  for (int pair = 0; pair < v->F / 2; pair++) {
    double *u = work->u + pair * complex_length(v);
    v->waves->multiply_back(&v->fourier, kernel, v->F, 2 * pair, work->sum, u);
    v->waves->transform_back(&v->fourier, u);
    if (to != NULL)
      v->waves->kernel_vjp(&v->fourier, v->F, 2 * pair, work->z + pair * complex_length(v),
                           work->sum, to->wave + time * v->fourier.n_waves * v->F * CW_LANES);
  }
  cw_sine_gradient mine = {0};
  if (to != NULL) {
    mine = to->sine;
    mine.own = to->own + (long)time * (v->H + 1) * CW_LANES;
  }
  v->sines->features_vjp(&t->features, v->geom->outer, v->fourier.n_sites, x,
                         t->own + (long)time * (v->H + 1), work->u, c, g,
                         to != NULL ? &mine : NULL);
}
