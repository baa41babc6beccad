/* Layer repair: orbits, symmetries, what it reads and leaves alone, and a contraction for every theta. */
#include "unit/repair_subject.h"

static const cw_lattice cube6 = {4, {6, 6, 6, 6}};

/* ------------------------------------------------------------------------ orbits */

static cw_repair_orbits orbits_of(cw_context *ctx, int dim, int hops, const int *edge) {
  cw_repair_orbits o = {.dim = dim, .direction = 0, .hops = hops};
  for (int d = 0; d < CW_MAX_DIM; d++) o.edge[d] = d < dim ? edge[d] : 1;
  check_ok(ctx, cw_repair_find_orbits(ctx, &o));
  return o;
}

/* Links within 0, 1 and 2 hops of a 2^3 defect, and their orbits under its group of 96 elements. */
static void test_orbits(void **state) {
  static const struct {
    int dim, hops, edge[4];
    long n;
    int links, staples;
  } known[] = {{4, 0, {1, 2, 2, 2}, 8, 1, 2},     {4, 1, {1, 2, 2, 2}, 104, 4, 14},
               {4, 2, {1, 2, 2, 2}, 480, 13, 52}, {4, 0, {1, 2, 3, 2}, 12, 2, 7},
               {2, 0, {1, 1, 1, 1}, 1, 1, 1},     {2, 1, {1, 1, 1, 1}, 7, 3, 5}};
  cw_context *ctx = test_context(1);
  (void)state;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    cw_repair_orbits o = orbits_of(ctx, known[i].dim, known[i].hops, known[i].edge);
    print_message("  hops %d: %ld links in %d orbits, %d of staples\n", o.hops, o.n, o.n_links,
                  o.n_staples);
    assert_int_equal(o.n, known[i].n);
    assert_int_equal(o.n_links, known[i].links);
    assert_int_equal(o.n_staples, known[i].staples);
    cw_repair_orbits_destroy(&o);
  }
  cw_context_destroy(ctx);
}

/* ------------------------------------------------------------------------ symmetries */

/* Reflections of axes about the defect, then axis d becomes axis[d]. */
typedef struct {
  unsigned flip;
  int axis[4];
} element;

/* Where a link goes; false: it keeps its sense. */
static bool image_of(const subject *a, const element *e, long link, long *to) {
  const cw_lattice *lat = &a->geom->lat;
  const int mu = (int)(link % lat->dim);
  int x[CW_MAX_DIM], y[CW_MAX_DIM];
  cw_lattice_coord(lat, link / lat->dim, x);
  for (int d = 0; d < lat->dim; d++) {
    const int mirror = d == 0 ? -1 : a->s->orbits.edge[d] - 1; /* sites -1 and 0 are swapped */
    y[e->axis[d]] = e->flip >> d & 1 ? mirror - x[d] - (d == mu) : x[d];
  }
  *to = cw_lattice_site(lat, y) * lat->dim + e->axis[mu];
  return e->flip >> mu & 1;
}

static void get_link(const subject *a, const cw_field *x, long config, long link, double *u) {
  const int n = a->s->n_real, dim = a->geom->lat.dim;
  for (int k = 0; k < n; k++) u[k] = cw_field_get(x, config, link / dim, (int)(link % dim) * n + k);
}

/* Of SU(2), (a0, a1, a2, a3): the inverse has the opposite vector. */
static void transform(const subject *a, const element *e, const cw_field *x, cw_field *to) {
  const int n = a->s->n_real, dim = a->geom->lat.dim;
  for (long link = 0; link < a->geom->n_sites * dim; link++) {
    long there;
    const bool turned = image_of(a, e, link, &there);
    for (long config = 0; config < 2; config++) {
      double u[18];
      get_link(a, x, config, link, u);
      for (int k = 0; k < n; k++)
        cw_field_set(to, config, there / dim, (int)(there % dim) * n + k,
                     turned && k > 0 ? -u[k] : u[k]);
    }
  }
}

/* y = x with class c turned. */
static void turn_class(const subject *a, int c, const cw_field *x, cw_field *y) {
  double logj[CW_LANES] = {0};
  cw_repair_local f;
  const cw_arena_mark mark = cw_arena_save(a->arena);
  open_local(a, &f);
  cw_field local = as_local(a, x, f.x);
  cw_field_to_patch(&local, x);
  assert_true(cw_repair_turn(a->s, &a->s->class[c], false, &f, logj));
  cw_field_from_patch(y, &local, NULL);
  cw_arena_rewind(a->arena, mark);
}

