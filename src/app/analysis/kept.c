/* From the directory of a run to one of its kept configurations: case, section, segment, row. */
#include "app/analysis/kept.h"

#include <stdio.h>
#include <string.h>

#include "app/analysis/analysis.h"

/* ------------------------------------------------------------------ section */

static bool keeps(const cw_section *s) {
  return s->method->needs & CW_KEEPS && cw_section_chains(s)->keep > 0;
}

static cw_status choose_named(cw_context *ctx, const cw_plan *plan, const char *name,
                              const cw_section **out) {
  const char *known[CW_MAX_SECTIONS + 1] = {NULL};
  int n = 0;
  for (int i = 0; i < plan->n_sections; i++)
    if (plan->section[i].method->needs & CW_KEEPS) known[n++] = plan->section[i].kind.name;
  *out = cw_plan_section(plan, name);
  if (*out == NULL || !((*out)->method->needs & CW_KEEPS))
    return cw_fail_unknown(ctx, "convert", "--stage", name, known);
  if (keeps(*out)) return CW_OK;
  return cw_fail(ctx, CW_EINVAL, "convert: the run kept no configurations of '%s' (%s.keep is 0)",
                 name, name);
}

static cw_status choose_section(cw_context *ctx, const cw_plan *plan, const char *name,
                                const cw_section **out) {
  const char *keeping[CW_MAX_SECTIONS + 1] = {NULL};
  int n = 0;
  if (name != NULL) return choose_named(ctx, plan, name, out);
  for (int i = 0; i < plan->n_sections; i++) {
    if (!keeps(&plan->section[i])) continue;
    keeping[n++] = plan->section[i].kind.name;
    *out = &plan->section[i];
  }
  if (n > 1) return cw_fail_several(ctx, "convert", "--stage", keeping);
  if (n == 1) return CW_OK;
  return cw_fail(ctx, CW_EINVAL,
                 "convert: the run kept no configurations (keep is 0 in every sampler section)");
}

/* ------------------------------------------------------------ segment and row */

typedef struct {
  cw_context *ctx;
  cw_store *store;
  const cw_plan *plan;
  const cw_mcmc_plan *chains; /* of the section */
  cw_arrays set;              /* the segment that was read last */
} search;

static cw_status fail_damaged(const search *s, const cw_kept_place *place) {
  return cw_fail(s->ctx, CW_ECORRUPT,
                 "%s: the kept configurations of stage '%s' do not fit the job",
                 cw_store_dir(s->store), place->stage);
}

static cw_status fail_none_yet(const search *s, const cw_kept_place *place) {
  return cw_fail(s->ctx, CW_EINVAL, "convert: stage '%s' has kept no configuration yet",
                 place->stage);
}

static long reals(const cw_plan *plan) {
  return cw_lattice_sites(&plan->lat) *
         cw_theory_components(plan->theory, &plan->lat, plan->form, plan->param);
}

/* One segment, and what it holds: config (rows, chains, n_sites * n_comp). */
static cw_status read_segment(search *s, const cw_kept_place *place, long segment,
                              const cw_array **config) {
  if (segment < 0) return fail_damaged(s, place);
  CW_TRY(cw_store_read(s->store, place->stage, segment, &s->set));
  const cw_array *a = *config = cw_arrays_get(&s->set, "config");
  bool fits = a != NULL && a->rank == 3 && a->dim[1] == s->chains->chains;
  return fits && a->dim[2] == reals(s->plan) ? CW_OK : fail_damaged(s, place);
}

/* index of the choice, -1: the last, into *place, which knows how many there are. */
static cw_status choose_row(const search *s, long index, cw_kept_place *place) {
  if (place->count < 1) return fail_none_yet(s, place);
  if (index >= place->count)
    return cw_fail(s->ctx, CW_EINVAL,
                   "convert: --config %ld: stage '%s' has %ld configurations, 0 to %ld", index,
                   place->stage, place->count, place->count - 1);
  place->index = index < 0 ? place->count - 1 : index;
  place->row = place->index / s->chains->chains;
  place->chain = place->index % s->chains->chains;
  return CW_OK;
}

