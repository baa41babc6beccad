/* The Ising model and its samplers against what is known: distributions enumerated on small
 * lattices of every kind, exact energies, and how fast chains forget. Spin flips bit by bit against
 * plain loops. */
#include "physics/spins.h"

#include "causeway/ising.h"
#include "sampler/spinflip/spinflip.h"

static cw_context *context(void **state) { return *state; }
static const double beta_c = 0.440686793509772;

static const method methods[] = {{"spinflip", "heatbath"},
                                 {"spinflip", "metropolis"},
                                 {"cluster", "wolff"},
                                 {"cluster", "swendsen-wang"}};
enum { N_METHODS = sizeof methods / sizeof *methods };

/* ---------------------------------------------------------------- distributions */

static const cw_lattice small[] = {{1, {1}},       {1, {2}},    {1, {5}},         {1, {6}},
                                   {2, {2, 2}},    {2, {3, 3}}, {2, {4, 3}},      {2, {1, 7}},
                                   {3, {2, 2, 3}}, {2, {2, 5}}, {4, {2, 1, 2, 2}}};
enum { N_SMALL = sizeof small / sizeof *small };

static void check_sampler(cw_context *ctx, const method *m, const cw_lattice *lat,
                          const double *param, long n_chain, bool cold, uint32_t n_step) {
  walkers w;
  open_walkers(&w, ctx, m, lat, 1, param, strcmp(m->sampler, "cluster") == 0 ? 4 : 1, n_chain);
  const unsigned n_states = 1u << w.geom->n_sites;
  double *p = enumerate(&w.th);
  if (cold)
    cw_kind(CW_SITE_SPIN)->cold(&w.x);
  else
    start_in_equilibrium(&w.x, p, n_states);
  for (uint32_t i = 0; i < n_step; i++) step(ctx, &w, i, NULL);
  check_distribution(&w.x, p, n_states, m, cold ? "from cold" : "from equilibrium");
  free(p);
  close_walkers(&w);
}

/* Equilibrium stays equilibrium after a step, and cold chains get there, in a field and
 * without, and with make check-long without coupling too. */
static void test_distributions(void **state) {
  const double params[][2] = {{0.15, 0.4}, {0.2, 0}, {0.18, -0.8}, {0, 0}};
  const int n_params = test_is_long() ? 4 : 2;
  const long n = 1 << (test_is_long() ? 16 : 14);
  const uint32_t n_cold = test_is_long() ? 60 : 25;
  for (int l = 0; l < N_SMALL; l++)
    for (int k = 0; k < n_params; k++)
      for (int m = 0; m < N_METHODS; m++) {
        check_sampler(context(state), &methods[m], &small[l], params[k], n, false, 1);
        check_sampler(context(state), &methods[m], &small[l], params[k], n / 8, true, n_cold);
      }
}

/* ------------------------------------------------------------- spin flips, bit by bit */

/* The random number of a site: its bits are those of one plane after the other. */
static uint64_t random_of(long site, long chain, uint32_t step_number, int sweep) {
  uint64_t u = 0;
  for (uint32_t plane = 0; plane < 64; plane++) {
    uint32_t r[4];
    cw_random_bits(cw_rng_stream(3, "ising"), (uint32_t)(site / 128), (uint32_t)chain, step_number,
                   (uint32_t)sweep * 64 + plane, r);
    u |= (uint64_t)(r[site % 128 / 32] >> site % 32 & 1) << (63 - plane);
  }
  return u;
}

static int colour_of(const cw_lattice *lat, const int *coord) {
  int sum = 0, n_colours = 2;
  for (int mu = 0; mu < lat->dim; mu++) {
    bool odd = lat->extent[mu] > 1 && lat->extent[mu] % 2 == 1;
    if (odd) n_colours = 3;
    sum += odd && coord[mu] == lat->extent[mu] - 1 ? 2 : coord[mu] % 2;
  }
  return sum % n_colours;
}

/* -dS/ds: sites that are their own neighbours do not count. */
static double local_field(const cw_theory *th, const double *spin, long site) {
  const cw_lattice *lat = &th->geom->lat;
  int coord[CW_MAX_DIM];
  double sum = 0;
  cw_lattice_coord(lat, site, coord);
  for (int mu = 0; mu < lat->dim; mu++)
    for (int way = -1; way <= 1; way += 2) {
      coord[mu] += way;
      if (lat->extent[mu] > 1) sum += spin[cw_lattice_site(lat, coord)];
      coord[mu] -= way;
    }
  return -(th->c[0] * sum + th->c[1]);
}

