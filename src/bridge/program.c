#include "bridge/program.h"

static const char *const kinds[CW_MOVE_KINDS] = {"transport", "retarget",  "resample", "mutate",
                                                 "exchange",  "translate", "repeat"};

int cw_program_count(const cw_program *program, cw_move_kind kind) {
  int n = 0;
  for (int i = 0; i < program->n; i++) n += program->move[i].kind == kind;
  return n;
}

long cw_program_steps(const cw_program *program) {
  long n = 0;
  for (int i = 0; i < program->n; i++)
    if (program->move[i].kind == CW_MOVE_MUTATE) n += program->move[i].steps;
  return n;
}

static cw_status check_move(cw_context *ctx, const cw_move *m, const cw_runner *runner,
                            int n_levels) {
  const char *who = runner->name;
  if (m->kind < 0 || m->kind >= CW_MOVE_KINDS || runner->work[m->kind] == NULL)
    return cw_fail(ctx, CW_EINVAL, "%s: it has no move '%s'", who,
                   m->kind >= 0 && m->kind < CW_MOVE_KINDS ? kinds[m->kind] : "?");
  if (m->kind == CW_MOVE_RETARGET && !(m->t >= 0 && m->t <= 1))
    return cw_fail(ctx, CW_EINVAL, "%s: retarget to %g: expected 0 to 1", who, m->t);
  if (m->kind == CW_MOVE_MUTATE && (m->steps < 0 || m->level < -1 || m->level >= n_levels))
    return cw_fail(ctx, CW_EINVAL, "%s: %ld steps on level %d of %d", who, m->steps, m->level,
                   n_levels);
  if (m->kind == CW_MOVE_RESAMPLE && !(m->threshold >= 0 && m->threshold <= 1))
    return cw_fail(ctx, CW_EINVAL, "%s: resampling threshold %g: expected 0 to 1", who,
                   m->threshold);
  return CW_OK;
}

cw_status cw_program_check(cw_context *ctx, const cw_program *program, const cw_runner *runner,
                           int n_levels) {
  double t = 1;
  for (int i = 0; i < program->n; i++) {
    CW_TRY(check_move(ctx, &program->move[i], runner, n_levels));
    if (program->move[i].kind == CW_MOVE_RETARGET) t = program->move[i].t;
  }
  return t == 1 ? CW_OK
                : cw_fail(ctx, CW_EINVAL, "%s: it ends at %g: expected 1, the next rung",
                          runner->name, t);
}

/* Where move i begins: at the last retarget before it. */
static double position_before(const cw_program *p, int i) {
  while (--i >= 0)
    if (p->move[i].kind == CW_MOVE_RETARGET) return p->move[i].t;
  return 0;
}

cw_status cw_program_run(const cw_program *program, const cw_runner *runner, void *self,
                         bool back) {
  for (int k = 0; k < program->n; k++) {
    const int i = back ? program->n - 1 - k : k;
    cw_move m = program->move[i];
    if (back) m.t = position_before(program, i);
    CW_TRY(runner->work[m.kind](self, &m, back));
  }
  return CW_OK;
}
