/* causeway/configuration.h - SU(3) gauge configurations in the files of other codes.
 *
 * ILDG and SciDAC (LIME records), NERSC archive and MILC v5 files are read; ILDG and NERSC are
 * written. Every checksum that a file holds is verified, and what a file lacks is said. */
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
} cw_configuration;

enum { CW_CONFIGURATION_WARNINGS = 8 };

/* What was found in a file besides the links. */
typedef struct {
  cw_format format;
  int precision;     /* 32 or 64 bits of a stored real */
  bool big_endian;   /* byte order of the stored reals */
  int rows;          /* rows of a matrix in the file: 3, or 2 (the third is made of them) */
  bool has_checksum; /* any; all that there are were verified */
  char checksum[64]; /* SciDAC "10d0ea1a / a6a1b3b8", NERSC "b379560a", MILC sum29 / sum31; or "" */
  bool has_plaquette, has_link_trace; /* stated in the file (NERSC) and verified */
  double plaquette;                   /* measured: mean over planes and sites of Re tr P / 3 */
  double plaquette_spatial;           /* of the planes xy, xz, yz */
  double plaquette_temporal;          /* of the planes xt, yt, zt */
  double link_trace;                  /* measured: mean over links of Re tr U / 3 */
  double unitarity;                   /* measured: largest |(U U^dagger - 1)_ij| */
  double determinant;                 /* measured: largest |det U - 1| */
  int n_warnings; /* optional parts that are missing and other oddities, one sentence each */
  char warning[CW_CONFIGURATION_WARNINGS][200];
} cw_configuration_info;

/* Reads path, whatever its format. expected: the lattice, of dimension 4, if the user knows it
 * (needed where a file does not say), else NULL; if both know it they must agree. Failures name the
 * file, what was expected and what was found: CW_EIO cannot be opened or read; CW_ECORRUPT
 * truncated, wrong checksum, plaquette or link trace, absurd header, a number that is not finite;
 * CW_EINVAL unknown format or variant, no lattice known, or another one; CW_ENOMEM. Memory is taken
 * only for data that the file is long enough to hold: 576 bytes per site and a chunk. On failure
 * *out is empty and nothing in *info is to be trusted. The caller clears *out. Local. */
cw_status cw_configuration_read(cw_context *ctx, const char *path, const cw_lattice *expected,
                                cw_configuration *out, cw_configuration_info *info);

/* Writes format CW_FORMAT_ILDG or CW_FORMAT_NERSC, big endian, with precision 32 or 64 and all
 * checksums. rows: 3, or 2 for NERSC. The file appears under its name only once it is whole; a file
 * of that name is replaced. The same links under the same name give the same bytes. CW_EINVAL:
 * another format, precision or number of rows, a lattice that is not 4D, or 2 rows of matrices
 * whose third row does not follow from them (unitarity or determinant off by more than 1e-5);
 * CW_ENUMERIC: a number is not finite, or too large for 32 bits; CW_EIO; CW_ENOMEM. Local. */
cw_status cw_configuration_write(cw_context *ctx, const char *path, cw_format format, int precision,
                                 int rows, const cw_configuration *conf);

void cw_configuration_clear(cw_configuration *conf); /* frees the links; may be used again */
const char *cw_format_name(cw_format format);        /* "ildg", "scidac", "nersc", "milc" */

#ifdef __cplusplus
}
#endif
#endif
