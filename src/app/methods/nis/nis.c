/* Neural importance sampling. */
#include "app/methods/nis/nis.h"

#include <math.h>
#include <stdio.h>

static cw_section_kind kind(int i) {
  if (i > 0) return (cw_section_kind){.name = NULL};
  return (cw_section_kind){"nis", "NIS", "importance sampling with samples of the model", CW_PINK};
}

static cw_status read(cw_node *root, cw_node *map, const cw_plan *p, cw_section *s) {
  cw_nis_plan *n = s->own;
  (void)root;
  (void)p;
  return cw_job_long(map, "samples", 65536, 2, 1L << 31, &n->samples);
}

static int parts(const cw_plan *p, const cw_section *s, cw_part *out) {
  const cw_nis_plan *n = s->own;
  cw_training t;
  out[0] = cw_part_of(s, CW_IS_MEASURED, "samples", n->samples);
  if (cw_plan_training(p, &t)) snprintf(out[0].training, sizeof out[0].training, "%s", t.stage);
  return 1;
}

/* Entropy is made of the action, where that is measured. */
static bool measures_action(const cw_plan *p, const cw_section *s) {
  (void)s;
  return cw_entropy_primary(p->group[0].ops) != NULL;
}

static bool is_integrated(const cw_plan *p, const cw_section *s) {
  (void)s;
  return cw_model_inexact(&p->model) != NULL;
}

static const cw_growth grows[] = {{.key = "samples"}, {0}};

static void takings(const cw_plan *p, const cw_section *s, cw_takings *t) {
  const double samples = (double)((const cw_nis_plan *)s->own)->samples;
  *t = (cw_takings){.held = fmin(samples, CW_NIS_BATCH),
                    .rows = samples * (1 + cw_numbers_per_row(p)),
                    .key = "samples"};
}

static const cw_given given[] = {
    {.quantity = "entropy", .when = measures_action},
    {.quantity = "ess"},
    {.quantity = "lnq_off", .when = is_integrated},
    {.quantity = "lnZ", .of_case = true},
    {.quantity = "F_q", .of_case = true},
    {.quantity = "F_q_per_site", .of_case = true, .exact = "free_energy"},
    {0}};

extern const cw_method cw_method_nis;
const cw_method cw_method_nis = {.name = "nis",
                                 .needs = CW_NEEDS_MODEL | CW_MEASURES_FIRST_GROUP,
                                 .plan_size = sizeof(cw_nis_plan),
                                 .kind = kind,
                                 .read = read,
                                 .run = cw_run_nis,
                                 .parts = parts,
                                 .given = given,
                                 .takings = takings,
                                 .grows = grows,
                                 .fill = cw_fill_nis,
                                 .warn = cw_warn_nis};
