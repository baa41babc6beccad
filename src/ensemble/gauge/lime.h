/* LIME: records one after the other, each a header of 144 bytes, big endian, and data padded with
 * zeros to a multiple of 8 bytes:
 *   0  u32  magic 0x456789ab        4  u16  version 1
 *   6  u16  flags: 0x8000 first record of a message, 0x4000 last
 *   8  u64  bytes of data           16  type, 128 characters with final zero
 * Source: USQCD, "LIME: Lattice QCD Interchange Message Encapsulation" (c-lime manual). */
#ifndef CW_GAUGE_LIME_H
#define CW_GAUGE_LIME_H

#include "ensemble/disk.h"
#include "ensemble/gauge/file.h"

#define CW_LIME_MAGIC 0x456789abu

enum { CW_LIME_HEADER = 144, CW_LIME_TYPE = 128, CW_LIME_FIRST = 0x8000, CW_LIME_LAST = 0x4000 };

typedef struct {
  char type[CW_LIME_TYPE + 1]; /* unprintable characters as '?' */
  uint64_t at, length;         /* place of the data in the file */
} cw_lime_record;

/* Reads the header at *at, checks that the file holds the data, and moves *at behind them.
 * CW_ECORRUPT. */
cw_status cw_lime_next(const cw_gauge_file *file, uint64_t *at, cw_lime_record *record);

/* Is every byte from at on zero? Then *n counts them. Some file systems and transfers fill the last
 * block of a file. */
cw_status cw_lime_zeros(const cw_gauge_file *file, uint64_t at, bool *all, uint64_t *n);

/* A header for length bytes of data; and the zeros behind them. flags: CW_LIME_FIRST | ... */
cw_status cw_lime_put_header(cw_disk_file *out, const char *type, unsigned flags, uint64_t length);
cw_status cw_lime_put_padding(cw_disk_file *out, uint64_t length);
/* A whole record of text. */
cw_status cw_lime_put_text(cw_disk_file *out, const char *type, unsigned flags, const char *text);

#endif
