/* Job files: YAML into a tree of nodes that remember where they came from, overrides and cases
 * merged onto it, and typed reading which leaves behind a complete, canonical job.
 *
 *   cw_job_load(ctx, "jobs/x.yaml", &job);
 *   cw_job_set(job, "theory.lambda=6.0");                     --set, as often as wanted
 *   cw_node *root = cw_job_root(job), *hmc;
 *   cw_job_map(root, "hmc", CW_JOB_PRESET, &hmc);
 *   cw_job_long(hmc, "steps", 2000, 1, 100000000, &steps);    2000 if the job does not say
 *   cw_job_finish(root);                                      an error: a key that nobody asked for
 *   cw_job_emit(root, &text);                                 the resolved job, defaults visible
 *
 * The YAML subset: one document; mappings with plain keys, sequences, scalars. Anchors, aliases,
 * merge keys, tags and repeated keys are refused, and so are files that are unreasonably large or
 * deep.
 *
 * Errors are CW_EINVAL (CW_EIO for the file itself) and their messages begin with the place:
 * "FILE:LINE: theory.lambda: ..." or "--set theory.lambda: ...". Everything here is Local; a job is
 * used by one thread at a time. A node, a string or a list that is handed out lives as long as its
 * job. */
#ifndef CW_APP_JOB_H
#define CW_APP_JOB_H

#include <limits.h>
#include <math.h>

#include "causeway/theory.h"

typedef struct cw_job cw_job;
typedef struct cw_node cw_node;

/* ------------------------------------------------------------------ the tree */

/* Reads a job from a file or from memory (size bytes; name stands for the file in messages). The
 * caller destroys *out. */
cw_status cw_job_load(cw_context *ctx, const char *path, cw_job **out);
cw_status cw_job_parse(cw_context *ctx, const char *text, size_t size, const char *name,
                       cw_job **out);
void cw_job_destroy(cw_job *job); /* NULL is allowed */

cw_node *cw_job_root(cw_job *job); /* a mapping */

/* Applies "path=value". A path is keys joined by '.', with [n] for item n of a sequence:
 * "layers[2].net.kernel". The value is YAML: 1e-3, [8, 8], {kind: phi4}, text; null removes the
 * key. Mappings that are missing on the way are made; a sequence is never made longer. */
cw_status cw_job_set(cw_job *job, const char *assignment);

/* A new job: a copy of base with patch (a mapping of any job; NULL: nothing) merged onto it.
 * Mappings merge key by key, null removes a key, anything else replaces what was there. Origins are
 * kept; no key of the copy counts as asked for. */
cw_status cw_job_merge(const cw_job *base, const cw_node *patch, cw_job **out);

/* Replaces the content of node by a copy of that of from, for example a partial job by the resolved
 * one. The copy counts as asked for. */
cw_status cw_job_replace(cw_node *node, const cw_node *from);

/* Adds to the text of a key that has one, where the whole has at most so many bytes; elsewhere nothing happens.
 * CW_ENOMEM. */
cw_status cw_job_add_text(cw_node *map, const char *key, const char *more, size_t most);

void cw_job_remove(cw_node *map, const char *key); /* nothing happens if it is not there */

/* ------------------------------------------------------------- typed reading */

/* Each looks up key in map, marks it as known, checks it, writes its canonical form (or the preset,
 * if the key is absent) back into the tree, and sets *value. Limits are inclusive. After a failure
 * *value is unchanged. */

#define CW_JOB_REQUIRED_DOUBLE NAN /* presets that make a key required */
#define CW_JOB_REQUIRED_LONG   LONG_MIN
#define CW_JOB_REQUIRED        (-1) /* of cw_job_bool, cw_job_choice */

cw_status cw_job_double(cw_node *map, const char *key, double preset, double min, double max,
                        double *value);
cw_status cw_job_long(cw_node *map, const char *key, long preset, long min, long max, long *value);
cw_status cw_job_bool(cw_node *map, const char *key, int preset, bool *value);
/* Any one-line or longer text that is not empty, unless the preset is "". preset NULL: required. */
cw_status cw_job_string(cw_node *map, const char *key, const char *preset, const char **value);
/* One of the words known (NULL-terminated); *value: its index. what names the thing in messages:
 * "theory". */
cw_status cw_job_choice(cw_node *map, const char *key, const char *what, const char *const *known,
                        int preset, int *value);

/* Lists of 1 to max_count numbers, values (max_count). preset (n_preset): NULL: required. */
cw_status cw_job_int_list(cw_node *map, const char *key, const int *preset, int n_preset, int min,
                          int max, int max_count, int *values, int *count);
