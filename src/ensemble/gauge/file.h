/* One file being read: every read is at a stated place and within the file's size, and every
 * failure names the file. Local. */
#ifndef CW_GAUGE_FILE_H
#define CW_GAUGE_FILE_H

#include "causeway/configuration.h"

struct cw_gauge_file {
  cw_context *ctx;             /* borrowed */
  const char *path;            /* borrowed */
  const cw_lattice *expected;  /* borrowed; what the user says, or NULL */
  const cw_field_kind *kind;   /* the same */
  int n_comp;                  /* with a kind on sites */
  unsigned ignore;             /* checks that the user wants to be warned of only */
  cw_configuration_info *info; /* borrowed; takes the warnings */
  int fd;
  uint64_t size;
};

/* Opens a regular file. CW_EIO. The caller closes it, also after a failure. */
cw_status cw_gauge_open(cw_context *ctx, const char *path, const cw_configuration_options *options,
                        cw_configuration_info *info, cw_gauge_file *file);
void cw_gauge_close(cw_gauge_file *file);

/* Reads bytes [at, at + n) into to (n). what: their name for messages, "the LIME header". CW_EIO,
 * or CW_ECORRUPT if the file ends before. */
cw_status cw_gauge_read(const cw_gauge_file *file, uint64_t at, void *to, size_t n,
                        const char *what);

/* Records "'PATH': ..." and returns status. */
cw_status cw_gauge_fail(const cw_gauge_file *file, cw_status status, const char *format, ...)
    CW_PRINTF(3, 4);
/* One more sentence in info. Sentences beyond CW_CONFIGURATION_WARNINGS are counted in the last. */
void cw_gauge_warn(const cw_gauge_file *file, const char *format, ...) CW_PRINTF(2, 3);

/* The same in front of them all but other doubts, so that it cannot be lost among them. */
void cw_gauge_doubt(const cw_gauge_file *file, const char *format, ...) CW_PRINTF(2, 3);

/* A check that failed, with its numbers: CW_ECORRUPT, or CW_OK, a warning and a bit in info->wrong
 * if the user ignores it. */
cw_status cw_gauge_disagree(const cw_gauge_file *file, cw_configuration_check check,
                            const char *format, ...) CW_PRINTF(3, 4);

/* "checksum, plaquette" of bits into text (CW_CHECKS_TEXT), and back: words that are none are
 * passed over. */
#define CW_CHECKS_TEXT 64
char *cw_gauge_checks_text(unsigned checks, char *text);
unsigned cw_gauge_checks_of(const char *text);

/* What a file says of itself, fit for a message: at most size - 1 of n bytes, the unprintable ones
 * as '?'. Returns to (size). */
char *cw_gauge_quote(char *to, size_t size, const void *from, size_t n);

/* A decimal (base 10) or hexadecimal (base 16) number, blanks around it allowed, nothing else. */
bool cw_gauge_integer(const char *text, int base, uint64_t most, uint64_t *out);

/* The lattice of extents x, y, z, t that a file states. what: where it states them. CW_ECORRUPT if
 * an extent is 0 or there are more than CW_MAX_SITES sites; CW_EINVAL if another was expected. */
cw_status cw_gauge_lattice(const cw_gauge_file *file, const uint64_t extent[4], const char *what,
                           cw_lattice *lat);

/* The same of 1 to CW_MAX_DIM dimensions, extent (dim). */
cw_status cw_gauge_lattice_of(const cw_gauge_file *file, int dim, const uint64_t *extent,
                              const char *what, cw_lattice *lat);

/* "8x8x8x4", or fewer extents, into text (CW_LATTICE_TEXT); returns text. */
#define CW_LATTICE_TEXT 64
char *cw_gauge_lattice_text(const cw_lattice *lat, char *text);

#endif
