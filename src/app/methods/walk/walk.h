/* What the files of this method share: walks of a population along the ladder. */
#ifndef CW_APP_WALK_H
#define CW_APP_WALK_H

#include "app/plan/plan.h"

enum { CW_WALK_MOVES = 16 }; /* at most */

/* Flows between the rungs, one per pair, of the same layers each. */
typedef struct {
  cw_model_spec model;    /* its prior is not used */
  cw_train_options train; /* batch: particles of the walks that train; steps: such walks */
  long every;             /* sampler steps on rung 0 from one of them to the next */
  bool trained;           /* false: a layer has no derivatives, and they stay as they are */
  cw_start_from start;
} cw_flow_plan;

typedef struct {
  const char *name;  /* of the section */
  cw_mcmc_plan mcmc; /* chains: particles; steps: walks; every: sampler steps on rung 0 from walk to
                        walk */
  int n_moves;       /* of its program */
  cw_move move[CW_WALK_MOVES];
  long tuning;
  bool reverse;  /* walks back from the last rung to the first as well */
  bool pimh;     /* a Markov chain of walks */
  bool has_flow; /* of its own, which it trains */
  cw_flow_plan flow;
  const cw_section *fitted; /* whose flows it goes by instead; NULL: none */
} cw_walk_plan;

cw_section_kind cw_walk_kind(int i);
cw_status cw_read_walk(cw_node *root, cw_node *map, const cw_plan *p, cw_section *s);
/* The program of a walk, of which that borrows the moves. */
cw_program cw_walk_program(const cw_walk_plan *walk);
/* Name of the stage that trains its flows: "craft.train". */
void cw_flow_stage_name(const cw_walk_plan *walk, char name[64]);
/* Are works of single particles kept? Only without resampling is a weight that of one particle's own way. */
bool cw_walk_keeps_works(const cw_walk_plan *walk);
cw_status cw_run_walk(cw_case *c, const cw_section *s);
cw_status cw_fill_walk(cw_context *ctx, const cw_analysis_case *c, cw_analysis_stage *s,
                       const cw_arrays *data);
cw_status cw_warn_walk(cw_context *ctx, cw_analysis_case *c, const cw_analysis_stage *s);
cw_status cw_draw_walk(const cw_case_page *to, const cw_analysis_stage *s);

#endif
