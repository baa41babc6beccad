/* What the files of `causeway tune` share. A trial runs the exchange of the job with some of its lines
 * changed, from the configurations of the trial before it, and says what swaps and changes of sector
 * cost; a search goes from trial to trial. One rank. */
#ifndef CW_APP_TUNE_H
#define CW_APP_TUNE_H

#include "app/methods/rex/rex.h"
#include "app/run/stage.h"

enum { CW_TUNE_EDGES = CW_MAX_DIM, CW_TUNE_TEXT = 12288 };

typedef enum { CW_TUNE_RUNGS, CW_TUNE_SWAPS, CW_TUNE_TUNNELLING } cw_tune_aim;
extern const char *const cw_tune_aims[]; /* NULL-terminated */

/* ------------------------------------------------------------------- points */

/* Links around a defect, and how often they are updated. */
typedef struct {
  bool around; /* extent: of hops, or else of margin */
  long extent;
  long count; /* on a way: retargets from one of its turns to the next; of levels: sweeps */
} cw_tune_set;

/* What is tuned of an exchange. */
typedef struct {
  long steps; /* of the way; 0: there is none */
  double power;
  long mutations;
  int n_sets, n_levels;
  cw_tune_set set[CW_MAX_LEVELS];   /* of the way */
  cw_tune_set level[CW_MAX_LEVELS]; /* of the section */
  int edge[CW_TUNE_EDGES];          /* sizes of the defect; 0: it has none there */
  double factor; /* of its links at the open end; NAN: it is not what rungs differ in */
  int n;
  double t[CW_MAX_RUNGS]; /* positions of the rungs */
} cw_tune_point;

/* The job that is tuned; place: of its case, "cases.NAME." or "". */
typedef struct {
  cw_context *ctx;
  cw_job *job;
  const char *case_name;
  char place[80], section[32];
  cw_tune_aim aim;
  bool by_visits;      /* cost: of links or sites that are visited, or else seconds of the CPU */
  bool fixed_rungs;    /* their number cannot be changed */
  bool can_restrict;   /* the sampler to sets of links, around a defect that there is */
  cw_tune_point start; /* what the job says */
  long steps, rounds;  /* of a trial; of the search */
  double target;       /* acceptance, of the rungs */
} cw_tune_job;

typedef struct {
  char text[CW_TUNE_TEXT];
  size_t used;
} cw_tune_text;
/* What does not fit is cut. */
void cw_tune_say(cw_tune_text *to, const char *format, ...) CW_PRINTF(2, 3);

void cw_tune_read_point(const cw_plan *plan, const cw_rex_plan *x, cw_tune_point *p);
/* The point in one line, whose words are the job's: of what the aim tunes. */
void cw_tune_describe(const cw_tune_job *j, const cw_tune_point *p, cw_tune_text *to);
/* Lines for the job file. */
void cw_tune_print_lines(const cw_tune_job *j, const cw_tune_point *p);
/* Sets what differs from the job's own point; positions of rungs are not set. CW_EINVAL. */
cw_status cw_tune_set_point(const cw_tune_job *j, const cw_tune_point *p, cw_job *copy);

/* ---------------------------------------------------------------- exchanges */

/* An exchange that runs. */
typedef struct {
  cw_plans plans;
  cw_plan *plan;  /* of plans */
  cw_rex_plan *x; /* of the plan's section */
  cw_case c;
  cw_rex_setup with;
  cw_tune_point at;
} cw_tune_exchange;

/* The plan of a case of plans; name "": the first. And its section for replica exchange. CW_EINVAL: there
 * is none. */
cw_status cw_tune_find(cw_context *ctx, const cw_plans *plans, const char *name, cw_plan **plan,
                       cw_rex_plan **x);
/* At a point. number: of the trial, keys its draws. before: whose configurations, of the nearest rungs, it
 * starts from, NULL: as the job says. *thermalise: steps until it may be measured, none if it is in
 * equilibrium. CW_EINVAL: the job cannot be so. The caller closes *out, which may be NULL, in any case. */
cw_status cw_tune_open(const cw_tune_job *j, const cw_tune_point *at, long number,
                       const cw_tune_exchange *before, cw_tune_exchange **out, long *thermalise);
void cw_tune_close(cw_tune_exchange *e);

/* ------------------------------------------------------------------- trials */

typedef struct {
  double accept[CW_MAX_RUNGS]; /* (n-1) mean acceptances of swaps */
  cw_estimate acceptance, K;   /* of the pair that swaps least */
  cw_estimate proposal;        /* cost of one */
  cw_estimate cost;            /* of what is searched for, see docs/ladders.md */
  cw_estimate changes;         /* of sector on the last rung, per step; NAN: not asked for */
} cw_tune_found;

/* Runs steps of an exchange after thermalise others. CW_EINTERRUPTED. CW_EINVAL: too few steps. */
cw_status cw_tune_measure(const cw_tune_job *j, long number, long thermalise, long steps,
                          cw_tune_exchange *e, cw_tune_found *out);

/* ------------------------------------------------------------------- search */

/* Moves a point by one step of an axis, in direction +1 or -1; i: of sets and levels. false: it cannot.
 * accept (n-1): acceptances at the point. */
typedef bool cw_tune_axis(const cw_tune_job *j, const double *accept, cw_tune_point *p, int i,
                          int direction);
/* NULL-terminated, in the order in which they are searched. */
cw_tune_axis *const *cw_tune_axes(cw_tune_aim aim);
/* The point with n rungs for equal acceptance; false: where they are cannot be said. */
bool cw_tune_equalise(const cw_tune_job *j, const double *accept, int n, cw_tune_point *p);

/* Moves rungs until all pairs accept alike, and prints them. */
cw_status cw_tune_rungs(const cw_tune_job *j);
/* Searches along the axes of the aim, and prints trials and what is best. */
cw_status cw_tune_search(const cw_tune_job *j);

#endif
