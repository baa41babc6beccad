/* The reversal of a step, of every sampler that has one: in equilibrium x, y by a step are as likely as
 * y, x by step_back. So products of what is seen at a place before a step and at another one after it
 * have the mean that they have after and before a reversal, pair by pair of places; and a step in place
 * of its reversal does not do, unless it is its own. */
#include "contract/samplers.h"

/* ------------------------------------------------------------------- what is seen */

/* Of reals the number and its square, of spins the number, and their products with the next in each
 * direction, or of several reals the first and inner products; of links the force on each, as a vector: those at one site turn together under a gauge
 * transformation, the same before and after a step, and their inner products do not. */
static int n_seen(const bench *b) {
  const int dim = b->geom->lat.dim;
  if (cw_kind(b->th.ops->kind)->on_links) return dim;
  return dim + (b->th.ops->kind == CW_SITE_REAL ? 2 : 1);
}

static int width_of(const bench *b) {
  return cw_kind(b->th.ops->kind)->on_links ? cw_kind(b->th.ops->kind)->n_algebra : 1;
}

static double product(const cw_field *x, long config, long here, long there) {
  double sum = 0;
  for (int c = 0; c < x->n_comp; c++)
    sum += cw_field_get(x, config, here, c) * cw_field_get(x, config, there, c);
  return sum;
}

static double *see_site(const bench *b, long config, long site, double *to) {
  *to++ = cw_field_get(&b->x, config, site, 0);
  if (b->th.ops->kind == CW_SITE_REAL) *to++ = product(&b->x, config, site, site);
  for (int mu = 0; mu < b->geom->lat.dim; mu++) {
    int coord[CW_MAX_DIM];
    cw_lattice_coord(&b->geom->lat, site, coord);
    coord[mu]++;
    *to++ = product(&b->x, config, site, cw_lattice_site(&b->geom->lat, coord));
  }
  return to;
}

/* out (n_config, n_sites, n_seen, width) */
static void see(const bench *b, double *out) {
  const bool links = cw_kind(b->th.ops->kind)->on_links;
  cw_field f = links ? forces_of(b) : (cw_field){0};
  for (long i = 0; i < b->x.n_config; i++)
    for (long s = 0; s < b->geom->n_sites; s++) {
      if (!links) out = see_site(b, i, s, out);
      for (int c = 0; c < f.n_comp; c++) *out++ = cw_field_get(&f, i, s, c);
    }
  cw_field_destroy(&f);
}

/* -------------------------------------------------------------------- correlations */

/* One of whatever a sampler counts in a step, so that more of it does not hide an order. */
static void one_of_each(const subject *who, bench *b) {
  double p[CW_MAX_PARAMS];
  for (int i = 0; who->sampler->params[i].name != NULL; i++) {
    const cw_param *q = &who->sampler->params[i];
    p[i] = q->numbers == CW_WHOLE ? fmin(q->preset, fmax(q->min, 1)) : q->preset;
  }
  cw_sampler_destroy(b->sampler);
  check_ok(b->ctx, cw_sampler_create(b->ctx, who->sampler, &b->th, p, who->choice, b->x.n_blocks,
                                     &b->sampler));
}

/* What the chains say of e_b(x1) . (e_a(x0) - e_a(x2)), summed over rounds and over the sites of either
 * parity where a is seen; b is seen so and so far from there. */
typedef struct {
  int n_sites, n, width;
  long n_chain, n_pairs;
  int *parity, *there; /* (n_sites), (n_sites, n_sites) site so and so far from another */
  double *seen[3];     /* (n_chain, n_sites, n, width) of x0, x1, x2 */
  double *sum;         /* (n_chain, n_pairs): (2, n_sites, n, n) */
} tally;

static tally tally_of(const bench *b) {
  const cw_lattice *lat = &b->geom->lat;
  tally t = {.n_sites = (int)b->geom->n_sites,
             .n = n_seen(b),
             .width = width_of(b),
             .n_chain = b->x.n_config};
  const size_t chains = (size_t)t.n_chain, sites = (size_t)t.n_sites;
  const size_t all = chains * sites * (size_t)(t.n * t.width);
  t.n_pairs = 2L * t.n_sites * t.n * t.n;
  for (int i = 0; i < 3; i++) t.seen[i] = cw_alloc(all * sizeof(double));
  t.sum = cw_alloc(chains * (size_t)t.n_pairs * sizeof(double));
  memset(t.sum, 0, chains * (size_t)t.n_pairs * sizeof(double));
  t.parity = cw_alloc(sites * sizeof(int));
  t.there = cw_alloc(sites * sites * sizeof(int));
  for (int i = 0; i < t.n_sites * t.n_sites; i++) {
    int here[CW_MAX_DIM], far[CW_MAX_DIM], sum = 0;
    cw_lattice_coord(lat, i / t.n_sites, here);
    cw_lattice_coord(lat, i % t.n_sites, far);
    for (int mu = 0; mu < lat->dim; mu++) {
      sum += here[mu];
      far[mu] += here[mu];
    }
    t.parity[i / t.n_sites] = sum % 2;
    t.there[i] = (int)cw_lattice_site(lat, far);
  }
  return t;
}

static void free_tally(tally *t) {
  for (int i = 0; i < 3; i++) free(t->seen[i]);
  free(t->sum);
  free(t->parity);
  free(t->there);
}

