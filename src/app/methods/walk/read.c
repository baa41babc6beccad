/* Sections `ais`, `smc`, `snf`, `craft` and `walk`. */
#include <string.h>

#include "app/methods/walk/walk.h"

static const char *const scheme_words[] = {"systematic", "multinomial", NULL};
/* In the order of cw_move_kind. */
static const char *const move_words[] = {"transport", "retarget", "resample", "mutate", NULL};

/* A section, and its program; `walk` has that in its key `moves`. */
static const struct {
  cw_section_kind kind;
  int n;
  cw_move_kind move[CW_WALK_MOVES];
} programs[] = {
    {{"ais", "AIS", "annealed importance sampling", CW_GOLD},
     2,
     {CW_MOVE_RETARGET, CW_MOVE_MUTATE}},
    {{"smc", "SMC", "sequential Monte Carlo: AIS with resampling", CW_LIME},
     3,
     {CW_MOVE_RETARGET, CW_MOVE_RESAMPLE, CW_MOVE_MUTATE}},
    {{"snf", "SNF", "stochastic normalizing flow: AIS with flows between rungs", CW_VIOLET},
     3,
     {CW_MOVE_TRANSPORT, CW_MOVE_RETARGET, CW_MOVE_MUTATE}},
    {{"craft", "CRAFT", "SNF with resampling", CW_CYAN},
     4,
     {CW_MOVE_TRANSPORT, CW_MOVE_RETARGET, CW_MOVE_RESAMPLE, CW_MOVE_MUTATE}},
    {{"walk", "Walk", "a walk with a program of its own", CW_MAROON}, 0, {0}}};
enum { N_PROGRAMS = sizeof programs / sizeof *programs };

cw_section_kind cw_walk_kind(int i) {
  return i < N_PROGRAMS ? programs[i].kind : (cw_section_kind){.name = NULL};
}

cw_program cw_walk_program(const cw_walk_plan *w) { return (cw_program){w->n_moves, w->move}; }

static int count(const cw_walk_plan *w, cw_move_kind kind) {
  const cw_program program = cw_walk_program(w);
  return cw_program_count(&program, kind);
}

static void set_kinds(cw_walk_plan *w, int n, const cw_move_kind *kind) {
  w->n_moves = n;
  for (int i = 0; i < n; i++) w->move[i] = (cw_move){.kind = kind[i], .t = 1, .level = -1};
}

static cw_status read_moves(cw_node *map, cw_walk_plan *w) {
  if (cw_job_has(map, "stages"))
    return cw_job_fail(map, "stages", "a walk is made of moves: this key is called 'moves'");
  int move[CW_WALK_MOVES], n;
  cw_move_kind kind[CW_WALK_MOVES];
  CW_TRY(cw_job_choices(map, "moves", "move", move_words, CW_WALK_MOVES, move, &n));
  for (int i = 0; i < n; i++) kind[i] = (cw_move_kind)move[i];
  set_kinds(w, n, kind);
  if (count(w, CW_MOVE_RETARGET) != 1)
    return cw_job_fail(map, "moves", "expected one 'retarget', found %d",
                       count(w, CW_MOVE_RETARGET));
  if (count(w, CW_MOVE_TRANSPORT) > 1)
    return cw_job_fail(map, "moves", "expected at most one 'transport'");
  for (int i = 0; kind[i] != CW_MOVE_RETARGET; i++)
    if (kind[i] == CW_MOVE_TRANSPORT) return CW_OK;
  if (count(w, CW_MOVE_TRANSPORT) == 0) return CW_OK;
  return cw_job_fail(map, "moves", "a 'transport' carries to the next rung before 'retarget'");
}

static cw_status read_resampling(cw_node *map, cw_walk_plan *w) {
  int scheme = 0;
  double threshold;
  CW_TRY(cw_job_double(map, "threshold", 0.3, 0, 1, &threshold));
  CW_TRY(cw_job_choice(map, "resampling", "scheme", scheme_words, 0, &scheme));
  for (int i = 0; i < w->n_moves; i++) {
    w->move[i].threshold = threshold;
    w->move[i].scheme = (cw_resampling)scheme;
  }
  return CW_OK;
}

static cw_status read_mutations(cw_node *map, cw_walk_plan *w) {
  long mutations;
  CW_TRY(cw_job_long(map, "mutations", 1, 0, 1000000, &mutations));
  for (int i = 0; i < w->n_moves; i++) w->move[i].steps = mutations;
  return CW_OK;
}

/* Walks, of the population and of those that train, have 2^32 numbers for the sampler steps in
 * them. */