static double plain_update(double spin, double f, bool metropolis, uint64_t u) {
  double along = f < 0 ? -1 : 1, w = exp(-2 * fabs(f));
  bool strong = metropolis && w <= 0.5; /* in a weak field Metropolis is the heat bath */
  bool below = u < (uint64_t)ldexp(strong ? w : w / (1 + w), 64);
  if (strong && spin != along) return along;
  return below ? -along : along;
}

static void plain_sweep(const cw_theory *th, double *spin, bool metropolis, bool back, long chain,
                        uint32_t step_number, int sweep) {
  const cw_lattice *lat = &th->geom->lat;
  for (int colour = back ? 2 : 0; colour >= 0 && colour < 3; colour += back ? -1 : 1)
    for (long s = 0; s < th->geom->n_sites; s++) {
      int coord[CW_MAX_DIM];
      cw_lattice_coord(lat, s, coord);
      if (colour_of(lat, coord) != colour) continue;
      spin[s] = plain_update(spin[s], local_field(th, spin, s), metropolis,
                             random_of(s, chain, step_number, sweep));
    }
}

static void check_flips(cw_context *ctx, const cw_lattice *lat, const double *param, int V,
                        cw_isa isa, const method *m, bool back) {
  enum { N_CHAIN = 11, N_SWEEP = 3 };
  const bool metropolis = strcmp(m->choice, "metropolis") == 0;
  double accept[2 * CW_LANES];
  walkers w;
  open_walkers(&w, ctx, m, lat, V, param, N_SWEEP, N_CHAIN);
  const long n = w.geom->n_sites;
  double *spin = calloc((size_t)n, sizeof *spin);
  w.th.isa = isa;
  w.x.first_chain = 40;
  for (int chain = 0; chain < N_CHAIN; chain += 5) {
    cw_kind(CW_SITE_SPIN)->hot(isa, &w.x, cw_rng_stream(2, "start"), 0);
    for (long s = 0; s < n; s++) spin[s] = cw_field_get(&w.x, chain, s, 0);
    (back ? step_back : step)(ctx, &w, 7, accept);
    double changed = 0;
    for (int sweep = 0; sweep < N_SWEEP; sweep++) {
      double *old = malloc((size_t)n * sizeof *old);
      memcpy(old, spin, (size_t)n * sizeof *old);
      plain_sweep(&w.th, spin, metropolis, back, 40 + chain, 7, sweep);
      for (long s = 0; s < n; s++) changed += spin[s] != old[s];
      free(old);
    }
    for (long s = 0; s < n; s++) assert_true(cw_field_get(&w.x, chain, s, 0) == spin[s]);
    check_close(accept[chain], metropolis ? changed / (double)(n * N_SWEEP) : 1, 1e-14);
  }
  free(spin);
  close_walkers(&w);
}

/* All kinds of extents: whole words and not, odd, 1 and 2, more sites than a draw has bits. Every
 * split and instruction set, there and back. */
static void test_spin_flips(void **state) {
  const cw_lattice lattices[] = {{1, {1}},      {1, {3}},       {1, {130}},      {2, {16, 16}},
                                 {2, {5, 7}},   {2, {6, 1}},    {2, {4, 70}},    {2, {2, 128}},
                                 {2, {33, 10}}, {3, {4, 6, 2}}, {3, {3, 8, 12}}, {4, {2, 3, 4, 6}}};
  const double params[][2] = {{0.4, 0}, {0.3, 0.25}, {0.2, -1.5}};
  for (size_t l = 0; l < sizeof lattices / sizeof *lattices; l++) {
    int splits[5], n_splits = cw_geometry_splits(&lattices[l], splits);
    FOR_EACH_ISA(isa, context(state))
      for (int i = 0; i < n_splits; i++)
        for (int m = 0; m < 2; m++)
          check_flips(context(state), &lattices[l], params[(l + (size_t)i) % 3], splits[i], isa,
                      &methods[m], (m + i + (int)l) % 2 == 1);
  }
}

/* Rare events have their probability too: a spin against the field of all its neighbours is as rare
 * as e^-8b, six decades below the first digits of a random number. */
