/* causeway/configuration.h - SU(3) gauge configurations in the files of other codes.
 *
 * Formats are a table, cw_formats: each is found out from the first bytes of a file, and some are
 * written. Every checksum that a file holds is verified, links must be in SU(3), and what a file
 * lacks is said. What is written can be read. */
#ifndef CAUSEWAY_CONFIGURATION_H
#define CAUSEWAY_CONFIGURATION_H

#include "causeway/lattice.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One 4D SU(3) configuration in plain order. Sites are global sites of lat (cw_lattice_site) with
 * extents (x, y, z, t): the last coordinate, time, runs fastest. */
typedef struct {
  cw_lattice lat;
  double *link; /* (n_sites, 4, 3, 3, 2): direction x, y, z, t; row, column; re, im. Owned. */
  /* Bits of the checks that failed where these links come from, and were ignored. A writer records
   * them in the file, from where the next reader takes them. */
  unsigned ignored;
} cw_configuration;

/* What a reader verifies beside the structure of the file, as bits. */
typedef enum {
  CW_CHECK_CHECKSUM = 1,   /* any that the file holds */
  CW_CHECK_PLAQUETTE = 2,  /* the one that a header states */
  CW_CHECK_LINK_TRACE = 4, /* the same */
  CW_CHECK_UNITARITY = 8   /* links are in SU(3) within CW_UNITARITY */
} cw_configuration_check;

/* Names of the first three, bit 1 << k for name k, NULL-terminated: "checksum", "plaquette",
 * "link_trace". Files whose links are not in SU(3) are for nobody but who projects them. */
const char *const *cw_check_names(void);

/* What passes between the common part of reading and writing, and a format; defined in
 * src/ensemble/gauge: a file that is read, what its header says, a kind of checksums, a sum that
 * grows, and a file that is written. */
typedef struct cw_gauge_file cw_gauge_file;
typedef struct cw_gauge_header cw_gauge_header;
typedef struct cw_checksum_kind cw_checksum_kind;
typedef struct cw_site_sum cw_site_sum;
typedef struct cw_gauge_writing cw_gauge_writing;

enum { CW_MAX_FORMATS = 32, CW_FORMAT_START = 64 };

/* One format of configuration files: a constant table of functions in a file of its own. */
typedef struct {
  const char *name;      /* the word of --format and of `causeway list formats` */
  const char *title;     /* what people call it, short */
  const char *source;    /* who describes it */
  const char *ending[4]; /* of names that ask to be written so, ".ildg"; ends with NULL */
  /* What can be written, the usual number of rows first; ends with 0. Empty: it is only read. */
  int precision[3], rows[3];
  bool text;       /* numbers are printed: they have no byte order */
  bool even;       /* lattices of even extents alone */
  unsigned checks; /* what its files can state, as bits of cw_configuration_check */
  const cw_checksum_kind *checksum; /* NULL: none */
  /* Is this such a file, by its first bytes, start (CW_FORMAT_START, zeros behind the end of the
   * file)? At most one format says yes. Only formats that begin alike look further into the file.
   * Reports nothing. */
  bool (*recognises)(const cw_gauge_file *file, const uint8_t *start);
  /* All that is known without the links. Warns of what is missing, and fails as
   * cw_configuration_read does; then *header may be half filled. */
  cw_status (*header)(const cw_gauge_file *file, cw_gauge_header *header);
  /* The links, in the order of cw_configuration, into link (n_sites, 4, 3, 3, 2); all of them are
   * added to sum. Fails as cw_configuration_read does, also where a number is not finite. */
  cw_status (*read)(const cw_gauge_file *file, const cw_gauge_header *header, double *link,
                    cw_site_sum *sum);
  /* The whole file; links, precision and rows were checked. CW_EIO, CW_ENOMEM. NULL: cannot be
   * written. */
  cw_status (*write)(const cw_gauge_writing *writing);
} cw_format;

extern const cw_format *const cw_formats[]; /* NULL-terminated; from ensemble/gauge/formats.def */
const cw_format *cw_format_find(const char *name); /* NULL: no such format */

