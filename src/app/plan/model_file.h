/* Model files: flows between the rungs of a ladder, with all that it takes to use them elsewhere, and
 * how good they are. A sealed HDF5 file (store.h) of format "causeway-model":
 *
 *   theory, form, parameters   of the theory; the names of its parameters, separated by blanks
 *   flow                       the layers of every flow with all their keys, as key `flow` of a job
 *   job, case, section         the resolved job that made them, and where in it
 *   judged                     what its numbers are from, in words
 *   /lattice     (dim)         extents of the lattice that they were fitted on
 *   /positions   (n+1)         of the rungs of that ladder, 0 to 1
 *   /ends        (n, 2, parameters)  of the theory, where a flow begins and where it ends
 *   /theta       (n, n_theta)
 *   /configurations (n)        that each was fitted on
 *   /NUMBER      (n, 2)        value and error, of cw_model_numbers; NAN: unknown */
#ifndef CW_APP_MODEL_FILE_H
#define CW_APP_MODEL_FILE_H

#include "app/plan/plan.h"

/* In the order of the columns of `causeway info`. */
enum {
  CW_MODEL_RHO,
  CW_MODEL_K,
  CW_MODEL_K_WITHOUT,
  CW_MODEL_ACCEPTANCE,
  CW_MODEL_ACCEPTANCE_WITHOUT,
  CW_MODEL_K_PER_SITE,
  CW_MODEL_NUMBERS
};
extern const char *const cw_model_numbers[CW_MODEL_NUMBERS + 1]; /* NULL-terminated */

enum {
  CW_MODEL_THEORY,
  CW_MODEL_FORM,
  CW_MODEL_PARAMETERS,
  CW_MODEL_FLOW_TEXT,
  CW_MODEL_JOB,
  CW_MODEL_CASE,
  CW_MODEL_SECTION,
  CW_MODEL_JUDGED,
  CW_MODEL_TEXTS
};

typedef struct {
  cw_file_text text[CW_MODEL_TEXTS]; /* owned */
  cw_arrays arrays;
  /* Of these: */
  cw_lattice lat;
  int n, n_params; /* flows; parameters of the theory */
  char param[CW_MAX_PARAMS][CW_ARRAY_NAME];
  long n_theta;
  const double *position, *ends, *theta, *configurations; /* borrowed from arrays */
  const double *number[CW_MODEL_NUMBERS];                 /* (n, 2) */
} cw_model_file;

/* Names the texts of an empty file. */
void cw_model_file_begin(cw_model_file *f);
/* Writes texts and arrays, once it has seen that they are a model. Local. */
cw_status cw_model_file_write(cw_context *ctx, const char *path, cw_model_file *f);
/* path: from where the program runs, or else from the folder of the installation's data. CW_EIO;
 * CW_ECORRUPT: damaged, or no model; CW_EINVAL: a newer format. Collective. The caller clears
 * *out in any case. */
cw_status cw_model_file_read(cw_context *ctx, const char *path, cw_model_file *out);
void cw_model_file_clear(cw_model_file *f);

/* "{beta_s: 5.9, beta_t: 6.1}": the parameters where a flow begins (end 0) or ends (1). */
void cw_model_file_end(const cw_model_file *f, int flow, int end, char *text, size_t size);

/* Which flow of the file goes from each rung of the plan's ladder to the next: flow (ladder.n - 1).
 * CW_EINVAL: it is of another theory, form or layers, or has none between two rungs. Local. */
cw_status cw_model_file_fits(cw_context *ctx, const char *path, const cw_model_file *f,
                             const cw_plan *p, const cw_model_spec *spec, int *flow);

#endif
