/* causeway/configuration.h - configurations in files: gauge links in the formats of other codes,
 * and fields of every theory in our own.
 *
 * Formats are a table, cw_formats: each is found out from the first bytes of a file, and some are
 * written. Every checksum that a file holds is verified, links must be in their group, and what a
 * file lacks is said. What is written can be read. */
#ifndef CAUSEWAY_CONFIGURATION_H
#define CAUSEWAY_CONFIGURATION_H

#include "causeway/group.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One configuration in plain order. Sites are global sites of lat (cw_lattice_site): of extents
 * (x, y, z, t) the last, time, runs fastest. */
typedef struct {
  cw_lattice lat;
  cw_field_kind kind;
  int n_comp; /* of a field on sites: numbers of a site, at least 1; of links: not used */
  /* Links: (n_sites, dim, N, N, 2): direction x, y, ...; row, column; re, im of the defining
   * matrix, N colours of the kind. Fields on sites: (n_sites, n_comp). Owned. */
  double *data;
  /* Bits of the checks that failed where these links come from, and were ignored. A writer records
   * them in the file, from where the next reader takes them. */
  unsigned ignored;
  /* The theory that it was sampled from, "su3", and its parameters, "beta=6 epsilon=0.25"; "":
   * unknown. Only our own format keeps them. */
  char theory[32], parameters[480];
} cw_configuration;

/* Numbers of a site: 2 dim N^2 of links. */
long cw_configuration_site_reals(const cw_configuration *conf);

/* "SU(3)" of a kind of links, "real fields", "spins". Static. */
const char *cw_kind_title(cw_field_kind kind);

/* What a reader verifies beside the structure of the file, as bits. */
typedef enum {
  CW_CHECK_CHECKSUM = 1,   /* any that the file holds */
  CW_CHECK_PLAQUETTE = 2,  /* the one that a header states */
  CW_CHECK_LINK_TRACE = 4, /* the same */
  CW_CHECK_UNITARITY = 8   /* links are in their group within CW_UNITARITY */
} cw_configuration_check;

/* Names of the first three, bit 1 << k for name k, NULL-terminated: "checksum", "plaquette",
 * "link_trace". Files whose links are not in their group are for nobody but who projects them. */
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
  unsigned kinds;        /* what it can hold: bits 1 << cw_field_kind */
  /* What can be written, the usual number of rows first; ends with 0. Empty: it is only read. Rows
   * are those of SU(3): of a matrix of SU(N) as many are left out, as long as one stays. */
  int precision[3], rows[3];
  bool text;       /* numbers are printed: they have no byte order */
  bool even;       /* lattices of even extents alone */
  bool any_dim;    /* lattices of 1 to CW_MAX_DIM dimensions; else of 4 */
  bool sealed;     /* a checksum of the whole file must hold before anything of it is read */
  unsigned checks; /* what its files can state, as bits of cw_configuration_check */
  const cw_checksum_kind *checksum; /* NULL: none */
  /* Is this such a file, by its first bytes, start (CW_FORMAT_START, zeros behind the end of the
   * file)? At most one format says yes. Only formats that begin alike look further into the file.
   * Reports nothing. */
  bool (*recognises)(const cw_gauge_file *file, const uint8_t *start);
  /* All that is known without the links. Warns of what is missing, and fails as
   * cw_configuration_read does; then *header may be half filled. */
  cw_status (*header)(const cw_gauge_file *file, cw_gauge_header *header);
  /* The numbers, in the order of cw_configuration, into link; all of them are added to sum. Fails
   * as cw_configuration_read does, also where a number is not finite. */
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
/* Rows of a matrix of so many colours that a format writes, the usual number first, into rows (3),
 * which ends with 0. Fields on sites: 1 colour. */
void cw_format_rows(const cw_format *format, int n_colours, int rows[3]);
/* Names of all formats, or of those that can be written, into names (CW_MAX_FORMATS + 1),
 * NULL-terminated. Returns names. */
const char *const *cw_format_names(bool written, const char **names);
/* Titles of all formats in the same way. */
const char *const *cw_format_titles(const char **titles);