/* Is wanted one of numbers, which are the precision or rows of a format? */
bool cw_format_has(const int *numbers, int wanted);
/* Names of all formats, or of those that can be written, into names (CW_MAX_FORMATS + 1),
 * NULL-terminated. Returns names. */
const char *const *cw_format_names(bool written, const char **names);
/* Titles of all formats in the same way. */
const char *const *cw_format_titles(const char **titles);

/* Largest |(U U^dagger - 1)_ij| and |det U - 1| that are taken for SU(3). Rounding to 32 bits gives
 * up to 1.2e-7, or 2.4e-7 where a third row is made of two, codes that calculate in 32 bits write
 * links that are off by some 1e-6 (MILC, 5e-7 in ours), and what is no gauge field, momenta or
 * smeared links, is off by 1e-2 or more. It is the same for 64 bits, because such a file may hold
 * numbers that once had 32. */
#define CW_UNITARITY 1e-5

/* What the user says of a file. All zero: nothing. */
typedef struct {
  const cw_lattice *lattice; /* of dimension 4; borrowed; NULL: not known */
  unsigned ignore;           /* checks, as bits, whose failure is a warning instead */
} cw_configuration_options;

enum { CW_CONFIGURATION_WARNINGS = 8 };

/* What was found in a file besides the links. */
typedef struct {
  const cw_format *format;
  int precision;     /* 32 or 64 bits of a stored real */
  bool big_endian;   /* byte order of the stored reals; of a text format, means nothing */
  int rows;          /* rows of a matrix in the file: 3, or 2 (the third is made of them) */
  bool has_checksum; /* whether the file has any; all were verified but those in wrong */
  char checksum[64]; /* one word "b379560a", or two "10d0ea1a / a6a1b3b8"; or "" */
  bool has_plaquette, has_link_trace; /* stated in the file and verified, as above */
  unsigned wrong;                     /* checks that failed and were ignored, as bits */
  double plaquette;                   /* measured: mean over planes and sites of Re tr P / 3 */
  double plaquette_spatial;           /* of the planes xy, xz, yz */
  double plaquette_temporal;          /* of the planes xt, yt, zt */
  double link_trace;                  /* measured: mean over links of Re tr U / 3 */
  double unitarity;                   /* measured: largest |(U U^dagger - 1)_ij| */
  double determinant;                 /* measured: largest |det U - 1| */
  int n_warnings; /* optional parts that are missing and other oddities, one sentence each */
  char warning[CW_CONFIGURATION_WARNINGS][200];
} cw_configuration_info;

/* Reads path, whatever its format. options: what the user knows; NULL: nothing. A lattice is needed
 * where a file does not say; if both say it they must agree. Failures name the file, what was
 * expected and what was found: CW_EIO cannot be opened or read; CW_ECORRUPT truncated, wrong
 * checksum, plaquette or link trace, links that are not in SU(3), records that contradict each
 * other, numbers in another byte order than the file says, absurd header, a number that is not
 * finite; CW_EINVAL unknown format or variant, no lattice known, or another one; CW_ENOMEM. Memory
 * is taken only for data that the file is long enough to hold: 576 bytes per site and a chunk, and
 * that once more to find out why links are not in SU(3). On failure *out is empty and nothing in
 * *info is to be trusted. The caller clears *out. Local. */
cw_status cw_configuration_read(cw_context *ctx, const char *path,
                                const cw_configuration_options *options, cw_configuration *out,
                                cw_configuration_info *info);

/* Writes a format that can be written, in the byte order that is usual there, with a precision and
 * a number of rows that it has, and with all its checksums. The file appears under its name only once it is
 * whole; a file of that name is replaced. The same links under the same name give the same bytes.
 * CW_EINVAL: another format (NULL is one), precision or number of rows, a lattice that is not 4D or
 * has an odd extent where the format knows none, or links that are not in SU(3) within CW_UNITARITY,
 * as they are or as they read back;
 * CW_ENUMERIC: a number is not finite; CW_EIO; CW_ENOMEM. Local. */
cw_status cw_configuration_write(cw_context *ctx, const char *path, const cw_format *format,
                                 int precision, int rows, const cw_configuration *conf);

void cw_configuration_clear(cw_configuration *conf); /* frees the links; may be used again */

#ifdef __cplusplus
}
#endif
#endif
