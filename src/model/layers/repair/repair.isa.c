/* Kernels of layer `repair`. */
#include "model/layers/repair/repair.h"

#include <string.h>

#include "group/template.h"

enum { CW_FILL_TURNS = 2 };

/* CW_VD items of a list: theirs links, weights and configurations. Beyond the last they are the last. */
typedef struct {
  const cw_repair_link *link[CW_VD];
  const double *w[CW_VD];
  int config[CW_VD], B, staples;
} cw_items;

static inline cw_items cw_items_from(const cw_repair_list *k, const cw_repair_weights *w,
                                     int staples, int B, long first) {
  cw_items t = {.B = B, .staples = staples};
  for (int l = 0; l < CW_VD; l++) {
    const long item = first + l < k->n * B ? first + l : k->n * B - 1, i = item / B;
    t.link[l] = &k->link[i];
    t.w[l] = w[i];
    t.config[l] = (int)(item % B);
  }
  return t;
}

/* Where a place is in a local field, lane by lane: the link itself (staple < 0), or leg a, b or c of a staple.
 */
static inline long cw_place_of(const cw_items *t, int lane, int staple, int leg) {
  const int32_t place = staple < 0 ? t->link[lane]->to : t->link[lane]->at[staple][leg];
  return (long)place * t->B + t->config[lane];
}

static inline int cw_items_left(const cw_repair_list *k, int B, long first) {
  return k->n * B - first < CW_VD ? (int)(k->n * B - first) : CW_VD;
}

#define CW_GROUP u1
#include "group/unitary_template.h"
#include "group/unitary_adjoint_template.h"
#include "model/layers/repair/local_template.h"
#undef CW_GROUP
#define CW_GROUP su2
#include "group/unitary_template.h"
#include "group/unitary_adjoint_template.h"
#include "model/layers/repair/local_template.h"
#undef CW_GROUP
#define CW_GROUP su3
#include "group/unitary_template.h"
#include "group/unitary_adjoint_template.h"
#include "model/layers/repair/local_template.h"
#undef CW_GROUP

#define CW_REPAIR(group)                                                                           \
  {                                                                                                \
    .smear = cw_##group##_smear, .fill = cw_##group##_fill, .sum = cw_##group##_sum,               \
    .fetch = cw_##group##_fetch_items, .store = cw_##group##_store_items,                          \
    .smear_vjp = cw_##group##_smear_vjp, .fill_vjp = cw_##group##_fill_vjp,                        \
    .sum_vjp = cw_##group##_sum_vjp, .tangent = cw_##group##_tangent                               \
  }

extern const cw_repair_kernels CW_ISA_NAME(cw_repair_kernels);
const cw_repair_kernels CW_ISA_NAME(cw_repair_kernels) = {.kind = {[CW_LINK_U1] = CW_REPAIR(u1),
                                                                   [CW_LINK_SU2] = CW_REPAIR(su2),
                                                                   [CW_LINK_SU3] = CW_REPAIR(su3)}};
