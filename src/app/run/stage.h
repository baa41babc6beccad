/* Stages of a run: loops that can be stopped at any step and resumed to the same bits.
 *
 * A stage records rows and has a state. The driver steps it, and writes what was recorded since the
 * last checkpoint together with the state as one segment of the store. Everything a stage does is a
 * function of (job, step), so that where segments end leaves no trace in the results. */
#ifndef CW_APP_STAGE_H
#define CW_APP_STAGE_H

#include "app/plan/plan.h"
#include "causeway/configuration.h"
#include "causeway/observe.h"
#include "causeway/store.h"

/* Flows from each rung of the case's ladder to the next. */
typedef struct {
  int n; /* one less than rungs; 0: none */
  cw_model **model;
  cw_map *map;
} cw_flows;

/* What casts doubt on a start from a file: stored with the stage, so that its results can say so.
 */
typedef struct {
  bool any;
  double off_group; /* how far its links were from the group if they were projected, else 0 */
  unsigned ignored; /* bits of checks that failed and were ignored */
} cw_start_doubt;

/* A case while it runs. */
struct cw_case {
  cw_context *ctx;
  const cw_plan *plan;
  cw_store *store;
  cw_geometry *geom;
  cw_theory theory;
  cw_observer observer[CW_MAX_GROUPS]; /* of the groups of the plan */
  cw_arena *work;                      /* of all measurements, kept from one to the next */
  cw_model *model;                     /* NULL: none in the job */
  cw_flows flows[CW_MAX_SECTIONS];     /* of the sections that train some, once they did */
  cw_start_doubt doubt; /* about the start of the running stage, for its next segment */
};

/* Collective. */
cw_status cw_case_open(cw_context *ctx, const cw_plan *plan, cw_store *store, cw_case *out);
void cw_case_close(cw_case *c);
cw_rng cw_case_rng(const cw_case *c, const char *stage);  /* the random stream of a stage */
cw_flows *cw_case_flows(cw_case *c, const cw_section *s); /* those that section s trains */

typedef struct cw_stage cw_stage;
struct cw_stage {
  const char *name; /* in the store, within its case */
  long n_steps;
  bool every_step; /* checkpoint after each step */
  long done;       /* steps that are; load may set it back to a step of which only a part is */
  bool left;       /* the last call of step did only a part of it, which save and load take along */
  void *self;
  /* Collective, but may fail on a rank alone once it is past its last collective call. */
  cw_status (*step)(cw_stage *s, cw_case *c, long step);
  /* What was recorded since the last save, and the state after the last step. Collective, in the
   * same way; rank 0's set is written. */
  cw_status (*save)(cw_stage *s, cw_case *c, cw_arrays *set);
  cw_status (*load)(cw_stage *s, cw_case *c,
                    const cw_arrays *last);                 /* the state of the last segment */
  void (*note)(const cw_stage *s, char *text, size_t size); /* for the progress bar; NULL: none */
};

/* How many steps, each of so many pieces, a stage with so many pieces has. */
static inline long cw_steps_of(long pieces, long each) { return (pieces + each - 1) / each; }
/* Puts, and gets back, how many pieces a stage of such steps has done. Its last step may have been shorter than
 * the others: where more are wanted, get sets s->done back to it. Collective. */
cw_status cw_put_pieces(cw_case *c, cw_arrays *set, long pieces);
cw_status cw_get_pieces(cw_stage *s, cw_case *c, const cw_arrays *last, long wanted, long each,
                        long *pieces);

/* Does the run go on, or was it told to stop? of: the case. For steps that can be left (cw_go_on). Collective. */
bool cw_goes_on(void *of);
/* Runs a stage to its end, from where the store left it. CW_EINTERRUPTED after a signal, with a
 * checkpoint written. Collective. */
cw_status cw_stage_run(cw_case *c, cw_stage *s);

/* ---- rows recorded between checkpoints ---- */

typedef struct {
  long n, width; /* rows, doubles per row on this rank */
  long capacity;
  double *data;
} cw_record;

double *cw_record_row(cw_record *r, long width); /* a new row to fill; NULL: no memory */
void cw_record_free(cw_record *r);
/* Puts an array that all ranks have alike, as cw_arrays_put. Like everything that puts below, it
 * fails on all ranks or on none, so that a save can go on to what is collective. Collective. */
cw_status cw_put_alike(cw_case *c, cw_arrays *set, const char *name, int rank, const long *dim,
                       const double *data);
/* Puts a record of rows that all ranks have alike, (rows, width) or, rank 1, (rows), and empties
 * it. Without rows nothing is put. Collective. */
cw_status cw_record_put(cw_case *c, cw_arrays *set, const char *name, cw_record *r, int rank);

/* Measures on x, its configurations on this rank, the groups whose turn it is after so many rows,
 * each into a new row of its record (n_config, n_primary). Local. */
cw_status cw_measure_groups(cw_case *c, const cw_field *x, long rows,
                            cw_record primary[CW_MAX_GROUPS]);
/* Puts these records of n_chain chains, as cw_put_chains. Collective. */
cw_status cw_put_groups(cw_case *c, cw_arrays *set, cw_record primary[CW_MAX_GROUPS], long n_chain);

/* Notes on an array of the set whose last dimension is the numbers that group g measures: `columns`,
 * their names, and `units`, separated by blanks. Without the array nothing happens. Collective. */
