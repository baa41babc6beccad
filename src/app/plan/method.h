/* A method: one way of getting numbers out of a job. Its folder src/app/methods/NAME/ reads the
 * sections that are its own, runs them, turns what they stored into results, and draws those; its
 * row below is all that the rest of the program knows of it. methods.def lists the rows.
 *
 *   job    -> read   -> the section's own plan
 *   plan   -> run    -> stages in the store
 *   plan   -> parts  -> which stages there are, and what may be asked of them
 *   store  -> fill   -> results and curves   (then warn and conclude)
 *   results -> draw  -> figures of the report
 *
 * docs/adding.md shows how to add one. */
#ifndef CW_APP_METHOD_H
#define CW_APP_METHOD_H

#include "causeway/report.h"
#include "causeway/store.h"

/* Of the rooms above, whose headers the files of a method include as they need them. */
typedef struct cw_node cw_node;
typedef struct cw_case cw_case;
typedef struct cw_analysis_case cw_analysis_case;
typedef struct cw_analysis_stage cw_analysis_stage;
typedef struct cw_case_page cw_case_page;
/* Of this room: plan.h. */
typedef struct cw_plan cw_plan;
typedef struct cw_mcmc_plan cw_mcmc_plan;
typedef struct cw_section cw_section;
typedef struct cw_training cw_training;

/* Colours by what is drawn, the same on the whole page: a section that measures has one of its own. Grey is what
 * others are compared with. */
enum {
  CW_BLUE,
  CW_ORANGE,
  CW_GREEN,
  CW_PURPLE,
  CW_RED,
  CW_TEAL,
  CW_GREY,
  CW_BROWN,
  CW_PINK,
  CW_GOLD,
  CW_LIME,
  CW_VIOLET,
  CW_CYAN,
  CW_MAROON,
  CW_AQUA,
  CW_OLIVE,
  CW_SLATE
};

/* A section that a job may have. */
typedef struct {
  const char *name;  /* its key: "hmc", "nis"; NULL: the method has no more sections */
  const char *label; /* for people: "HMC", "NIS" */
  const char *title; /* one line for `causeway list methods` */
  int colour;
} cw_section_kind;

/* A stage that a section leaves in the store, or a part of one that is shown by itself. */
typedef struct {
  char name[64];     /* prefix of its results: "rex", "rex.rung0", "craft.train" */
  char label[64];    /* for people: "Replica exchange, rung 0" */
  char stage[64];    /* the store's name, within its case: "rex" */
  char training[64]; /* the stage whose training its results cost as well; "": none */
  const char *unit;  /* of its steps: "steps", "samples", "walks" */
  long wanted;       /* steps that the job asks for */
  long discarded;    /* steps of thermalisation of its chains before them; 0: none */
  long every;        /* of its chains: steps from one measurement to the next; 0: of no sampler */
  unsigned is;       /* bits of CW_IS_... */
  int rung;          /* of the ladder, on which it is; -1: on none */
  /* Of the theory that its results are of, as the plan holds them; NULL: the job's. */
  const double *param;
  int colour;
} cw_part;
enum {
  CW_IS_CHAINS = 1,    /* Markov chains: autocorrelations, R-hat, histories */
  CW_IS_MEASURED = 2,  /* results for the observables of the job's theory */
  CW_IS_REFERENCE = 4, /* exact without a model: what other methods are compared with */
  CW_IS_TRAINING = 8,
  CW_IS_INNER = 16 /* the main part of its stage says how far it is, and warns */
};
enum { CW_MAX_PARTS = 1024 + 4 }; /* of a section: a part for every rung, and some more */

/* What a method needs, and which observables it measures. */
enum {
  CW_NEEDS_MODEL = 1,
  CW_NEEDS_LADDER = 2,
  CW_KEEPS = 4,                /* configurations, which other sections take by `data` */
  CW_MEASURES_FIRST_GROUP = 8, /* at each of its steps */
  CW_MEASURES_ALL_GROUPS = 16, /* each group in its turn */
  /* The first group, of the theory at other parameters: a job may expect its results by SECTION.NAME
   * alone. */
  CW_MEASURES_ELSEWHERE = 32,
  CW_ONE_BY_ONE = 128,      /* its stages hold a single configuration at a time */
  CW_GIVES_DERIVATIVES = 64 /* of all quantities, which a job expects as d_QUANTITY */
};

