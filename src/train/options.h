/* Which options can be trained with; private to src/train. */
#ifndef CW_TRAIN_OPTIONS_H
#define CW_TRAIN_OPTIONS_H

#include "causeway/train.h"

/* CW_EINVAL, with a message that names the number or the combination, unless a trainer of the model
 * can work with these options. */
cw_status cw_train_check(cw_context *ctx, const cw_train_options *o, const cw_model *model);

#endif