static int class_of_link(const subject *a, long link) {
  for (int c = 0; c < a->s->n_classes; c++)
    for (long i = 0; i < a->s->class[c].active.n; i++)
      if (a->s->number[a->s->class[c].active.link[i].to] == link) return c;
  return -1;
}

/* Each class of U goes with the class that it is mapped to, of gU. */
static void test_covariance(void **state) {
  static const element some[] = {{1, {0, 1, 2, 3}}, {2, {0, 1, 2, 3}}, {8, {0, 1, 2, 3}},
                                 {0, {0, 2, 1, 3}}, {0, {0, 1, 3, 2}}, {13, {0, 3, 1, 2}}};
  const cw_layer_spec spec = defect_spec(4, 1, 2);
  subject a;
  (void)state;
  open_subject(&a, CW_LINK_SU2, cube6, 8, &spec);
  cw_repair_weigh(a.s, (const double[]){1, 0.4, 0.16});
  for (size_t k = 0; k < sizeof some / sizeof *some - (SANITIZED ? 3 : 0); k++) {
    cw_field gx = copy_of_field(&a, &a.x), y = copy_of_field(&a, &a.x), gy = gx, want = gx;
    long there, moved = 0;
    transform(&a, &some[k], &a.x, &gx);
    gy = copy_of_field(&a, &gx);
    want = copy_of_field(&a, &gx);
    for (int c = 0; c < a.s->n_classes; c++) turn_class(&a, c, &a.x, &y);
    for (int c = 0; c < a.s->n_classes; c++) {
      cw_field_copy(&y, &a.x);
      turn_class(&a, c, &a.x, &y);
      transform(&a, &some[k], &y, &want);
      image_of(&a, &some[k], a.s->number[a.s->class[c].active.link[0].to], &there);
      cw_field_copy(&gy, &gx);
      turn_class(&a, class_of_link(&a, there), &gx, &gy);
      for (long link = 0; link < a.geom->n_sites * 4; link++) {
        double u[18], v[18], w[18];
        get_link(&a, &gy, 1, link, u);
        get_link(&a, &want, 1, link, v);
        get_link(&a, &gx, 1, link, w);
        for (int i = 0; i < a.s->n_real; i++) check_close(u[i], v[i], 1e-14);
        moved += fabs(u[0] - w[0]) + fabs(u[1] - w[1]) > 1e-5;
      }
    }
    assert_int_equal(moved, a.s->orbits.n);
    cw_field_destroy(&gx);
    cw_field_destroy(&gy);
    cw_field_destroy(&want);
    cw_field_destroy(&y);
  }
  close_subject(&a);
}

/* x_link -> g(x) x_link g(x + mu)^+ with the links of direction 0 of another field as g. */
static void turn_gauge(const subject *a, const cw_field *g, cw_field *x) {
  const int n = a->s->n_real, dim = a->geom->lat.dim;
  for (long o = 0; o < a->geom->n_outer; o++)
    for (int mu = 0; mu < dim; mu++) {
      double gu[18 * CW_LANES] CW_ALIGNED;
      double *u = x->data + (o * dim + mu) * n * CW_LANES;
      const long ahead = a->geom->neighbour[o * 2 * dim + 2 * mu];
      assert_int_equal(a->geom->V, 1);
      a->s->rows->mul(gu, g->data + o * dim * n * CW_LANES, u);
      a->s->rows->mul_nd(u, gu, g->data + ahead * dim * n * CW_LANES);
    }
}

static void test_gauge_covariance(void **state) {
  (void)state;
  for (cw_field_kind kind = CW_LINK_U1; kind <= CW_LINK_SU3; kind++) {
    const cw_layer_spec spec = defect_spec(3, 1, 2);
    subject a;
    double lj[2][CW_LANES];
    cw_field g;
    open_subject(&a, kind, (cw_lattice){3, {4, 6, 4}}, 1, &spec);
    rough_links(&a, "g", 2, &g);
    cw_field y = copy_of_field(&a, &a.x);
    turn_gauge(&a, &g, &y);
    check_ok(a.ctx, run(&a, false, &y, lj[0]));
    check_ok(a.ctx, run(&a, false, &a.x, lj[1]));
    turn_gauge(&a, &g, &a.x);
    for (size_t i = 0; i < cw_field_block_size(&y); i++) check_close(y.data[i], a.x.data[i], 1e-14);
    for (int l = 0; l < CW_LANES; l++) check_close(lj[0][l], lj[1][l], 1e-13);
    assert_true(fabs(lj[0][0]) > 1e-4);
    cw_field_destroy(&y);
    cw_field_destroy(&g);
    close_subject(&a);
  }
}

