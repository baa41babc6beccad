/* causeway/observe.h - observables: numbers measured on single configurations, and quantities made
 * of their means.
 *
 * A group measures n_primary numbers on each configuration. A quantity is a function of the
 * expectation values of those numbers (chi2 = V <m^2>, Binder = 1 - <m^4>/(3 <m^2>^2), ...). Errors
 * are computed downstream (stats.h). */
#ifndef CAUSEWAY_OBSERVE_H
#define CAUSEWAY_OBSERVE_H

#include "causeway/theory.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cw_observer cw_observer;

/* The figure of a vector quantity: its entries over what their index counts. */
typedef struct {
  const char *title;   /* NULL: not worth a figure of its own */
  const char *x_label; /* "R/a" */
  const char *y_label; /* "C(t)" */
  bool log_y;
  bool smooth;                              /* entries lie densely on a curve: a band, not points */
  double (*x)(const cw_observer *o, int i); /* abscissa of entry i; NULL: i */
  /* Entry i belongs to the curve of this number, from 1 on, and curve_label is what the numbers
   * count. NULL: one curve. */
  int (*curve)(const cw_observer *o, int i);
  const char *curve_label;
  bool from_zero; /* curve 1 is number 0 of what curve_label counts */
  /* A vector quantity of the group with as many entries, drawn as a line beside this one, what it is, and what
   * this one is. NULL: none. */
  const char *beside, *beside_label, *own_label;
  /* A scalar quantity of the group that is drawn as a band, its value and error, over the window of its fit or, of
   * one that is no fit, from range[0] to range[1] of band_over. NULL: none. */
  const char *band;
  void (*band_over)(const cw_observer *o, double range[2]);
  /* A level that the curve reaches, and the scalar quantity of the group that is the abscissa
   * where. NULL: none. */
  double (*level)(const cw_observer *o);
  const char *reached_at;
} cw_figure;

/* A correlator among the primaries, C(0) .. C(period - 1) from first on, and the earliest time of a window of its fits
 * (cw_fit_decay of stats.h). */
typedef struct {
  int first, period, from;
} cw_correlator;
/* Which number of such a fit, with the covariance where the data are enough for it. */
typedef enum { CW_FIT_MASS, CW_FIT_MASS_UNCORRELATED, CW_FIT_CHI2 } cw_fit_number;

/* Rows are written with designated initialisers; what a row does not name is 0, false or NULL. */
typedef struct {
  const char *name; /* result name: "chi2"; a vector quantity appears as "correlator[0]",
                       "correlator[1]", ... */
  const char *help; /* one line with the definition, for terminals: "<phi_x^2>" */
  const char *print; /* the same in print, UTF-8: "⟨φ_x²⟩"; NULL: help can be printed as it is */
  const char *units;                  /* "1" or lattice units: "a", "1/a", ... */
  int (*count)(const cw_observer *o); /* entries of a vector; NULL: a scalar */
  /* Its value (entry i) at these means of the primaries; NAN where undefined. NULL: */
  double (*value)(const cw_observer *o, const double *primary_mean, int i);
  int mean_of; /* 1 + number of the primary whose mean it is; entry i is that of the i-th after it
                */
  /* It is a number of a fit to chains of this correlator, and no function of means: a scalar without value. NULL: no. */
  cw_correlator (*correlator)(const cw_observer *o);
  cw_fit_number fit;
  /* In words, why value is NAN at these means: a static string that names the keys to change; NULL:
   * it is not, or nobody can tell. NULL member: never undefined for a known reason. */
  const char *(*why)(const cw_observer *o, const double *primary_mean, int i);
  bool headline; /* the number of a standard group that a summary quotes: one of each */
  bool fact;     /* belongs among the few numbers at the top of a page */
  bool featured; /* a scalar whose autocorrelations are worth a figure, and tau_int of each chain a
                    line */
  bool freezes;  /* a scalar that changes with the sector, which chains do seldom: methods are
                    compared by what an independent value of it costs; one of each group that tells
                    sectors apart */
  bool jumps; /* made of numbers that jump where fields change continuously, as integers do: their
                 derivatives along a vector field are 0 almost everywhere, which says nothing */
  cw_figure figure; /* of a vector */
} cw_quantity;