cw_status cw_note_columns(cw_case *c, cw_arrays *set, const char *name, int g);
/* Notes on an array of configurations, sites in global order: `kind` ("real", "spin", "su3", ...) and
 * `extents` of the lattice. The same. */
cw_status cw_note_fields(cw_case *c, cw_arrays *set, const char *name);

/* Threads for a loop over blocks: with a single block its kernels get them all. */
int cw_block_threads(const cw_case *c, const cw_field *x);

/* Puts a record of rows (n_mine chains, inner) as one array (rows, n_chain, inner...) and empties
 * it. inner 0: no inner dimension. Collective. */
cw_status cw_put_chains(cw_case *c, cw_arrays *set, const char *name, cw_record *r, long n_chain,
                        long inner);
/* The same, averaged over chains in fixed order: (rows). */
cw_status cw_put_chain_means(cw_case *c, cw_arrays *set, const char *name, cw_record *r,
                             long n_chain);
/* Configuration i of x as (n_sites, n_comp), sites in global order, and back. */
void cw_copy_out(const cw_field *x, long i, double *out);
void cw_copy_in(cw_field *x, long i, const double *in);
/* Configurations of all ranks as (n_chain, n_sites), or (n_chain, n_sites, n_comp) where n_comp is
 * not 1, and back. x: this rank's share of the n_chain, NULL where it has none; it is read when the set is
 * written, so that it must stay as it is. name: "state.x", "state.x3", "state.reverse.x". get is for load, which
 * sees only the shape of such an array. Collective. */
cw_status cw_put_field(cw_case *c, cw_arrays *set, const char *name, const cw_field *x,
                       long n_chain);
cw_status cw_get_field(cw_case *c, const cw_stage *s, const cw_arrays *last, const char *name,
                       cw_field *x, long n_chain);
bool cw_holds_field(const cw_array *shape); /* is it an array of cw_put_field? */

/* Reads a configuration file of the case's theory, of which checks (bits) may fail. CW_EINVAL: of
 * another field or lattice; what cw_configuration_read says. Local. The caller clears *conf. */
cw_status cw_read_configuration(cw_case *c, const char *path, unsigned ignore,
                                cw_configuration *conf, cw_configuration_info *info);
/* Prints the warnings about a file, those of a doubtful one also if the run is quiet. */
void cw_warn_configuration(cw_case *c, const char *path, bool doubtful,
                           const cw_configuration_info *info);
/* As configuration i of x, of the same field and lattice. */
void cw_set_configuration(const cw_configuration *conf, cw_field *x, long i);

/* Fills x (first_chain set) as the section says: cold, from its file, or hot, number draw of those
 * that the stage with stream rng starts from. */
cw_status cw_start_field(cw_case *c, const cw_mcmc_plan *plan, cw_rng rng, uint32_t draw,
                         cw_field *x);

/* lw = -S - ln q for every configuration of x. */
void cw_log_weights(cw_case *c, const cw_field *x, const double *logq, double *lw);
/* CW_ENUMERIC: one of lw (n) is not a number, or infinitely large. */
cw_status cw_check_log_weights(cw_case *c, const char *stage, const double *lw, long n);
/* Of stages whose state is their step. */
cw_status cw_nothing_to_load(cw_stage *s, cw_case *c, const cw_arrays *last);

/* ---- what a stage takes from another ---- */

/* What a training of n models left in its last segment: size numbers for each, of which the first
 * n_theta are its parameters; NULL: nothing yet. */
const cw_array *cw_trained_parameters(const cw_arrays *last, int n, long *size, long *n_theta);
/* Parameters of n models from another run, if from names one: from its stage of that name or, stage
 * NULL, from the training of its job's model; or of n flows from a model file. Nothing is read for a
 * stage that has begun: its store holds them. CW_EINVAL: there are none, or of other models.
 * Collective. */
cw_status cw_start_parameters(cw_case *c, const cw_start_from *from, const char *stage,
                              const cw_model_spec *spec, int n, cw_model *const *model);
/* Of n flows between the rungs of the case's ladder, those of a model file. CW_EINVAL: it holds others;
 * what it says; CW_ECORRUPT. Collective. */
cw_status cw_start_from_model(cw_case *c, const char *path, const cw_model_spec *spec, int n,
                              cw_model *const *model);
/* Can the sections that are to start from model files, and have not yet, do so? As above. */
cw_status cw_check_models(cw_context *ctx, const cw_plan *plan, const cw_store *store);
/* Flows of these layers from each rung of the case's ladder to the next, all of them the identity. The
 * caller destroys *out in any case. */
cw_status cw_flows_create(cw_case *c, const cw_model_spec *spec, cw_flows *out);
void cw_flows_destroy(cw_flows *flows);

/* Every stride-th rung of the ladder of the case's plan; -1: all of them, from its end. The caller
 * destroys *out in any case. */
cw_status cw_case_ladder(const cw_case *c, int stride, cw_ladder *out);

/* The configurations that a section kept, as one field. A forward-KL training on them takes
 * the first half of each chain's, and leaves the second half to judge the flow on: a flow looks too
 * good on what it was trained on. */
typedef enum { CW_KEPT_ALL, CW_KEPT_TO_TRAIN, CW_KEPT_TO_JUDGE } cw_kept_part;
cw_status cw_kept_configurations(cw_case *c, const cw_section *data, cw_kept_part part,
                                 cw_field *x); /* the caller destroys *x */
/* Row number row of them into x, which has one configuration of each of the chains. */
void cw_kept_row(const cw_field *kept, long row, cw_field *x);

#endif
