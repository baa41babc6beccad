#include "train/schedule.h"

#include <math.h>

double cw_rate_at(const cw_train_options *o, long step, const cw_plateau *p) {
  double s = (double)step,
         rise = o->warmup > 0 && s < (double)o->warmup ? (s + 1) / (double)o->warmup : 1;
  double length = (double)(o->steps > o->warmup ? o->steps - o->warmup : 1),
         x = (s - (double)o->warmup) / length;
  if (x < 0) x = 0;
  if (x > 1) x = 1;
  switch (o->schedule) {
  case CW_SCHEDULE_CONSTANT:
    break;
  case CW_SCHEDULE_COSINE:
    return o->rate * rise * (o->rate_end + (1 - o->rate_end) * 0.5 * (1 + cos(M_PI * x)));
  case CW_SCHEDULE_PLATEAU:
    return o->rate * rise * fmax(p->rate, o->rate_end);
  }
  return o->rate * rise;
}

void cw_plateau_watch(const cw_train_options *opt, long step, double loss, cw_plateau *p) {
  p->smooth = isnan(p->smooth) ? loss : 0.98 * p->smooth + 0.02 * loss;
  if (p->smooth < p->best) {
    p->best = p->smooth;
    p->since = (double)step;
  } else if ((double)step - p->since > opt->patience) {
    p->rate *= 0.5;
    p->since = (double)step;
  }
}