/* ------------------------------------------------------------------------ what it reads and leaves alone */

/* Sums of a class have the same bits when all of its links are others. */
static void test_frozen_fields_do_not_see_active_links(void **state) {
  const cw_layer_spec spec = defect_spec(4, 1, 2);
  subject a;
  cw_field other;
  (void)state;
  open_subject(&a, CW_LINK_SU3, (cw_lattice){4, {4, 4, 4, 4}}, 16, &spec);
  rough_links(&a, "other", 2, &other);
  for (int c = 0; c < a.s->n_classes; c++) {
    const cw_repair_class *k = &a.s->class[c];
    const size_t n = (size_t)(a.s->B * a.s->n_real);
    cw_repair_local f, g;
    cw_arena_mark mark = cw_arena_save(a.arena);
    open_local(&a, &f);
    open_local(&a, &g);
    cw_field x = as_local(&a, &a.x, f.x), y = as_local(&a, &other, g.x);
    cw_field_to_patch(&x, &a.x);
    cw_field_to_patch(&y, &other);
    for (long i = 0; i < k->active.n; i++) { /* active ones are exchanged */
      const size_t place = (size_t)k->active.link[i].to * n;
      memcpy(g.filled + (size_t)i * n, g.x + place, n * sizeof *g.x);
    }
    memcpy(g.x, f.x, cw_repair_local_size(a.s) * sizeof *g.x);
    for (long i = 0; i < k->active.n; i++)
      memcpy(g.x + (size_t)k->active.link[i].to * n, g.filled + (size_t)i * n, n * sizeof *g.x);
    cw_repair_smear(a.s, k, &f);
    cw_repair_smear(a.s, k, &g);
    for (long first = 0, count; first < k->active.n * a.s->B; first += count) {
      cw_repair_sum u = {.e = 0}, v = {.e = 0};
      count = cw_repair_batch(a.s, k, first);
      cw_repair_find_sum(a.s, k, &f, first, &u);
      cw_repair_find_sum(a.s, k, &g, first, &v);
      assert_memory_equal(&u.v, &v.v, sizeof u.v);
    }
    assert_true(k->active.n > 0);
    cw_arena_rewind(a.arena, mark);
  }
  cw_field_destroy(&other);
  close_subject(&a);
}

/* Links farther than hops + 3 change nothing; those farther than hops stay as they are. */
static void test_locality(void **state) {
  const cw_layer_spec spec = defect_spec(2, 1, 1);
  subject a;
  double lj[2][CW_LANES];
  cw_field other;
  long far = 0;
  (void)state;
  open_subject(&a, CW_LINK_SU2, (cw_lattice){2, {16, 16}}, 4, &spec);
  rough_links(&a, "other", 2, &other);
  cw_field y = copy_of_field(&a, &a.x), before = copy_of_field(&a, &a.x);
  for (long link = 0; link < a.geom->n_sites * 2; link++)
    for (long i = 0; i < 4; i++) {
      double u[18];
      get_link(&a, &other, i, link, u);
      far += !cw_link_set_has(&a.s->reads, link);
      for (int k = 0; k < 4 && !cw_link_set_has(&a.s->reads, link); k++)
        cw_field_set(&y, i, link / 2, (int)(link % 2) * 4 + k, u[k]);
    }
  assert_true(far > 100);
  check_ok(a.ctx, run(&a, false, &y, lj[0]));
  check_ok(a.ctx, run(&a, false, &a.x, lj[1]));
  for (long link = 0; link < a.geom->n_sites * 2; link++) {
    double u[18], v[18], w[18];
    get_link(&a, &y, 1, link, u);
    get_link(&a, &a.x, 1, link, v);
    get_link(&a, &before, 1, link, w);
    if (cw_link_set_has(&a.s->reads, link)) assert_memory_equal(u, v, 4 * sizeof *u);
    assert_int_equal(memcmp(v, w, 4 * sizeof *v) != 0, cw_link_set_has(&a.s->moves, link));
  }
  assert_memory_equal(lj[0], lj[1], 4 * sizeof lj[0][0]);
  cw_field_destroy(&y);
  cw_field_destroy(&before);
  cw_field_destroy(&other);
  close_subject(&a);
}