/* Largest |(U U^dagger - 1)_ij| and |det U - 1| that are taken for SU(N). Rounding to 32 bits gives
 * up to 1.2e-7, or 2.4e-7 where a third row is made of two, codes that calculate in 32 bits write
 * links that are off by some 1e-6 (MILC, 5e-7 in ours), and what is no gauge field, momenta or
 * smeared links, is off by 1e-2 or more. It is the same for 64 bits, because such a file may hold
 * numbers that once had 32. */
#define CW_UNITARITY 1e-5

/* What the user says of a file. All zero: nothing. */
typedef struct {
  const cw_lattice *lattice; /* borrowed; NULL: not known */
  const cw_field_kind *kind; /* what the file must hold; borrowed; NULL: anything */
  int n_comp;                /* with a kind on sites: numbers of a site */
  unsigned ignore;           /* checks, as bits, whose failure is a warning instead */
} cw_configuration_options;

enum { CW_CONFIGURATION_WARNINGS = 8 };

/* What was found in a file besides the links. */
typedef struct {
  const cw_format *format;
  int precision;     /* 32 or 64 bits of a stored real */
  bool big_endian;   /* byte order of the stored reals; of a text format, means nothing */
  int rows;          /* rows of a matrix in the file: N, or N - 1 (the last is made of them) */
  bool has_checksum; /* whether the file has any; all were verified but those in wrong */
  char checksum[64]; /* one word "b379560a", or two "10d0ea1a / a6a1b3b8"; or "" */
  bool has_plaquette, has_link_trace; /* stated in the file and verified, as above */
  unsigned wrong;                     /* checks that failed and were ignored, as bits */
  /* Measured, of links; of fields on sites NAN, and unitarity and determinant 0. */
  double plaquette;          /* mean over planes and sites of Re tr P / N; one dimension: NAN */
  double plaquette_spatial;  /* of the planes without the last direction; none: NAN */
  double plaquette_temporal; /* of the planes with it */
  double link_trace;         /* mean over links of Re tr U / N */
  double unitarity;          /* largest |(U U^dagger - 1)_ij| */
  double determinant;        /* largest |det U - 1|; U(1): 0 */
  int n_warnings; /* optional parts that are missing and other oddities, one sentence each */
  char warning[CW_CONFIGURATION_WARNINGS][200];
} cw_configuration_info;

/* Reads path, whatever its format. options: what the user knows; NULL: nothing. A lattice is needed
 * where a file does not say; if both say it they must agree. Failures name the file, what was
 * expected and what was found: CW_EIO cannot be opened or read; CW_ECORRUPT truncated, wrong
 * checksum, plaquette or link trace, links that are not in their group, records that contradict
 * each other, numbers in another byte order than the file says, absurd header, a number that is not
 * finite; CW_EINVAL unknown format or variant, no lattice known, or another one, or another kind of
 * field; CW_ENOMEM. Memory is taken only for data that the file is long enough to hold: the numbers
 * (576 bytes per site of SU(3) in four dimensions) and a chunk, and that once more to find out why
 * links are not in their group; of HDF5 files, three times the file. On failure *out is empty and
 * nothing in *info is to be trusted. The caller clears *out. Local. */
cw_status cw_configuration_read(cw_context *ctx, const char *path,
                                const cw_configuration_options *options, cw_configuration *out,
                                cw_configuration_info *info);

/* Writes a format that can be written, in the byte order that is usual there, with a precision and
 * a number of rows that it has, and with all its checksums. The file appears under its name only
 * once it is whole; a file of that name is replaced. The same links under the same name give the
 * same bytes. CW_EINVAL: another format (NULL is one), precision or number of rows, a kind of field
 * or a lattice that the format does not know, or links that are not in their group within
 * CW_UNITARITY, as they are or as they read back; CW_ENUMERIC: a number is not finite; CW_EIO;
 * CW_ENOMEM. Local. */
cw_status cw_configuration_write(cw_context *ctx, const char *path, const cw_format *format,
                                 int precision, int rows, const cw_configuration *conf);

/* Is it an HDF5 file that says it is a configuration of ours? Its seal is checked. Reports nothing.
 * Local; reads the file. */
bool cw_configuration_is_own(const char *path);

void cw_configuration_clear(cw_configuration *conf); /* frees the numbers; may be used again */

#ifdef __cplusplus
}
#endif
#endif
