/* Log-weights of the model on configurations of the target. */
#include "app/methods/forward/forward.h"

#include <string.h>

static cw_section_kind kind(int i) {
  if (i > 0) return (cw_section_kind){.name = NULL};
  return (cw_section_kind){"forward", "Forward weights",
                           "the density of the model on kept configurations of the target",
                           CW_PURPLE};
}

static cw_status read(cw_node *root, cw_node *map, const cw_plan *p, cw_section *s) {
  cw_forward_plan *f = s->own;
  CW_TRY(cw_read_data(root, map, p, &f->data));
  return cw_job_double(map, "threshold", 1e-6, 1e-300, 1, &f->threshold);
}

static int parts(const cw_plan *p, const cw_section *s, cw_part *out) {
  const cw_forward_plan *f = s->own;
  out[0] = cw_part_of(s, 0, "configurations per chain", cw_fair_rows(p, f->data));
  return 1;
}

/* The covered mass takes samples of the model as well. */
static bool with_samples(const cw_plan *p, const cw_section *s) {
  for (int i = 0; i < p->n_sections; i++)
    for (const cw_given *g = p->section[i].method->given; g != NULL && g->quantity != NULL; g++)
      if (&p->section[i] != s && strcmp(g->quantity, "F_q") == 0) return true;
  return false;
}

/* All that is kept, as the segments have it and as one. */
static void takings(const cw_plan *p, const cw_section *s, cw_takings *t) {
  const cw_section *data = ((const cw_forward_plan *)s->own)->data;
  const cw_mcmc_plan *m = cw_section_chains(data);
  const double kept = (double)cw_kept_rows(m) * (double)m->chains;
  *t = (cw_takings){
      .held = 3 * kept, .rows = kept * (1 + cw_numbers_per_row(p)), .key = "keep", .of = data};
}

static const cw_given given[] = {
    {.quantity = "F_p", .of_case = true},
    {.quantity = "F_p_per_site", .of_case = true, .exact = "free_energy"},
    {.quantity = "w_hat", .of_case = true, .when = with_samples},
    {.quantity = "ess"},
    {.quantity = "outside"},
    {.quantity = "outside_model"},
    {.quantity = "missed", .when = with_samples},
    {.quantity = "bias", .when = with_samples},
    {.quantity = "bias_bound"},
    {0}};

extern const cw_method cw_method_forward;
const cw_method cw_method_forward = {.name = "forward",
                                     .needs = CW_NEEDS_MODEL,
                                     .plan_size = sizeof(cw_forward_plan),
                                     .kind = kind,
                                     .read = read,
                                     .run = cw_run_forward,
                                     .parts = parts,
                                     .given = given,
                                     .takings = takings,
                                     .fill = cw_fill_forward,
                                     .conclude = cw_conclude_forward,
                                     .chapter = CW_CHAPTER_MODEL,
                                     .draw = cw_draw_forward};
