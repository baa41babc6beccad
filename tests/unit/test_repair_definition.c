/* Layer repair against its definition in plain matrices. */
#include "unit/repair_subject.h"

enum { CONFIG = 1 };

/* Couplings of plaquettes with 0, 1 and 2 links of the defect. */
static const double ratio[3] = {1, 0.6, 0.36};

static bool is_defect(const subject *a, const int *coord, int mu) {
  const cw_lattice *lat = &a->geom->lat;
  bool inside = mu == 0;
  for (int d = 0; d < lat->dim; d++) {
    const int x = (coord[d] + lat->extent[d]) % lat->extent[d];
    inside = inside && (d == 0 ? x == lat->extent[0] - 1 : x < a->s->orbits.edge[d]);
  }
  return inside;
}

/* Staple s of link (coord, mu), in the order of cw_link_staples, and the weight of its plaquette. */
static matrix staple_of(const subject *a, const plain *f, const int *coord, int mu, int s,
                        double *w) {
  const int nu = s / 2 + (s / 2 >= mu);
  int side[CW_MAX_DIM], beside[CW_MAX_DIM], last[CW_MAX_DIM];
  moved(coord, nu, s % 2 ? -1 : 0, side);
  moved(coord, nu, s % 2 ? -1 : 1, beside);
  moved(side, mu, 1, last);
  *w = ratio[is_defect(a, coord, mu) + is_defect(a, side, nu) + is_defect(a, beside, mu) +
             is_defect(a, last, nu)];
  const matrix A = *link_at(f, side, nu), B = *link_at(f, beside, mu), C = *link_at(f, last, nu);
  return s % 2 ? times(times(dagger(A), B), C) : times(times(A, B), dagger(C));
}

static matrix weighted(const subject *a, const plain *f, const int *coord, int mu, double *most) {
  matrix sum = {.n = f->kind_N};
  *most = 0;
  for (int s = 0; s < 2 * (f->lat.dim - 1); s++) {
    double w;
    const matrix v = staple_of(a, f, coord, mu, s, &w);
    sum = plus(sum, w, v);
    *most = fmax(*most, w);
  }
  return sum;
}

/* Frees f. */
static plain smeared(const subject *a, plain f) {
  plain g = copy_of(&f);
  double most;
  for (long r = 0; r < a->geom->n_sites * f.lat.dim; r++) {
    int coord[CW_MAX_DIM];
    cw_lattice_coord(&f.lat, r / f.lat.dim, coord);
    const matrix v = weighted(a, &f, coord, (int)(r % f.lat.dim), &most);
    g.link[r] = unitary(plus(f.link[r], a->s->weight, v), 1);
  }
  free(f.link);
  return g;
}

static long double square_of(matrix m) { return creall(trace(times(m, dagger(m)))); }
static long double norm_of(matrix m) {
  const matrix b = times(dagger(m), m);
  return powl(square_of(times(b, b)), 0.125L);
}

/* X of an active link. */
static matrix field_of(const subject *a, const plain *thin, const plain *twice,
                       const cw_repair_near *near, long link) {
  const int mu = (int)(link % thin->lat.dim), n_staples = a->s->orbits.n_staples;
  matrix A = {.n = thin->kind_N}, X = A, q;
  double most;
  int coord[CW_MAX_DIM];
  cw_lattice_coord(&thin->lat, link / thin->lat.dim, coord);
  const matrix u = thin->link[link], R = weighted(a, twice, coord, mu, &most);
  const double e = a->theta[2 * n_staples + near->orbit] / 4;
  for (int s = 0; s < 2 * (thin->lat.dim - 1); s++) {
    double w;
    const int i = near->staple[s];
    A = plus(A, a->theta[i], staple_of(a, thin, coord, mu, s, &w));
    A = plus(A, a->theta[n_staples + i], staple_of(a, twice, coord, mu, s, &w));
  }
  const long double N = thin->kind_N, r2 = square_of(R);
  const long double K =
      norm_of(A) + (N > 1 ? fabs(e) * sqrtl(r2 * (r2 + N * powl(norm_of(R), 2))) : 0);
  const matrix P = times(u, dagger(R));
  q = plus(times(u, dagger(A)), e * conjl(trace(P)), P);
  q = plus((matrix){.n = q.n}, powl(1 + powl(2 * K, 8), -0.125L), q);
  for (int b = 0; b < cw_kind(a->kind)->n_algebra; b++) {
    const matrix T = generator(a->kind, b);
    X = plus(X, creall(trace(times(T, q))) * (a->kind == CW_LINK_U1 ? 1 : 2), T); /* -TA */
  }
  return X;
}

static void plain_class(const subject *a, const cw_repair_class *k, plain *f) {
  plain t = copy_of(f), y = copy_of(f);
  for (long i = 0; i < k->active.n; i++) {
    const long link = a->s->number[k->active.link[i].to];
    int coord[CW_MAX_DIM];
    double most;
    cw_lattice_coord(&f->lat, link / f->lat.dim, coord);
    t.link[link] = unitary(weighted(a, f, coord, (int)(link % f->lat.dim), &most), 2);
  }
  t = smeared(a, smeared(a, t));
  for (long i = 0; i < k->active.n; i++) {
    const long link = a->s->number[k->active.link[i].to];
    y.link[link] = times(exponential(field_of(a, f, &t, k->near[i], link)), f->link[link]);
  }
  free(f->link);
  free(t.link);
  *f = y;
}

static void pass_is_as_defined(cw_field_kind kind, cw_lattice lat, int hops, int edge, int V,
                               double size) {
  const cw_layer_spec spec = defect_spec(lat.dim, hops, edge);
  subject a;
  double logj[CW_LANES] CW_ALIGNED, far = 0;
  open_subject(&a, kind, lat, V, &spec);
  for (long i = 0; i < a.L->n_theta; i++) a.theta[i] *= size;
  cw_repair_weigh(a.s, ratio);
  plain f = plain_of(kind, &a.x, CONFIG), before = copy_of(&f);
  for (int c = 0; c < a.s->n_classes; c++) plain_class(&a, &a.s->class[c], &f);
  check_ok(a.ctx, run(&a, false, &a.x, logj));
  for (long r = 0; r < a.geom->n_sites * lat.dim; r++) {
    const matrix y = link_of_field(kind, &a.x, CONFIG, r / lat.dim, (int)(r % lat.dim));
    check_close(distance(y, f.link[r]), 0, 2e-13); /* some sums of staples nearly vanish */
    far = fmax(far, distance(y, before.link[r]));
  }
  assert_true(far > 1e-4);
  free(f.link);
  free(before.link);
  close_subject(&a);
}

static void test_definition(void **state) {
  (void)state;
  for (cw_field_kind kind = CW_LINK_U1; kind <= CW_LINK_SU3; kind++) {
    pass_is_as_defined(kind, (cw_lattice){2, {4, 6}}, 1, 1, 1, 1);
    pass_is_as_defined(kind, (cw_lattice){2, {4, 6}}, 1, 1, 1, 300); /* held */
    pass_is_as_defined(kind, (cw_lattice){3, {2, 4, 4}}, 1, 2, 4, 1);
    if (!SANITIZED) pass_is_as_defined(kind, (cw_lattice){4, {4, 2, 2, 4}}, 0, 2, 1, 20);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_definition)};
  return cmocka_run_group_tests_name("repair", tests, NULL, NULL);
}
