/* Points of the search: out of the job, into words, and back into a job. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "app/cli/tune/tune.h"

/* ------------------------------------------------------------- out of a plan */

/* The margin of a box around the defect. */
static long margin_of(const cw_plan *plan, const cw_box *box) {
  cw_box other;
  int margin = 1, most = 1;
  for (int d = 0; d < plan->lat.dim; d++) most = (int)fmax(most, plan->lat.extent[d]);
  while (margin < most && cw_find_defect(plan, margin, &other) &&
         memcmp(&other, box, sizeof other) != 0)
    margin++;
  return margin;
}

static cw_tune_set set_of(const cw_plan *plan, const cw_level *level, long count) {
  return (cw_tune_set){.around = level->around,
                       .extent = level->around ? level->hops : margin_of(plan, &level->box),
                       .count = count};
}

/* The number of a parameter of the theory; -1: it has none of that name. */
static int param_of(const cw_plan *plan, const char *name) {
  const cw_param *table = plan->theory->params[plan->form];
  for (int k = 0; k < CW_MAX_PARAMS && table[k].name != NULL; k++)
    if (strcmp(table[k].name, name) == 0) return k;
  return -1;
}

static void name_edge(int d, char name[16]) { snprintf(name, 16, "edge_%d", d); }

static void read_defect(const cw_plan *plan, cw_tune_point *p) {
  const int factor = param_of(plan, "factor"), direction = param_of(plan, "direction");
  cw_box box;
  p->factor = NAN;
  if (!cw_find_defect(plan, 0, &box) || factor < 0 || direction < 0) return;
  if (plan->ladder.param[0][factor] != plan->param[factor])
    p->factor = plan->ladder.param[0][factor];
  for (int d = 0; d < plan->lat.dim && d < CW_TUNE_EDGES; d++) {
    char name[16];
    name_edge(d, name);
    const int k = param_of(plan, name);
    p->edge[d] = k >= 0 && d != (int)plan->param[direction] ? (int)plan->param[k] : 0;
  }
}

void cw_tune_read_point(const cw_plan *plan, const cw_rex_plan *x, cw_tune_point *p) {
  const cw_way_plan *w = &x->way;
  *p = (cw_tune_point){.steps = w->steps,
                       .power = w->power,
                       .mutations = w->mutations,
                       .n_sets = w->n_turns,
                       .n_levels = x->levels.n,
                       .n = plan->ladder.n};
  for (int l = 0; l < w->n_turns; l++) p->set[l] = set_of(plan, &w->levels.level[l], w->every[l]);
  for (int l = 0; l < x->levels.n; l++)
    p->level[l] = set_of(plan, &x->levels.level[l], x->levels.level[l].count);
  memcpy(p->t, plan->ladder.t, sizeof p->t);
  read_defect(plan, p);
}

/* ---------------------------------------------------------------- into words */

void cw_tune_say(cw_tune_text *to, const char *format, ...) {
  const size_t left = sizeof to->text - to->used;
  va_list args;
  va_start(args, format);
  const int n = vsnprintf(to->text + to->used, left, format, args);
  va_end(args);
  if (n > 0) to->used += (size_t)n < left ? (size_t)n : left - 1;
}

static void say_sets(cw_tune_text *to, const char *count, int n, const cw_tune_set *set) {
  cw_tune_say(to, "[");
  for (int l = 0; l < n; l++)
    cw_tune_say(to, "%s{%s: %ld, %s: %ld}", l > 0 ? ", " : "", set[l].around ? "hops" : "margin",
                set[l].extent, count, set[l].count);
  cw_tune_say(to, "]");
}

static void say_way(cw_tune_text *to, const cw_tune_point *p) {
  char power[CW_DOUBLE_TEXT];
  cw_format_double(p->power, power);
  cw_tune_say(to, "{steps: %ld, power: %s, mutations: %ld", p->steps, power, p->mutations);
  if (p->n_sets > 0) cw_tune_say(to, ", levels: "), say_sets(to, "every", p->n_sets, p->set);
  cw_tune_say(to, "}");
}

static void say_positions(cw_tune_text *to, const cw_tune_point *p) {
  cw_tune_say(to, "[");
  for (int k = 0; k < p->n; k++) cw_tune_say(to, "%s%.5g", k > 0 ? ", " : "", p->t[k]);
  cw_tune_say(to, "]");
}

static void say_edges(cw_tune_text *to, const cw_tune_point *p) {
  const char *between = "";
  for (int d = 0; d < CW_TUNE_EDGES; d++) {
    if (p->edge[d] == 0) continue;
    cw_tune_say(to, "%sedge_%d: %d", between, d, p->edge[d]);
    between = ", ";
  }
}

