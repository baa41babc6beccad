/* causeway/configuration.h - SU(3) gauge configurations in the files of other codes.
 *
 * ILDG and SciDAC (LIME records), NERSC archive and MILC v5 files are read; ILDG and NERSC are
 * written. Every checksum that a file holds is verified, links must be in SU(3), and what a file
 * lacks is said. What is written can be read. */
#ifndef CAUSEWAY_CONFIGURATION_H
#define CAUSEWAY_CONFIGURATION_H

#include "causeway/lattice.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  CW_FORMAT_UNKNOWN = 0,
  CW_FORMAT_ILDG,   /* LIME: ildg-format, ildg-binary-data, scidac-checksum */
  CW_FORMAT_SCIDAC, /* LIME: scidac-* records without ildg-* ones; read only */
  CW_FORMAT_NERSC,  /* archive: ASCII header, 3x3 or 3x2 */
  CW_FORMAT_MILC    /* version 5; read only */
} cw_format;

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
  CW_CHECK_CHECKSUM = 1,   /* any: SciDAC, NERSC or MILC */
  CW_CHECK_PLAQUETTE = 2,  /* the one that a NERSC header states */
  CW_CHECK_LINK_TRACE = 4, /* the same */
  CW_CHECK_UNITARITY = 8   /* links are in SU(3) within CW_UNITARITY */
} cw_configuration_check;

/* Names of the first three, bit 1 << k for name k, NULL-terminated: "checksum", "plaquette",
 * "link_trace". Files whose links are not in SU(3) are for nobody but who projects them. */
const char *const *cw_check_names(void);

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
  cw_format format;
  int precision;     /* 32 or 64 bits of a stored real */
  bool big_endian;   /* byte order of the stored reals */
  int rows;          /* rows of a matrix in the file: 3, or 2 (the third is made of them) */
  bool has_checksum; /* any; all that there are were verified, but those in wrong */
  char checksum[64]; /* SciDAC "10d0ea1a / a6a1b3b8", NERSC "b379560a", MILC sum29 / sum31; or "" */
  bool has_plaquette, has_link_trace; /* stated in the file (NERSC) and verified, as above */
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

/* Writes format CW_FORMAT_ILDG or CW_FORMAT_NERSC, big endian, with precision 32 or 64 and all
 * checksums. rows: 3, or 2 for NERSC. The file appears under its name only once it is whole; a file
 * of that name is replaced. The same links under the same name give the same bytes. CW_EINVAL:
 * another format, precision or number of rows, a lattice that is not 4D, or links that are not in
 * SU(3) within CW_UNITARITY, as they are or as they read back; CW_ENUMERIC: a number is not finite;
 * CW_EIO; CW_ENOMEM. Local. */
cw_status cw_configuration_write(cw_context *ctx, const char *path, cw_format format, int precision,
                                 int rows, const cw_configuration *conf);

void cw_configuration_clear(cw_configuration *conf); /* frees the links; may be used again */
const char *cw_format_name(cw_format format);        /* "ildg", "scidac", "nersc", "milc" */

#ifdef __cplusplus
}
#endif
#endif
