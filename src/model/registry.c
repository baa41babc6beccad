#include <string.h>

#include "causeway/model.h"

#define CW_LAYER(symbol) extern const cw_layer_kind cw_layer_##symbol;
#include "model/layers.def"
#undef CW_LAYER

#define CW_LAYER(symbol) &cw_layer_##symbol,
const cw_layer_kind *const cw_layers[] = {
#include "model/layers.def"
    NULL};
#undef CW_LAYER

const cw_layer_kind *cw_layer_find(const char *name) {
  for (int i = 0; cw_layers[i]; i++)
    if (strcmp(cw_layers[i]->ops->name, name) == 0) return cw_layers[i];
  return NULL;
}

#define CW_AUTOREGRESSIVE(symbol) extern const cw_autoregressive_kind cw_autoregressive_##symbol;
#include "model/autoregressive.def"
#undef CW_AUTOREGRESSIVE

#define CW_AUTOREGRESSIVE(symbol) &cw_autoregressive_##symbol,
const cw_autoregressive_kind *const cw_autoregressives[] = {
#include "model/autoregressive.def"
    NULL};
#undef CW_AUTOREGRESSIVE

const cw_autoregressive_kind *cw_autoregressive_find(const char *name) {
  for (int i = 0; cw_autoregressives[i]; i++)
    if (strcmp(cw_autoregressives[i]->name, name) == 0) return cw_autoregressives[i];
  return NULL;
}
