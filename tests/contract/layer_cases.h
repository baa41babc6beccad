/* Layers with other settings than the presets of their tables. */
#ifndef CW_TEST_LAYER_CASES_H
#define CW_TEST_LAYER_CASES_H

#include "causeway/model.h"

typedef struct {
  const char *what;
  cw_lattice lat;
  cw_layer_spec spec;
} layer_case;

#define CONV(...)                                                                                  \
  { .kind = CW_NET_CONV, .kernel = 3, __VA_ARGS__ }
#define DENSE(...)                                                                                 \
  { .kind = CW_NET_DENSE, __VA_ARGS__ }

static const layer_case cases[] = {
    {"affine conv", {2, {4, 4}}, {.kind = "affine", .net = CONV(.n_hidden = 2, .hidden = {8, 5})}},
    {"affine conv odd",
     {2, {4, 6}},
     {.kind = "affine", .number = 1, .net = CONV(.n_hidden = 1, .hidden = {3})}},
    {"affine wide kernel",
     {2, {4, 4}},
     {.kind = "affine", .net = {.kind = CW_NET_CONV, .kernel = 5, .n_hidden = 1, .hidden = {19}}}},
    {"affine z2",
     {2, {4, 4}},
     {.kind = "affine", .param = {1}, .net = CONV(.n_hidden = 2, .hidden = {8, 8})}},
    {"affine z2 dense",
     {2, {2, 4}},
     {.kind = "affine", .param = {1}, .number = 1, .net = DENSE(.n_hidden = 1, .hidden = {17})}},
    {"affine dense",
     {2, {4, 2}},
     {.kind = "affine", .net = DENSE(.n_hidden = 2, .hidden = {16, 7})}},
    {"affine no hidden", {2, {4, 4}}, {.kind = "affine", .net = CONV(.n_hidden = 0)}},
    {"affine 1d", {1, {6}}, {.kind = "affine", .net = CONV(.n_hidden = 1, .hidden = {4})}},
    {"affine 3d", {3, {2, 2, 4}}, {.kind = "affine", .net = CONV(.n_hidden = 1, .hidden = {4})}},
    {"affine 2x2 wraps",
     {2, {2, 2}},
     {.kind = "affine", .net = CONV(.n_hidden = 1, .hidden = {4})}},
    {"affine leaky",
     {2, {4, 4}},
     {.kind = "affine",
      .net = CONV(.n_hidden = 2, .hidden = {8, 8}, .activation = CW_ACT_LEAKY_RELU)}},
    {"affine tiles", {2, {8, 8}}, {.kind = "affine", .net = CONV(.n_hidden = 2, .hidden = {8, 5})}},
    {"affine tiles, leaky",
     {2, {8, 4}},
     {.kind = "affine",
      .net = CONV(.n_hidden = 2, .hidden = {4, 9}, .activation = CW_ACT_LEAKY_RELU)}},
    {"affine tiles, z2",
     {2, {8, 8}},
     {.kind = "affine", .param = {1}, .net = CONV(.n_hidden = 2, .hidden = {8, 8})}},
    {"additive three tiles",
     {2, {4, 12}},
     {.kind = "additive", .number = 1, .net = CONV(.n_hidden = 3, .hidden = {7, 6, 4})}},
    {"additive", {2, {4, 4}}, {.kind = "additive", .net = CONV(.n_hidden = 1, .hidden = {8})}},
    {"additive z2",
     {2, {4, 4}},
     {.kind = "additive", .param = {1}, .net = CONV(.n_hidden = 1, .hidden = {8})}},
    {"spline",
     {2, {4, 4}},
     {.kind = "spline", .param = {0, 5, 2.5}, .net = CONV(.n_hidden = 1, .hidden = {8})}},
    {"spline z2",
     {2, {4, 4}},
     {.kind = "spline", .param = {1, 4, 2.5}, .net = CONV(.n_hidden = 1, .hidden = {8})}},
    {"spline dense",
     {2, {2, 4}},
     {.kind = "spline", .param = {0, 8, 2}, .net = DENSE(.n_hidden = 1, .hidden = {9})}},
    {"scale", {2, {4, 3}}, {.kind = "scale"}},
    {"mean", {2, {4, 4}}, {.kind = "mean", .param = {0, 5, 0.4, 1}}},
    {"mean z2, odd extents", {2, {3, 5}}, {.kind = "mean", .param = {1, 4, 0.4, 1}}},
    {"mean stretched", {2, {4, 4}}, {.kind = "mean", .param = {0, 5, 0.5, 1.4}}},
    {"mean shrunk, z2", {2, {4, 2}}, {.kind = "mean", .param = {1, 4, 0.2, 0.3}}},
    {"mean of one site", {1, {1}}, {.kind = "mean", .param = {1, 8, 1.5, 1}}},
    {"means of blocks, affine",
     {2, {8, 4}},
     {.kind = "affine", .block = 2, .net = CONV(.n_hidden = 1, .hidden = {5})}},
    {"every other site, spline z2",
     {2, {4, 8}},
     {.kind = "spline",
      .stride = 2,
      .param = {1, 4, 2.5},
      .net = CONV(.n_hidden = 1, .hidden = {5})}},
    {"means of blocks, continuous",
     {2, {9, 6}},
     {.kind = "continuous", .block = 3, .param = {4, 2, 4, 3, 2, 0, 3}}},
    {"every third site, mean",
     {3, {3, 6, 3}},
     {.kind = "mean", .stride = 3, .param = {0, 4, 1, 1}}},
    {"free", {2, {4, 6}}, {.kind = "free", .param = {0.3}}},
    {"free 3d", {3, {2, 3, 5}}, {.kind = "free", .param = {2}}},
    {"continuous", {2, {4, 6}}, {.kind = "continuous", .param = {6, 2, 4, 3, 2, 0, 3}}},
    {"continuous, three directions, radius",
     {3, {3, 2, 3}},
     {.kind = "continuous", .param = {4, 2, 4, 5, 3, 1, 4}}},
    {"mean 3d", {3, {3, 2, 3}}, {.kind = "mean", .param = {0, 2, 1, 1}}},
};

enum { N_CASES = sizeof cases / sizeof *cases };

/* A layer of the registry with presets of all that it says it reads. */
static inline layer_case preset_case(const cw_layer_kind *kind) {
  layer_case k = {"presets", {2, {4, 4}}, cw_layer_presets(kind)};
  if (kind->net) k.spec.net = (cw_net_spec)CONV(.n_hidden = 1, .hidden = {8});
  if (kind->precision) cw_layer_set(&k.spec, kind->precision[0], 4); /* enough to be a map */
  return k;
}

#endif
