/* The words behind a subcommand: options with and without values, and places such as FILE. */
#ifndef CW_APP_OPTIONS_H
#define CW_APP_OPTIONS_H

#include "causeway/lattice.h"

/* One option, with its dashes; a table of them ends with word NULL. */
typedef struct {
  const char *word;   /* "--out" */
  bool *flag;         /* out: was it given? NULL: it takes a value */
  const char **value; /* out: its value, or (most) values in order; NULL: main took it already */
  int most;           /* how many values it may have; 0: one, of which the last counts */
  int *n;             /* out, with most: how many there were */
} cw_option;

/* Sorts argv into options and places (at most n_places; *n of them). What is not given keeps what
 * the caller put there. wanted: the places in words, "one job". CW_EINVAL: an unknown option (with
 * the nearest known one), a missing value, too many places. */
cw_status cw_options_read(cw_context *ctx, const char *command, int argc, char **argv,
                          const cw_option *options, const char *wanted, const char **place,
                          int n_places, int *n);

/* "8,8,8,16" of --lattice, extents x, y, z, t. CW_EINVAL. */
cw_status cw_options_lattice(cw_context *ctx, const char *command, const char *text,
                             cw_lattice *lat);

/* The number of the word in choices (NULL-terminated) that text is. CW_EINVAL names them all. */
cw_status cw_options_choice(cw_context *ctx, const char *command, const char *option,
                            const char *text, const char *const *choices, int *choice);

/* "checksum,plaquette": words of names (NULL-terminated) separated by commas, as bits, 1 << k for
 * name k. CW_EINVAL: none, or an unknown one, with the nearest. */
cw_status cw_options_bits(cw_context *ctx, const char *command, const char *option,
                          const char *text, const char *const *names, unsigned *bits);

/* "0", "17" of an option that counts. CW_EINVAL. */
cw_status cw_options_count(cw_context *ctx, const char *command, const char *option,
                           const char *text, long *count);

#endif
