/* What layers refuse, and when two of them are alike. */
#include <string.h>

#include "causeway/model.h"
#include "contract/layer_cases.h"
#include "support/check.h"

static void bad_specs_are_refused(void **state) {
  (void)state;
  static const layer_case bad[] = {
      {"odd extent", {2, {4, 3}}, {.kind = "affine", .net = CONV(.n_hidden = 1, .hidden = {3})}},
      {"even kernel", {2, {4, 4}}, {.kind = "affine", .net = {.kind = CW_NET_CONV, .kernel = 2}}},
      {"empty layer", {2, {4, 4}}, {.kind = "affine", .net = CONV(.n_hidden = 1, .hidden = {0})}},
      {"z2 leaky",
       {2, {4, 4}},
       {.kind = "affine", .param = {1}, .net = CONV(.activation = CW_ACT_LEAKY_RELU)}},
      {"one bin", {2, {4, 4}}, {.kind = "spline", .param = {0, 1, 1}, .net = CONV(.n_hidden = 0)}},
      {"no range", {2, {4, 4}}, {.kind = "spline", .param = {0, 4, 0}, .net = CONV(.n_hidden = 0)}},
      {"block of 3", {2, {6, 4}}, {.kind = "scale", .block = 3}},
      {"stride and block", {2, {4, 4}}, {.kind = "scale", .block = 2, .stride = 2}},
      {"no checkerboard", {2, {6, 4}}, {.kind = "affine", .stride = 2, .net = CONV(.n_hidden = 0)}},
      {"mean: many bins", {2, {4, 4}}, {.kind = "mean", .param = {0, 33, 1, 1}}},
      {"mean: range is no number", {2, {4, 4}}, {.kind = "mean", .param = {0, 4, NAN, 1}}},
      {"mean: no stretch", {2, {4, 4}}, {.kind = "mean", .param = {0, 4, 1, 0}}},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    cw_context *ctx = test_context(1);
    cw_geometry *g = NULL;
    cw_layer *L = NULL;
    check_ok(ctx, cw_geometry_create(ctx, &bad[i].lat, 1, &g));
    assert_int_equal(cw_layer_create(ctx, &bad[i].spec, CW_SITE_REAL, g, &L), CW_EINVAL);
    assert_null(L);
    assert_true(strlen(cw_error(ctx)) > 0);
    cw_geometry_destroy(g);
    cw_context_destroy(ctx);
  }
}

static bool is_precision(const cw_layer_kind *kind, const char *name) {
  for (int i = 0; kind->precision != NULL && kind->precision[i] != NULL; i++)
    if (strcmp(kind->precision[i], name) == 0) return true;
  return false;
}

/* What `start` of a job asks: parameters of one layer would mean the same in the other, whichever
 * class of its mask it moves, unless a key that the kind has is another, which does not say how
 * precisely it is computed. */
static void compare_keys(const layer_case *of) {
  const layer_case k = *of;
  const cw_layer_kind *kind = cw_layer_find(k.spec.kind);
  cw_layer_spec other = k.spec;
  other.number = 3;
  assert_true(cw_layer_alike(&k.spec, &other));
  for (const cw_param *p = kind->params; p != NULL && p->name != NULL; p++) {
    other = k.spec;
    assert_true(cw_layer_set(&other, p->name, p->preset == p->max ? p->min : p->max));
    assert_true(cw_layer_alike(&k.spec, &other) == is_precision(kind, p->name));
  }
  other = k.spec;
  other.block = 1;
  assert_true(cw_layer_alike(&k.spec, &other));
  other.block = 2;
  assert_false(cw_layer_alike(&k.spec, &other));
  other.block = 1;
  other.stride = 2;
  assert_false(cw_layer_alike(&k.spec, &other));
  other = k.spec;
  other.net.hidden[0] = 5;
  assert_true(cw_layer_alike(&k.spec, &other) == !kind->net);
  other.kind = "none such";
  assert_false(cw_layer_alike(&k.spec, &other));
  assert_false(cw_layer_set(&other, "z2", 1));
}

static void layers_are_compared_by_their_keys(void **state) {
  (void)state;
  for (int i = 0; cw_layers[i] != NULL; i++) {
    const layer_case k = preset_case(cw_layers[i]);
    compare_keys(&k);
  }
  for (int i = 0; i < N_CASES; i++) assert_true(cw_layer_alike(&cases[i].spec, &cases[i].spec));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(layers_are_compared_by_their_keys),
      cmocka_unit_test(bad_specs_are_refused),
  };
  return cmocka_run_group_tests_name("layer specs", tests, NULL, NULL);
}
