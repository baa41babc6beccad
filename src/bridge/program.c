/* Programs: how configurations travel from a rung to the next, and back. A program run forwards has
 * a kernel F(x -> y) and, run backwards, R(y -> x); what each of its moves adds to the log-weight
 * makes up ln [p_to(y) R(y -> x)] / [p_from(x) F(x -> y)] (Jarzynski, cond-mat/9610209; Crooks, PRE
 * 60 (1999) 2721), so that swaps through it are exact (Ballard and Jarzynski, PNAS 106 (2009)
 * 12224; with maps arXiv:2210.14104). */
#include "bridge/program.h"

#include <math.h>
#include <string.h>

long cw_program_steps(const cw_program *program) {
  long n = 0;
  for (int i = 0; i < program->n; i++)
    if (program->move[i].kind == CW_MOVE_MUTATE) n += program->move[i].steps;
  return n;
}

static cw_status check_move(cw_context *ctx, const cw_move *m, const cw_sampler_ops *sampler,
                            bool has_map, int n_levels) {
  switch (m->kind) {
  case CW_MOVE_TRANSPORT:
    return has_map ? CW_OK : cw_fail(ctx, CW_EINVAL, "way: a transport needs a map");
  case CW_MOVE_RETARGET:
    return m->t >= 0 && m->t <= 1
               ? CW_OK
               : cw_fail(ctx, CW_EINVAL, "way: retarget to %g: expected 0 to 1", m->t);
  case CW_MOVE_MUTATE:
    if (m->steps < 0 || m->level < -1 || m->level >= n_levels)
      return cw_fail(ctx, CW_EINVAL, "way: %ld steps on level %d of %d", m->steps, m->level,
                     n_levels);
    if (m->level >= 0 && sampler->restrict_to == NULL)
      return cw_fail(ctx, CW_EINVAL, "way: sampler '%s' cannot be restricted to a set of links",
                     sampler->name);
    if (sampler->step_back == NULL)
      return cw_fail(ctx, CW_EINVAL,
                     "way: the steps of sampler '%s' cannot be run backwards, as a way back needs",
                     sampler->name);
  }
  return CW_OK;
}

cw_status cw_program_check(cw_context *ctx, const cw_program *program,
                           const cw_sampler_ops *sampler, bool has_map, int n_levels) {
  double t = 0;
  for (int i = 0; i < program->n; i++) {
    CW_TRY(check_move(ctx, &program->move[i], sampler, has_map, n_levels));
    if (program->move[i].kind == CW_MOVE_RETARGET) t = program->move[i].t;
  }
  return t == 1 ? CW_OK
                : cw_fail(ctx, CW_EINVAL, "way: it ends at %g: expected 1, the next rung", t);
}

void cw_ladder_find_terms(const cw_ladder *ladder, cw_context *ctx, unsigned set, const cw_field *x,
                          double *T) {
  const int n_terms = ladder->th->ops->n_terms;
#pragma omp parallel for num_threads(cw_threads(ctx)) schedule(static) if (x->n_blocks > 1)
  for (long b = 0; b < x->n_blocks; b++) {
    cw_field block = cw_field_block(x, b);
    cw_ladder_terms(ladder, set, &block, T + b * x->B * n_terms);
  }
}

/* -------------------------------------------------------------------- moves */

static void know(cw_passage *at, unsigned set) {
  if ((set & ~at->known) == 0) return;
  cw_ladder_find_terms(at->ladder, at->ctx, set, at->x, at->T);
  at->known = set;
}

/* lw += sign * S(x; c) */
static void add_action(cw_passage *at, const double *c, double sign) {
  const size_t n_terms = (size_t)at->ladder->th->ops->n_terms;
  know(at, (1u << n_terms) - 1);
  for (long i = 0; i < at->x->n_config; i++)
    at->lw[i] += sign * cw_dot(c, at->T + (size_t)i * n_terms, n_terms);
}

static cw_status transport(cw_passage *at, const double *c, bool back) {
  add_action(at, c, 1);
  CW_TRY(at->map->apply(at->map, at->ctx, at->x, at->work, back));
  at->known = 0;
  for (long i = 0; i < at->x->n_config; i++) at->lw[i] += at->work[i];
  add_action(at, c, -1);
  return CW_OK;
}

/* lw -= (to - c).T(x), of those terms whose couplings change. */
static void retarget(cw_passage *at, double *c, const double *to) {
  const int n_terms = at->ladder->th->ops->n_terms;
  unsigned set = 0;
  for (int k = 0; k < n_terms; k++) set |= c[k] != to[k] ? 1u << k : 0;
  know(at, set);
  for (long i = 0; i < at->x->n_config && set != 0; i++)
    for (int k = 0; k < n_terms; k++)
      if (set & 1u << k) at->lw[i] -= (to[k] - c[k]) * at->T[i * n_terms + k];
  memcpy(c, to, (size_t)n_terms * sizeof *c);
}

static cw_status mutate(cw_passage *at, const double *c, const cw_move *m, bool back) {
  cw_sampler *s = m->level >= 0 ? at->level[m->level] : at->everywhere;
  for (long t = 0; t < m->steps; t++)
    CW_TRY((back ? s->ops->step_back : s->ops->step)(s, c, at->x, at->rng, at->step++, NULL));
  if (m->steps > 0) at->known = 0;
  return CW_OK;
}

/* ---------------------------------------------------------------------- run */

/* Couplings so far between the parameters of the pair's rungs. */
static void couplings_at(const cw_ladder *ladder, int pair, double t, double *c) {
  const cw_theory *th = ladder->th;
  double p[CW_MAX_PARAMS];
  if (t == 0 || t == 1) {
    memcpy(c, ladder->c[t == 0 ? pair : pair + 1], sizeof ladder->c[0]);
    return;
  }
  for (int k = 0; k < CW_MAX_PARAMS; k++)
    p[k] = ladder->param[pair][k] + t * (ladder->param[pair + 1][k] - ladder->param[pair][k]);
  th->ops->couplings(th->form, &th->geom->lat, p, c);
}

/* Where move i begins: at the last retarget before it. */
static double position_before(const cw_program *p, int i) {
  while (--i >= 0)
    if (p->move[i].kind == CW_MOVE_RETARGET) return p->move[i].t;
  return 0;
}

cw_status cw_program_run(const cw_program *program, cw_passage *at, bool back) {
  double c[CW_MAX_TERMS], to[CW_MAX_TERMS];
  couplings_at(at->ladder, at->pair, back ? 1 : 0, c);
  for (int k = 0; k < program->n; k++) {
    const int i = back ? program->n - 1 - k : k;
    const cw_move *m = &program->move[i];
    switch (m->kind) {
    case CW_MOVE_TRANSPORT:
      CW_TRY(transport(at, c, back));
      break;
    case CW_MOVE_RETARGET:
      couplings_at(at->ladder, at->pair, back ? position_before(program, i) : m->t, to);
      retarget(at, c, to);
      break;
    case CW_MOVE_MUTATE:
      CW_TRY(mutate(at, c, m, back));
    }
  }
  return CW_OK;
}