/* "beta=6 epsilon=0.25", as far as it fits. */
static void name_parameters(const cw_plan *p, cw_configuration *out) {
  const cw_param *table = p->theory->params[p->form];
  size_t n = 0;
  snprintf(out->theory, sizeof out->theory, "%s", p->theory->name);
  for (int i = 0; table[i].name != NULL && n < sizeof out->parameters; i++) {
    char value[CW_DOUBLE_TEXT];
    cw_format_double(p->param[i], value);
    n += (size_t)snprintf(out->parameters + n, sizeof out->parameters - n, "%s%s=%s",
                          i > 0 ? " " : "", table[i].name, value);
  }
}

/* x (n_sites, n_comp), of links as components. */
static cw_status copy_field(const search *s, const double *x, cw_configuration *out) {
  const cw_plan *p = s->plan;
  const cw_kind_ops *kind = cw_kind(p->theory->kind);
  const long n = reals(p), n_sites = cw_lattice_sites(&p->lat);
  *out = (cw_configuration){.lat = p->lat, .kind = p->theory->kind, .n_comp = (int)(n / n_sites)};
  const long of_site = cw_configuration_site_reals(out);
  out->data = cw_alloc((size_t)(n_sites * of_site) * sizeof *x);
  if (out->data == NULL) return cw_fail(s->ctx, CW_ENOMEM, "no memory for a configuration");
  name_parameters(p, out);
  if (!kind->on_links) memcpy(out->data, x, (size_t)n * sizeof *x);
  for (long l = 0; kind->on_links && l < n_sites * p->lat.dim; l++)
    cw_link_to_matrix(p->theory->kind, x + l * kind->n_real,
                      out->data + l * (of_site / p->lat.dim));
  return CW_OK;
}

/* From the last segment, which knows how many rows there are, back to the one that holds ours. */
static cw_status find_row(search *s, long index, cw_configuration *out, cw_kept_place *place) {
  const cw_array *config;
  long segment = cw_store_segments(s->store, place->stage) - 1;
  if (segment < 0) return fail_none_yet(s, place);
  CW_TRY(read_segment(s, place, segment, &config));
  long rows = cw_kept_rows_of(s->chains, (long)cw_arrays_scalar(&s->set, "state.rows", 0));
  place->count = rows * s->chains->chains;
  CW_TRY(choose_row(s, index, place));
  long begin = rows - config->dim[0]; /* first row of this segment */
  while (begin > place->row) {
    CW_TRY(read_segment(s, place, --segment, &config));
    begin -= config->dim[0];
  }
  if (begin < 0) return fail_damaged(s, place);
  long i = place->index - begin * s->chains->chains;
  return copy_field(s, config->data + i * config->dim[2], out);
}

static cw_status find(search *s, const cw_plans *plans, const cw_kept_choice *choice,
                      cw_configuration *out, cw_kept_place *place) {
  CW_TRY(cw_choose_case(s->ctx, "convert", plans, choice->in_case, &s->plan));
  const cw_section *section = NULL;
  CW_TRY(choose_section(s->ctx, s->plan, choice->stage, &section));
  s->chains = cw_section_chains(section);
  cw_stage_name(s->plan, section->kind.name, place->stage);
  return find_row(s, choice->index, out, place);
}

cw_status cw_kept_read(cw_context *ctx, const cw_kept_choice *choice, cw_configuration *out,
                       cw_kept_place *place) {
  search s = {.ctx = ctx};
  cw_plans plans = {0};
  *out = (cw_configuration){0};
  *place = (cw_kept_place){0};
  CW_TRY(cw_store_open(ctx, choice->run, &s.store));
  cw_status st = cw_agree(ctx, cw_plans_of_store(ctx, s.store, &plans));
  if (st == CW_OK) st = cw_agree(ctx, find(&s, &plans, choice, out, place));
  cw_arrays_clear(&s.set);
  cw_plans_clear(&plans);
  cw_store_close(s.store);
  return st;
}
