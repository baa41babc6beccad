/* Inside of replica exchange: what its files and its tests share. */
#ifndef CW_BRIDGE_REX_H
#define CW_BRIDGE_REX_H

#include "bridge/footprint.h"
#include "bridge/tuned.h"
#include "bridge/way.h"

/* What a rank has: rungs [begin, end), and of each chains [first, first + n). */
typedef struct {
  int begin, end;
  long first, n;
} cw_rex_part;

/* A rung of this rank. Arrays of lanes are (n_blocks*B). */
typedef struct {
  cw_field x;                       /* the replicas that are here now */
  double *T;                        /* lanes * n_terms: terms of x */
  unsigned known;                   /* of them */
  cw_field spare;                   /* with maps or ways: of those that go (footprint) */
  double *T_old;                    /* terms of x before it went */
  double *row;                      /* lanes: one number per chain, to be gathered */
  double *work;                     /* lanes * CW_CARRY_WORK: scratch */
  cw_sampler *sampler;              /* of a full step */
  cw_sampler *level[CW_MAX_LEVELS]; /* restricted to the links of a level */
  cw_way_samplers way;
  double on_way[CW_MOVE_KINDS]; /* seconds of the moves of the present pass */
  double proposing;             /* seconds of all that the rung did in it */
} cw_rex_rung;

struct cw_rex {
  cw_context *ctx;         /* borrowed */
  const cw_ladder *ladder; /* borrowed */
  cw_rex_options options;
  cw_move move[3 + 4 * CW_MAX_LEVELS]; /* of the programs of a step and of its levels */
  cw_program program[1 + CW_MAX_LEVELS];
  cw_rex_part mine;
  bool by_rungs;          /* neighbours may be on other ranks */
  bool carries;           /* configurations change on their way */
  cw_footprint footprint; /* of those that do */
  cw_tuned tuned;         /* samplers of this rank's rungs; with ways, of all */
  bool wide;              /* a single rung is work for all threads */
  unsigned wanted;        /* terms that swaps need */
  uint64_t sweeps;        /* of swaps in a step */
  cw_rex_rung *rung;      /* (n), of which those of this rank are in use */
  cw_field moved;         /* translation's destination, where this rank has the periodic rung */
  double *local;          /* (rungs, chains) of this rank */
  double *received;       /* all ranks' */
  double *log_weight;     /* (n, chains) */
  bool *accepted;         /* (n-1, chains) of the present pass */
  double *send, *recv;    /* (2*chains, row_width) across ranks */
  int *to;                /* (2*chains) */
  long row_width;         /* a configuration and its terms */
  int *label;             /* (chains, n) */
  cw_rex_swaps swaps;
  cw_rex_seconds spent;
  cw_arena *arena; /* of all arrays */
};

/* Probability that neighbours a and b swap. log_weight: ln [p_b(y) J / p_a(x)] of the configuration
 * x of a that would be y on b's rung, y = x or y = f(x) with J = |det f'|, and likewise for b. With
 *   p = min[1, p_a(f^-1(x_b)) p_b(f(x_a)) / (p_a(x_a) p_b(x_b)) J_f(x_a) J_{f^-1}(x_b)]
 * (arXiv:2210.14104, 2404.11674). 0 where that is not a number. */
static inline double cw_swap_probability(double log_weight_a, double log_weight_b) {
  return cw_acceptance(log_weight_a + log_weight_b);
}

/* Does work for every rung of this rank, shared out over threads: rungs side by side, or all
 * threads in one rung after the other where that leaves none idle. Returns CW_OK, or the status of a
 * rung that failed, on all ranks. Collective. */
typedef cw_status cw_rex_work(cw_rex *rex, int rung, const void *arg);
cw_status cw_rex_for_rungs(cw_rex *rex, cw_rex_work *work, const void *arg);

/* The program of swaps of rungs pair and pair + 1 where configurations change on their way. */
const cw_program *cw_rex_way(const cw_rex *rex, int pair);

/* The row of every rung of every rank: all (n, chains). Collective. */
void cw_rex_gather(cw_rex *rex, double *all);

/* The sweep of swaps with index `index` of a step. Collective. */
cw_status cw_rex_exchange(cw_rex *rex, uint32_t step, uint32_t index);
/* The translation after that sweep. */
void cw_rex_translate(cw_rex *rex, uint32_t step, uint32_t index);

#endif