cw_status cw_job_double_list(cw_node *map, const char *key, const double *preset, int n_preset,
                             double min, double max, int max_count, double *values, int *count);

/* A list of 1 to max_count of the words known, as their indices. Required. */
cw_status cw_job_choices(cw_node *map, const char *key, const char *what, const char *const *known,
                         int max_count, int *values, int *count);

/* The parameters of table (NULL-name-terminated), in its order, into values. A preset of NAN:
 * required. */
cw_status cw_job_params(cw_node *map, const cw_param *table, double *values);
/* Word keys (NULL-terminated; NULL: none) with their values, of which the first is the preset, as
 * indices. */
cw_status cw_job_words(cw_node *map, const char *const *keys, const char *const *const *known,
                       int *values);

typedef enum {
  CW_JOB_MUST,  /* absent: an error */
  CW_JOB_MAY,   /* absent: *child = NULL */
  CW_JOB_PRESET /* absent: an empty one is made, so that its own presets show in the resolved job */
} cw_job_presence;

/* A child that is a mapping, or a sequence. "key:" with nothing behind it is an empty mapping or
 * sequence. */
cw_status cw_job_map(cw_node *map, const char *key, cw_job_presence presence, cw_node **child);
cw_status cw_job_list(cw_node *map, const char *key, cw_job_presence presence, cw_node **child);

bool cw_job_has(const cw_node *map,
                const char *key); /* is the key there? It does not count as asked for. */

/* Is it there, and neither a mapping nor a sequence? In the same way. */
bool cw_job_is_word(const cw_node *map, const char *key);

/* For a reader that misses key: fails if map has a key that nobody asked for yet and that looks
 * like a misspelling of it. The getters do this for required keys. */
cw_status cw_job_suspect(const cw_node *map, const char *key);

/* ----------------------------------------------------------------- iteration */

/* The entries of a mapping or the items of a sequence:
 *   for (cw_node *n = cw_job_first(list); n != NULL; n = cw_job_next(n))
 * Read nothing by key from a mapping while iterating over that same mapping: the getters sort it.
 */
cw_node *cw_job_first(const cw_node *node);
cw_node *cw_job_next(const cw_node *node);
int cw_job_count(const cw_node *node);
const char *cw_job_key(
    const cw_node *node); /* its key in its mapping; NULL: an item of a sequence, or the root */

/* The text of an item that is neither a mapping nor a sequence, and not empty; it counts as asked
 * for. */
cw_status cw_job_as_text(cw_node *node, const char **text);
cw_status
cw_job_as_map(cw_node *node); /* fails unless node is a mapping; call it on items and entries */
void cw_job_accept(cw_node *node); /* node and everything below counts as asked for */

/* ------------------------------------------------------------------- results */

/* Fails for the first key at or below node that was never asked for, with the nearest key that was.
 */
cw_status cw_job_finish(const cw_node *node);

/* The tree as YAML, in canonical form: keys in the order in which they were asked for, shortest
 * numbers that round-trip. Reading the text again and emitting it gives the same text. The caller
 * frees *text. */
cw_status cw_job_emit(const cw_node *node, char **text);

/* Records a failure (CW_EINVAL) at the place of key in map, or of map itself (key NULL or absent),
 * and returns it: return cw_job_fail(root, "lattice", "extent %d is odd", n);   -> "jobs/x.yaml:4:
 * lattice: extent 7 is odd" */
cw_status cw_job_fail(const cw_node *map, const char *key, const char *format, ...) CW_PRINTF(3, 4);

/* Calls each, with self, for every place where the job `is` is not what it was: its path, and both values as
 * text; NULL: not there. Ends with the first failure. */
typedef cw_status cw_job_difference(void *self, const char *path, const char *was, const char *is);
cw_status cw_job_compare(const cw_node *was, const cw_node *is, cw_job_difference *each,
                         void *self);

/* The word of known (NULL-terminated) that word was probably meant to be, by Damerau-Levenshtein
 * distance without regard to case; NULL: none is near. */
const char *cw_nearest(const char *word, const char *const *known);
/* "a, b, c" of known (NULL-terminated) into text, cut with "..." where it does not fit. */
void cw_list_words(const char *const *known, char *text, size_t size);

/* text (CW_DOUBLE_TEXT): the shortest decimal that reads back as value. */
#define CW_DOUBLE_TEXT 32
void cw_format_double(double value, char *text);

#endif