/* One chain, one site and how far from there. */
static void count_pairs(const tally *t, long chain, int site, int far) {
  const int w = t->width, there = t->there[site * t->n_sites + far];
  const double *x0 = t->seen[0] + (chain * t->n_sites + site) * t->n * w;
  const double *x1 = t->seen[1] + (chain * t->n_sites + there) * t->n * w;
  const double *x2 = t->seen[2] + (chain * t->n_sites + site) * t->n * w;
  double *sum =
      t->sum + chain * t->n_pairs + (long)(t->parity[site] * t->n_sites + far) * t->n * t->n;
  for (int a = 0; a < t->n; a++)
    for (int b = 0; b < t->n; b++) {
      double along = 0;
      for (int k = 0; k < w; k++) along += x1[b * w + k] * (x0[a * w + k] - x2[a * w + k]);
      sum[a * t->n + b] += along;
    }
}

static void count_round(const tally *t) {
  for (long i = 0; i < t->n_chain; i++)
    for (int site = 0; site < t->n_sites; site++)
      for (int far = 0; far < t->n_sites; far++) count_pairs(t, i, site, far);
}

/* The largest |mean/error| of all pairs; errors by the scatter of the chains. */
static double worst_pair(const tally *t) {
  double worst = 0, *of_chain = cw_alloc((size_t)t->n_chain * sizeof *of_chain);
  for (long k = 0; k < t->n_pairs; k++) {
    double mean, error;
    for (long i = 0; i < t->n_chain; i++) of_chain[i] = t->sum[i * t->n_pairs + k];
    mean_and_error(of_chain, t->n_chain, &mean, &error);
    if (error > 0) worst = fmax(worst, fabs(mean) / error);
  }
  free(of_chain);
  return worst;
}

/* x0 -> x1 by a step, x1 -> x2 by its reversal, or, planted, by another step, and so on. Draws of
 * either have streams of their own. False: it does not fit. */
static bool asymmetry(const subject *who, const cw_lattice *lat, bool planted, double *worst) {
  const bool links = cw_kind(who->theory->kind)->on_links;
  const long n_chain = links || SANITIZED ? 64 : 256; /* enough for errors from their scatter */
  const uint32_t whole = links ? 60 : 100;
  const uint32_t n_round = SANITIZED ? whole / 10 : test_is_long() ? whole : whole * 7 / 10;
  bench b;
  if (!open_bench(&b, who, who->ctx, lat, 1, n_chain)) return false;
  one_of_each(who, &b);
  tally t = tally_of(&b);
  const uint32_t start = thermalise(&b, SANITIZED ? 24 : 80);
  see(&b, t.seen[2]);
  for (uint32_t i = 0; i < n_round; i++) {
    double *first = t.seen[0];
    t.seen[0] = t.seen[2];
    t.seen[2] = first;
    step(&b, start + i, NULL);
    see(&b, t.seen[1]);
    (planted ? step : back)(&b, start + i + (planted ? n_round : 0), NULL);
    see(&b, t.seen[2]);
    count_round(&t);
  }
  *worst = worst_pair(&t);
  free_tally(&t);
  close_bench(&b);
  return true;
}

/* Links near order, where they remember what their neighbours were. */
static subject in_order(const subject *who) {
  subject w = *who;
  const cw_param *table = w.theory->params[w.form];
  for (int i = 0; table[i].name != NULL && cw_kind(w.theory->kind)->on_links; i++)
    if (strncmp(table[i].name, "beta", 4) == 0) w.theory_param[i] *= 6;
  return w;
}

/* By number of a sampler: how far off a step is in place of its reversal, at most. */
static double seen_plant[64];

static void step_is_reversed(const subject *any) {
  const cw_lattice plane = {2, {4, 3}}, space = {3, {4, 2, 2}};
  const subject who = in_order(any);
  const bool flat = who.theory->refuse(who.form, &plane, who.theory_param) == NULL;
  const cw_sampler_ops *ops = who.sampler;
  double worst, planted = 0;
  int number = 0;
  while (cw_samplers[number] != ops) number++;
  if (ops->step_back == NULL || !asymmetry(&who, flat ? &plane : &space, false, &worst)) return;
  if (worst > 5.5)
    print_error("%s on %s: %.1f sigma, word keys %d, %d\n", ops->name, who.theory->name, worst,
                who.choice[0], who.choice[1]);
  assert_true(worst < 5.5); /* of a thousand pairs in each of some fifty cases */
  if (SANITIZED || ops->step_back == ops->step || seen_plant[number] > 0) return;
  asymmetry(&who, flat ? &plane : &space, true, &planted);
  seen_plant[number] = fmax(seen_plant[number], planted > 5.5 ? planted : 0);
}

static void test_reversal(void **state) {
  (void)state;
  for_all(step_is_reversed);
  for (int i = 0; cw_samplers[i] != NULL; i++) {
    if (cw_samplers[i]->step_back == NULL || cw_samplers[i]->step_back == cw_samplers[i]->step ||
        !test_is_new(cw_samplers[i]->name))
      continue;
    print_message("%s: a step in place of its reversal is %.0f sigma off\n", cw_samplers[i]->name,
                  seen_plant[i]);
    assert_true(SANITIZED || seen_plant[i] > 5.5); /* the test has teeth */
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reversal),
  };
  return cmocka_run_group_tests_name("reversal contract", tests, NULL, NULL);
}
