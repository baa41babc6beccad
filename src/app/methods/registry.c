/* The list of methods, out of methods.def. */
#include <stddef.h>

#include "app/plan/method.h"

#define CW_METHOD(name) extern const cw_method cw_method_##name;
#include "app/methods/methods.def"
#undef CW_METHOD

#define CW_METHOD(name) &cw_method_##name,
const cw_method *const cw_methods[] = {
#include "app/methods/methods.def"
    NULL};