static void test_rare_flips(void **state) {
  enum { N_CHAIN = 64 };
  const double param[2] = {1.7, 0};
  const cw_lattice lat = {2, {256, 256}};
  const double p = exp(-8 * param[0]), n = (double)N_CHAIN * 65536 * 16;
  for (int m = 0; m < 2; m++) {
    double flips = 0, accept[N_CHAIN];
    const double expected = n / 2 * (m == 0 ? p / (1 + p) : p); /* of the first colour alone */
    walkers w;
    open_walkers(&w, context(state), &methods[m], &lat, 1, param, 1, N_CHAIN);
    for (uint32_t i = 0; i < 16; i++) {
      cw_kind(CW_SITE_SPIN)->cold(&w.x);
      step(context(state), &w, i, accept);
      for (long s = 0; s < 65536; s++) {
        if ((s / 256 + s % 256) % 2 != 0) continue;
        const double *lanes = w.x.data + w.geom->outer[s] * CW_LANES;
        for (long block = 0; block < w.x.n_blocks; block++, lanes += cw_field_block_size(&w.x))
          for (int l = 0; l < CW_LANES; l++) flips += lanes[l] < 0;
      }
    }
    check_sigma(flips, sqrt(expected), expected, 4);
    assert_true(expected > 25);
    close_walkers(&w);
  }
}

/* --------------------------------------------------------------------- exact energies */

static void check_energy(cw_context *ctx, const method *m, int L, double beta, long n_chain,
                         uint32_t n_step, double relative_error) {
  plan p = {.theory = "ising",
            .form = "beta",
            .sampler = m->sampler,
            .choice = m->choice,
            .lat = {2, {L, L}},
            .param = {beta, 0},
            .n_chain = n_chain,
            .n_therm = 100,
            .n_step = n_step,
            .seed = 5};
  chains r = run_chains(ctx, &p);
  const cw_ising_exact exact = cw_ising_torus(L, L, beta);
  const cw_estimate e = estimate(&r, "energy", 0), C = estimate(&r, "specific_heat", 0);
  check_sigma(e.value, e.error, exact.energy, 4);
  check_sigma(C.value, C.error, exact.heat, 4);
  check_sigma(estimate(&r, "m", 0).value, estimate(&r, "m", 0).error, 0, 4);
  if (!(e.error < relative_error * fabs(exact.energy)))
    print_error("%s, %s: energy %.6f +- %.1e, tau_int %.2f\n", m->sampler, m->choice, e.value,
                e.error, e.tau_int);
  assert_true(e.error < relative_error * fabs(exact.energy));
  free_chains(&r);
}

static void test_energies(void **state) {
  const long n = test_is_long() ? 512 : 64;
  const double error = test_is_long() ? 2e-4 : 6e-4;
  check_energy(context(state), &methods[0], 32, 0.3, n, 600, error);
  check_energy(context(state), &methods[1], 32, 0.3, n, 600, error);
  check_energy(context(state), &methods[2], 16, beta_c, 128, 400, 1.5e-3);
  check_energy(context(state), &methods[3], 16, beta_c, 128, 400, 1.5e-3);
  check_energy(context(state), &methods[0], 15, 0.35, 128, 400, 1.5e-3);
}

/* At the critical point local updates take L^2.17 sweeps, clusters hardly any. */
static void test_autocorrelation(void **state) {
  double tau[N_METHODS];
  for (int m = 0; m < N_METHODS; m++) {
    plan p = {.theory = "ising",
              .form = "beta",
              .sampler = methods[m].sampler,
              .choice = methods[m].choice,
              .lat = {2, {16, 16}},
              .param = {beta_c, 0},
              .set = {{"sweeps", 1}},
              .n_chain = test_is_long() ? 64 : 32,
              .n_therm = 300,
              .n_step = test_is_long() ? 2000 : 400,
              .seed = 6};
    chains r = run_chains(context(state), &p);
    tau[m] = estimate(&r, "abs_m", 0).tau_int;
    free_chains(&r);
  }
  assert_true(tau[0] > 15 && tau[1] > 15);
  assert_true(tau[2] < 2 && tau[3] < 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_spin_flips),      cmocka_unit_test(test_distributions),
      cmocka_unit_test(test_rare_flips),      cmocka_unit_test(test_energies),
      cmocka_unit_test(test_autocorrelation),
  };
  return cmocka_run_group_tests_name("Ising physics", tests, test_open_context_1,
                                     test_close_context);
}
