/* Kernel files (*.isa.c) are compiled once per instruction set with CW_ISA = base, v3 or v4; each
 * build exports const tables of functions named NAME_base, NAME_v3, NAME_v4. Users declare them
 * with CW_ISA_TABLES and pick one with CW_DISPATCH. */
#ifndef CW_SIMD_DISPATCH_H
#define CW_SIMD_DISPATCH_H

#include "causeway/core.h"

#define CW_PASTE2(a, b)   a##_##b
#define CW_PASTE(a, b)    CW_PASTE2(a, b)
#define CW_ISA_NAME(name) CW_PASTE(name, CW_ISA) /* inside kernel files */

#ifdef CW_HAVE_X86_ISAS
#define CW_ISA_TABLES(type, name) extern const type name##_base, name##_v3, name##_v4
#define CW_DISPATCH(isa, name)                                                                     \
  ((isa) == CW_ISA_V4 ? &name##_v4 : (isa) == CW_ISA_V3 ? &name##_v3 : &name##_base)
#else
#define CW_ISA_TABLES(type, name) extern const type name##_base
#define CW_DISPATCH(isa, name)    ((void)(isa), &name##_base)
#endif

#endif