static cw_status check_steps(const cw_node *map, const cw_plan *p, const cw_walk_plan *w) {
  const cw_mcmc_plan *m = &w->mcmc;
  const double most = UINT32_MAX, rungs = p->ladder.n;
  const cw_program program = cw_walk_program(w);
  double per_rung = (double)cw_program_steps(&program) + w->n_moves;
  double on_first = (double)m->steps * (double)m->every + (double)m->thermalise;
  if (on_first > most || ((double)m->steps + 1) * rungs * per_rung > most)
    return cw_job_fail(map, "walks", "more than 2^32 sampler steps");
  if (!w->has_flow) return CW_OK;
  double training = (double)w->flow.train.steps;
  if (training * (double)w->flow.every + (double)m->thermalise > most ||
      (training + 1) * rungs * per_rung > most)
    return cw_job_fail(map, "train", "more than 2^32 sampler steps");
  return CW_OK;
}

/* Layers that have products; else what trains them makes no sense. */
static cw_status find_trained(cw_node *map, cw_flow_plan *f) {
  f->trained = true;
  for (int i = 0; i < f->model.n_layers; i++) {
    const char *name = f->model.layer[i].kind;
    if (cw_layer_find(name)->ops->forward_vjp != NULL) continue;
    if (cw_job_has(map, "train"))
      return cw_job_fail(map, "train", "layer '%s' has no derivatives to train flows by", name);
    f->trained = false;
  }
  return CW_OK;
}

static cw_status read_flow(cw_node *map, const cw_plan *p, cw_flow_plan *f) {
  cw_node *train;
  cw_train_options *t = &f->train;
  CW_TRY(cw_read_flow(map, p, &f->model, &f->start));
  CW_TRY(find_trained(map, f));
  if (!f->trained) return CW_OK;
  CW_TRY(cw_job_map(map, "train", CW_JOB_PRESET, &train));
  t->loss = CW_LOSS_TRANSITION;
  CW_TRY(cw_job_long(train, "steps", 100, 0, 1000000000, &t->steps));
  CW_TRY(cw_job_long(train, "batch", 512, 2, 1L << 24, &t->batch));
  CW_TRY(cw_job_long(train, "every", 10, 1, 1000000, &f->every));
  return cw_read_descent(train, CW_GRADIENT_PATH, 10, t);
}

/* Flows of its own, or by name those of an earlier section. */
static cw_status read_which_flow(cw_node *map, const cw_plan *p, cw_walk_plan *w) {
  if (!cw_job_is_word(map, "flow")) {
    w->has_flow = true;
    return read_flow(map, p, &w->flow);
  }
  CW_TRY(cw_read_flow_section(map, p, &w->fitted));
  if (w->fitted == NULL)
    return cw_job_fail(map, "flow", "expected layers, or a section with flows between rungs");
  return CW_OK;
}

static void set_program(cw_walk_plan *w) {
  int i = 0;
  while (strcmp(programs[i].kind.name, w->name) != 0) i++;
  set_kinds(w, programs[i].n, programs[i].move);
}

cw_status cw_read_walk(cw_node *root, cw_node *map, const cw_plan *p, cw_section *s) {
  cw_walk_plan *w = s->own;
  cw_mcmc_plan *m = &w->mcmc;
  (void)root;
  w->name = s->kind.name;
  set_program(w);
  if (w->n_moves == 0) CW_TRY(read_moves(map, w));
  CW_TRY(cw_read_which_sampler(map, m));
  CW_TRY(cw_job_long(map, "particles", 1024, 1, 1L << 30, &m->chains));
  CW_TRY(cw_job_long(map, "walks", 16, 2, 1000000, &m->steps));
  CW_TRY(cw_job_long(map, "thermalise", 500, 0, 100000000, &m->thermalise));
  CW_TRY(cw_job_long(map, "every", 10, 1, 1000000, &m->every));
  CW_TRY(read_mutations(map, w));
  CW_TRY(cw_job_long(map, "tuning", 20, 0, 1000000, &w->tuning));
  CW_TRY(cw_job_bool(map, "reverse", 0, &w->reverse));
  CW_TRY(cw_job_bool(map, "pimh", 0, &w->pimh));
  if (count(w, CW_MOVE_RESAMPLE) > 0) CW_TRY(read_resampling(map, w));
  CW_TRY(cw_read_sampler(map, p, m));
  if (count(w, CW_MOVE_TRANSPORT) > 0) CW_TRY(read_which_flow(map, p, w));
  return check_steps(map, p, w);
}