/* ------------------------------------------------------------------------ the contraction */

/* Numbers of moderate sizes and huge ones, one or all of them, on rough links and on such that are all 1,
 * whose sums are as long as they can be. */
static void test_contraction(void **state) {
  static const long some[] = {0, 9, 20, 28, 32}; /* a, b, e; all */
  (void)state;
  for (cw_field_kind kind = CW_LINK_U1; kind <= CW_LINK_SU3; kind++) {
    const cw_layer_spec spec = defect_spec(4, 1, 2);
    subject a;
    cw_repair_local f;
    double most = 0;
    open_subject(&a, kind, (cw_lattice){4, {4, 4, 4, 4}}, 16, &spec);
    assert_int_equal(a.L->n_theta, 32);
    for (int which = 0; which < 5; which++)
      for (int k = 0; k < 4; k++) {
        const long only = some[which];
        for (long i = 0; i < a.L->n_theta; i++)
          a.theta[i] = i == only || only == a.L->n_theta ? (k % 2 ? 1e3 : 0.03) : 0;
        if (k >= 2) cw_kind(kind)->cold(&a.x);
        cw_arena_mark mark = cw_arena_save(a.arena);
        open_local(&a, &f);
        cw_field x = as_local(&a, &a.x, f.x);
        cw_field_to_patch(&x, &a.x);
        for (int c = 0; c < a.s->n_classes; c++) {
          cw_repair_sum v;
          cw_algebra_rows w;
          cw_matrix_rows dx;
          double u[18 * CW_LANES] CW_ALIGNED;
          cw_repair_smear(a.s, &a.s->class[c], &f);
          cw_repair_find_sum(a.s, &a.s->class[c], &f, 0, &v);
          a.s->op->fetch(&a.s->class[c].active, a.s->B, 0, f.x, u);
          a.s->of_link->terms(u, v.v.at, &v.c, w.at, dx.at);
          most = fmax(most, largest_singular_value(a.s->d, dx.at));
        }
        cw_arena_rewind(a.arena, mark);
      }
    print_message("  largest |dX| %.3f\n", most);
    assert_true(most < 0.5 + 1e-12 && most > 0.2);
    close_subject(&a);
  }
}

/* Of links that are 1: A = 12 sums of staples of numbers that nearly cancel, where a bound by these alone would
 * hold back. */
static void test_held(void **state) {
  const cw_layer_spec spec = defect_spec(4, 0, 2);
  subject a;
  (void)state;
  open_subject(&a, CW_LINK_SU3, (cw_lattice){4, {4, 4, 4, 4}}, 16, &spec);
  assert_int_equal(a.L->n_theta, 5);
  const double near[] = {-0.2, -0.2, 0.2, 0.2, 0}, far[] = {1, 1, 1, 1, 0};
  check_close(cw_repair_held(a.L, (cw_theta){near, NULL}), 1, 1e-15);
  check_close(cw_repair_held(a.L, (cw_theta){far, NULL}) * 24 * pow(3, 0.125), 1, 1e-9);
  close_subject(&a);
}

/* Cost: lists that do not grow with the lattice. */
static void test_volume(void **state) {
  long once[2] = {0}, twice[2] = {0}, n[2];
  (void)state;
  for (int i = 0; i < 2; i++) {
    const int L = 12 + 2 * i;
    const cw_layer_spec spec = defect_spec(3, 1, 2);
    subject a;
    open_subject(&a, CW_LINK_U1, (cw_lattice){3, {L, L, L}}, 8, &spec);
    for (int c = 0; c < a.s->n_classes; c++) {
      once[i] += a.s->class[c].once.n;
      twice[i] += a.s->class[c].twice.n;
    }
    n[i] = a.s->patch.n;
    close_subject(&a);
  }
  assert_int_equal(once[0], once[1]);
  assert_int_equal(twice[0], twice[1]);
  assert_int_equal(n[0], n[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_orbits),
                                     cmocka_unit_test(test_covariance),
                                     cmocka_unit_test(test_gauge_covariance),
                                     cmocka_unit_test(test_frozen_fields_do_not_see_active_links),
                                     cmocka_unit_test(test_locality),
                                     cmocka_unit_test(test_contraction),
                                     cmocka_unit_test(test_held),
                                     cmocka_unit_test(test_volume)};
  return cmocka_run_group_tests_name("repair", tests, NULL, NULL);
}