/* A key that says how much a section does, of which a run may be given more: the bits that are there stay. */
typedef struct {
  const char *key; /* "steps", "train.steps"; NULL: end of the list */
  bool taken; /* what other sections take from this one is made by it: not once they have begun */
  /* Of a stage before the section's own, which takes from it: more is asked before that begins. */
  bool before;
} cw_growth;

/* What a section takes, at least. */
typedef struct {
  double held;          /* configurations in memory while it runs */
  double state;         /* configurations in a checkpoint */
  double kept;          /* configurations that stay on disk */
  double rows;          /* numbers of measurements that do */
  const char *key;      /* that says how many configurations are held: "chains"; NULL: none does */
  const cw_section *of; /* the section that has this key; NULL: the same */
} cw_takings;

/* A number beside the observables that a section gives, so that a job may expect it. */
typedef struct {
  const char *quantity;                                /* NULL: end of the list */
  bool of_case;                                        /* it stands without the section's name */
  bool (*when)(const cw_plan *p, const cw_section *s); /* NULL: always */
  const char
      *exact; /* what a theory calls it that knows its value: "free_energy"; NULL: the same */
} cw_given;

/* The chapters of the report in which a method draws. */
typedef enum {
  CW_CHAPTER_FREE_ENERGY,
  CW_CHAPTER_TRAINING,
  CW_CHAPTER_MODEL,
  CW_CHAPTER_LADDER,
  CW_CHAPTER_OWN /* one with the label of the stage for its heading */
} cw_chapter;

/* A curve that stages of the same method share one figure for. */
typedef struct {
  const char *curve; /* its name; NULL: end of the list */
  const char *title, *x, *y, *caption;
  cw_draw how;
} cw_shared_figure;

typedef struct {
  const char *name; /* of the folder */
  unsigned needs;   /* bits of CW_NEEDS_..., CW_KEEPS, CW_MEASURES_... */
  size_t plan_size; /* of what read fills */
  /* Its section with index i, in the order of running. */
  cw_section_kind (*kind)(int i);
  /* map: the section; s->own: zeroed. Sections that run earlier, the model and the ladder are
   * read. */
  cw_status (*read)(cw_node *root, cw_node *map, const cw_plan *p, cw_section *s);
  /* Runs its stages from where the store left them. Collective. */
  cw_status (*run)(cw_case *c, const cw_section *s);
  /* Returns how many parts there are, at most CW_MAX_PARTS. */
  int (*parts)(const cw_plan *p, const cw_section *s, cw_part *out);
  /* The Markov chains that it runs; NULL: there are none. */
  const cw_mcmc_plan *(*chains)(const cw_section *s);
  /* false: it trains nothing. NULL: never. */
  bool (*trains)(const cw_plan *p, const cw_section *s, cw_training *out);
  const cw_given *given;  /* NULL: observables alone */
  const cw_growth *grows; /* NULL: a section that has begun stays as it is */
  /* Into why (size): what, beside such keys, makes the bits of `was` others than the first ones of `is`;
   * false: nothing. NULL: nothing ever. */
  bool (*refuse_growth)(const cw_section *was, const cw_section *is, char *why, size_t size);
  /* Whose configurations or flows the section takes; NULL: nobody's. NULL: never any. */
  const cw_section *(*takes)(const cw_section *s);
  /* Results and curves of a part out of the arrays of its stage. */
  cw_status (*fill)(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                    const cw_arrays *data);
  /* Numbers of the case, once all stages are filled. NULL: none. */
  cw_status (*conclude)(cw_context *ctx, cw_analysis_case *c, cw_analysis_stage *s);
  /* What casts doubt on a part that is present. NULL: nothing but what all chains are asked. */
  cw_status (*warn)(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s);
  /* Corrects *t, which is that of the section's chains; none: empty. NULL: it is right. */
  void (*takings)(const cw_plan *p, const cw_section *s, cw_takings *t);
  cw_chapter chapter;
  /* Figures of a part that is present. NULL: none. */
  cw_status (*draw)(const cw_case_page *to, const cw_analysis_stage *s);
  const cw_shared_figure *figures; /* NULL: none */
} cw_method;

/* In the order of running, NULL-terminated; from methods/methods.def. */
extern const cw_method *const cw_methods[];

#endif
