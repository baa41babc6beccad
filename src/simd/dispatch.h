/* Kernel files (*.isa.c) are compiled once per instruction set with CW_ISA = base, v3 or v4; each
 * build exports const tables of functions named NAME_base, NAME_v3, NAME_v4. Users declare them
 * with CW_ISA_TABLES and pick one with CW_DISPATCH. Which of v3 and v4 there are, the build says
 * (CW_X86_LEVELS of CMakeLists.txt); the isa of a context is always one of them or base. */
#ifndef CW_SIMD_DISPATCH_H
#define CW_SIMD_DISPATCH_H

#include "causeway/core.h"

#define CW_PASTE2(a, b)   a##_##b
#define CW_PASTE(a, b)    CW_PASTE2(a, b)
#define CW_ISA_NAME(name) CW_PASTE(name, CW_ISA) /* inside kernel files */

#ifdef CW_HAVE_V3
enum { CW_V3_IS_BUILT = 1 };
#define CW_AND_V3(name)     , name##_v3
#define CW_IF_V3(isa, name) (isa) == CW_ISA_V3 ? &name##_v3:
#else
enum { CW_V3_IS_BUILT = 0 };
#define CW_AND_V3(name)
#define CW_IF_V3(isa, name)
#endif
#ifdef CW_HAVE_V4
enum { CW_V4_IS_BUILT = 1 };
#define CW_AND_V4(name)     , name##_v4
#define CW_IF_V4(isa, name) (isa) == CW_ISA_V4 ? &name##_v4:
#else
enum { CW_V4_IS_BUILT = 0 };
#define CW_AND_V4(name)
#define CW_IF_V4(isa, name)
#endif

#define CW_ISA_TABLES(type, name) extern const type name##_base CW_AND_V3(name) CW_AND_V4(name)
#define CW_DISPATCH(isa, name)    (CW_IF_V4(isa, name) CW_IF_V3(isa, name)((void)(isa), &name##_base))

/* Are there kernels for it in the library? Of another, CW_DISPATCH takes the base. */
static inline bool cw_isa_is_built(cw_isa isa) {
  return isa == CW_ISA_BASE || (isa == CW_ISA_V3 && CW_V3_IS_BUILT) ||
         (isa == CW_ISA_V4 && CW_V4_IS_BUILT);
}

#endif