void cw_tune_describe(const cw_tune_job *j, const cw_tune_point *p, cw_tune_text *to) {
  if (j->aim == CW_TUNE_TUNNELLING) {
    char factor[CW_DOUBLE_TEXT];
    cw_format_double(p->factor, factor);
    say_edges(to, p);
    cw_tune_say(to, ", factor: %s", factor);
    if (p->n_levels > 0) {
      cw_tune_say(to, ", levels: ");
      say_sets(to, "sweeps", p->n_levels, p->level);
    }
    if (p->steps > 0 && p->steps != j->start.steps) cw_tune_say(to, ", steps: %ld", p->steps);
  } else if (p->steps > 0) {
    say_way(to, p);
  }
  if (p->n > 2 || j->start.n > 2) cw_tune_say(to, ", rungs: "), say_positions(to, p);
}

static void print_section(const cw_tune_job *j, const cw_tune_point *p) {
  cw_tune_text way = {.used = 0}, levels = {.used = 0};
  if (p->steps > 0) say_way(&way, p);
  if (j->aim == CW_TUNE_TUNNELLING && p->n_levels > 0)
    say_sets(&levels, "sweeps", p->n_levels, p->level);
  if (way.used == 0 && levels.used == 0) return;
  printf("%s: {", j->section);
  if (levels.used > 0) printf("levels: %s%s", levels.text, way.used > 0 ? ", " : "");
  if (way.used > 0) printf("way: %s", way.text);
  printf("}\n");
}

void cw_tune_print_lines(const cw_tune_job *j, const cw_tune_point *p) {
  cw_tune_text text = {.used = 0};
  char factor[CW_DOUBLE_TEXT];
  if (j->aim == CW_TUNE_TUNNELLING) {
    say_edges(&text, p);
    cw_format_double(p->factor, factor);
    printf("theory: {%s}\nladder: {from: {factor: %s}, positions: ", text.text, factor);
  } else {
    printf("ladder: {positions: ");
  }
  text = (cw_tune_text){.used = 0};
  say_positions(&text, p);
  printf("%s}\n", text.text);
  if (j->aim != CW_TUNE_RUNGS) print_section(j, p);
}

/* ---------------------------------------------------------------- into a job */

/* path, of the section or of the job, is what `now` says, if that is not what the job says itself. */
static cw_status set_if(const cw_tune_job *j, cw_job *copy, const char *path,
                        const cw_tune_text *was, const cw_tune_text *now) {
  cw_tune_text assignment = {.used = 0};
  if (now->used == 0 || strcmp(was->text, now->text) == 0) return CW_OK;
  cw_tune_say(&assignment, "%s%s=%s", j->place, path, now->text);
  return cw_job_set(copy, assignment.text);
}

static cw_status set_defect(const cw_tune_job *j, const cw_tune_point *p, cw_job *copy) {
  cw_tune_text was, now;
  for (int d = 0; d < CW_TUNE_EDGES; d++) {
    char path[32] = "theory.", name[16];
    name_edge(d, name);
    strcat(path, name);
    was = now = (cw_tune_text){.used = 0};
    if (p->edge[d] > 0) cw_tune_say(&now, "%d", p->edge[d]);
    cw_tune_say(&was, "%d", j->start.edge[d]);
    CW_TRY(set_if(j, copy, path, &was, &now));
  }
  was = now = (cw_tune_text){.used = 0};
  if (isnan(p->factor)) return CW_OK;
  cw_tune_say(&was, "%.17g", j->start.factor);
  cw_tune_say(&now, "%.17g", p->factor);
  return set_if(j, copy, "ladder.from.factor", &was, &now);
}

cw_status cw_tune_set_point(const cw_tune_job *j, const cw_tune_point *p, cw_job *copy) {
  cw_tune_text was = {.used = 0}, now = {.used = 0};
  char path[64];
  if (p->steps > 0) {
    say_way(&was, &j->start);
    say_way(&now, p);
  }
  snprintf(path, sizeof path, "%s.way", j->section);
  CW_TRY(set_if(j, copy, path, &was, &now));
  was = now = (cw_tune_text){.used = 0};
  if (p->n_levels > 0) {
    say_sets(&was, "sweeps", j->start.n_levels, j->start.level);
    say_sets(&now, "sweeps", p->n_levels, p->level);
  }
  snprintf(path, sizeof path, "%s.levels", j->section);
  CW_TRY(set_if(j, copy, path, &was, &now));
  return set_defect(j, p, copy);
}