/* How a primary tells the sectors apart between which chains change seldom. */
typedef enum {
  CW_SECTOR_NONE,    /* it does not */
  CW_SECTOR_INTEGER, /* the integer next to it: of a topological charge */
  CW_SECTOR_SIGN     /* its sign: of a mean field */
} cw_sector_rule;
double cw_sector_of(cw_sector_rule rule, double x); /* whose primary is x */

/* What is to be said of a primary. One that shows no more than another does, as |m| beside m, has
 * no picture of its own. */
typedef struct {
  const char *name;
  bool history;          /* a picture of its history is worth while */
  cw_sector_rule sector; /* one of its distribution, too */
  bool gives_entropy;    /* it is S/V, of which the entropy (ln Z + <S>)/V is made, of continuous
                            fields that of their density, -<ln p>/V */
} cw_primary;

typedef struct {
  const char *name, *title; /* "scalar" */
  bool standard; /* measured unless the job says otherwise; else only when it asks for it */
  const cw_param *params; /* what a job may set; NULL: nothing */
  bool (*fits)(const cw_theory *th);
  int (*n_primary)(const cw_observer *o);
  void (*primary_name)(const cw_observer *o, int i, char name[32]); /* without blanks */
  /* Units of a primary; NULL: those of the quantity whose mean it is, and 1 where there is none. */
  const char *(*primary_units)(const cw_observer *o, int i);
  /* out (B, n_primary) of one block x, which is split as th->geom and not changed. Local. Callers
   * parallelise over blocks; within a block th->threads may be used, which has no effect inside a
   * parallel region. Scratch from the arena, which the caller rewinds. CW_ENOMEM; or what failed, with its message in
   * o->ctx. */
  cw_status (*measure)(const cw_observer *o, const cw_field *x, double *out, cw_arena *arena);
  const cw_quantity *quantities; /* NULL-name-terminated */
  /* The primaries of which there is something to say, NULL-name-terminated; NULL: none. Changes of
   * sector are counted by the first that tells sectors apart. */
  const cw_primary *notable;
} cw_observable_ops;

/* A group with its parameters, for one theory. */
struct cw_observer {
  const cw_observable_ops *ops;
  const cw_theory *th; /* borrowed */
  double param[CW_MAX_PARAMS];
  cw_context *ctx; /* borrowed: cw_measure sets it, for messages of measure; else NULL */
};

extern const cw_observable_ops
    *const cw_observables[]; /* NULL-terminated; from observe/observables.def */
const cw_observable_ops *cw_observable_find(const char *name); /* NULL: no such group */
/* The standard group that fits a theory; NULL: none. */
const cw_observable_ops *cw_observable_for(const cw_theory *th);

/* params: in the order of ops->params; NULL: presets. */
cw_observer cw_observer_make(const cw_observable_ops *ops, const cw_theory *th,
                             const double *params);
/* Entry i of a quantity (0 of a scalar) at these means of the primaries of its group; NAN where it
 * is undefined or a fit. */
double cw_quantity_value(const cw_observer *o, const cw_quantity *q, const double *primary_mean,
                         int i);
/* The quantity of that name of a group; NULL: it has none. */
const cw_quantity *cw_quantity_find(const cw_observable_ops *ops, const char *name);
/* What is to be said of the primary of that name; NULL: nothing. */
const cw_primary *cw_primary_find(const cw_observable_ops *ops, const char *name);
/* The notable primary that is the action per site, of which an entropy is made; NULL: there is none. */
const cw_primary *cw_entropy_primary(const cw_observable_ops *ops);
/* Units of primary i, static: "1", "1/a^4". */
const char *cw_primary_units(const cw_observer *o, int i);
/* The number of the primary of that name; -1: there is none. */
int cw_primary_number(const cw_observer *o, const char *name);

/* Measures all blocks in parallel: out (n_config, n_primary). work: scratch memory, which measuring
 * again and again with the same one allocates only once; NULL: memory of its own for this call.
 * CW_ENOMEM, or what a group fails with. Local. */
cw_status cw_measure(cw_context *ctx, const cw_observer *o, const cw_field *x, double *out,
                     cw_arena *work);

#ifdef __cplusplus
}
#endif
#endif
