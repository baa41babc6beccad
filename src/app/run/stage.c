#include "app/run/stage.h"

#include "app/run/signals.h"

typedef struct {
  char name[160];
  double began; /* of the running segment */
} driver;

/* Only where there is a doubt: other stores hold no such arrays. */
static cw_status put_doubt(cw_case *c, cw_arrays *set) {
  CW_TRY(cw_arrays_put_scalar(c->ctx, set, "start.off_group", c->doubt.off_group));
  CW_TRY(cw_arrays_put_scalar(c->ctx, set, "start.ignored", (double)c->doubt.ignored));
  c->doubt = (cw_start_doubt){.any = false};
  return CW_OK;
}

static cw_status checkpoint(cw_case *c, cw_stage *s, driver *d, long done) {
  cw_arrays set = {0};
  CW_TRY(cw_store_release(c->store, d->name));
  cw_status st = s->save(s, c, &set);
  double now = cw_wall_seconds();
  if (st == CW_OK) st = cw_arrays_put_scalar(c->ctx, &set, "state.step", (double)done);
  if (st == CW_OK) st = cw_arrays_put_scalar(c->ctx, &set, "timing.seconds", now - d->began);
  if (st == CW_OK && c->doubt.any) st = put_doubt(c, &set);
  st = cw_agree(c->ctx, st);
  if (st == CW_OK) st = cw_store_append(c->store, d->name, &set);
  cw_arrays_clear(&set);
  d->began = now;
  return st;
}

static cw_status resume(cw_case *c, cw_stage *s, const driver *d, long *step) {
  *step = 0;
  if (cw_store_segments(c->store, d->name) == 0) return CW_OK;
  cw_arrays last = {0};
  cw_status st = cw_store_read_but(c->store, d->name, -1, cw_holds_field, &last);
  if (st == CW_OK) {
    s->done = (long)cw_arrays_scalar(&last, "state.step", 0);
    st = s->load(s, c, &last);
    *step = s->done;
  }
  cw_arrays_clear(&last);
  return st;
}

/* Rank 0 looks at its clock and its signals; all ranks do as it says. */
enum { GO_ON, WRITE, WRITE_AND_STOP };
static int what_now(cw_case *c, const driver *d) {
  int word = GO_ON;
  if (cw_wall_seconds() - d->began > c->plan->checkpoint) word = WRITE;
  if (cw_stop_wanted()) word = WRITE_AND_STOP;
  cw_broadcast(c->ctx, &word, sizeof word);
  return word;
}

bool cw_goes_on(void *of) {
  const cw_case *c = of;
  int word = cw_stop_wanted() ? WRITE_AND_STOP : GO_ON;
  cw_broadcast(c->ctx, &word, sizeof word);
  return word == GO_ON;
}

static cw_status stop(cw_case *c, const cw_stage *s, const driver *d, long done) {
  return cw_fail(c->ctx, CW_EINTERRUPTED,
                 "stopped in stage '%s' after step %ld of %ld; causeway resume %s goes on", d->name,
                 done, s->n_steps, cw_store_run(c->store));
}

static cw_status drive(cw_case *c, cw_stage *s, driver *d, long from) {
  char note[96] = "";
  for (long step = from; step < s->n_steps; step++) {
    CW_TRY(cw_agree(c->ctx, s->step(s, c, step)));
    if (s->left) {
      CW_TRY(checkpoint(c, s, d, step));
      return stop(c, s, d, step);
    }
    if (s->note) s->note(s, note, sizeof note);
    cw_progress_update(c->ctx, (double)(step + 1), "%s", note);
    bool last = step + 1 == s->n_steps;
    int word = what_now(c, d);
    if (last || s->every_step || word != GO_ON) {
      CW_TRY(checkpoint(c, s, d, step + 1));
      if (word == WRITE && !cw_goes_on(c)) word = WRITE_AND_STOP; /* it came meanwhile */
    }
    if (word == WRITE_AND_STOP && !last) return stop(c, s, d, step + 1);
  }
  return CW_OK;
}

cw_status cw_stage_run(cw_case *c, cw_stage *s) {
  driver d = {.began = cw_wall_seconds()};
  long from;
  cw_stage_name(c->plan, s->name, d.name);
  CW_TRY(cw_agree(c->ctx, resume(c, s, &d, &from)));
  if (from >= s->n_steps) return CW_OK;
  cw_progress_begin(c->ctx, d.name, (double)from, (double)s->n_steps);
  cw_status st = drive(c, s, &d, from);
  cw_progress_end(c->ctx);
  return st;
}
