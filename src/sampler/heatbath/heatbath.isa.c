/* Heat bath and over-relaxation of links on lanes, from one source for all groups. */
#include "sampler/heatbath/links.h"

/* Bit l of bits to lane l of mask (CW_N_VEC), and back. */
CW_INLINE void cw_lane_masks(cw_vl *mask, unsigned bits) {
  int64_t all[CW_LANES] CW_ALIGNED;
  for (int l = 0; l < CW_LANES; l++) all[l] = -(int64_t)(bits >> l & 1);
  memcpy(mask, all, sizeof all);
}

CW_INLINE unsigned cw_lane_bits(const cw_vl *mask) {
  int64_t all[CW_LANES] CW_ALIGNED;
  unsigned bits = 0;
  memcpy(all, mask, sizeof all);
  for (int l = 0; l < CW_LANES; l++) bits |= (all[l] != 0 ? 1u : 0u) << l;
  return bits;
}

#include "sampler/heatbath/batch.h"

#define CW_GROUP u1
#include "group/staple.h"
#include "sampler/heatbath/update.h"
#include "sampler/heatbath/set_update.h"
#undef CW_GROUP
#define CW_GROUP su2
#include "group/staple.h"
#include "sampler/heatbath/update.h"
#include "sampler/heatbath/set_update.h"
#undef CW_GROUP
#define CW_GROUP su3
#include "group/staple.h"
#include "sampler/heatbath/update.h"
#include "sampler/heatbath/set_update.h"
#undef CW_GROUP

const cw_heatbath_kernels CW_ISA_NAME(cw_heatbath_kernels) = {
    .update =
        {[CW_LINK_U1] = cw_u1_update, [CW_LINK_SU2] = cw_su2_update, [CW_LINK_SU3] = cw_su3_update},
    .update_set = {[CW_LINK_U1] = cw_u1_update_set,
                   [CW_LINK_SU2] = cw_su2_update_set,
                   [CW_LINK_SU3] = cw_su3_update_set}};
