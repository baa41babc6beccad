/* What a section of a job takes of memory and disk, before any of it is taken. */
#include <math.h>
#include <stdio.h>

#include "app/plan/plan.h"

/* Copies of a block that samplers make; copies of a state when results are made of the store: as it is read, and joined to
 * the rest. A checkpoint takes none on one rank. Measured: HMC takes 6.6 times the memory of its field, of 1 + 3 + 2. */
enum { SCRATCH = 3, COPIES = 2 };

double cw_numbers_per_row(const cw_plan *p) {
  cw_probe probe;
  double n = 0;
  cw_probe_make(p, &probe);
  for (int g = 0; g < p->n_groups; g++) {
    const cw_observer o = cw_observer_make(p->group[g].ops, &probe.theory, p->group[g].param);
    n += (double)o.ops->n_primary(&o) / (double)p->group[g].every;
  }
  return n;
}

static cw_takings takings_of(const cw_plan *p, const cw_section *s) {
  cw_takings t = {.key = NULL};
  const cw_mcmc_plan *m = cw_section_chains(s);
  if (m != NULL) {
    const double chains = (double)m->chains;
    t = (cw_takings){.held = chains,
                     .state = chains,
                     .kept = (double)cw_kept_rows(m) * chains,
                     .rows = (double)(m->steps / m->every) * chains * cw_numbers_per_row(p),
                     .key = "chains"};
  }
  if (s->method->takings != NULL) s->method->takings(p, s, &t);
  return t;
}

cw_room cw_section_room(const cw_plan *p, const cw_section *s, long threads) {
  const cw_takings t = takings_of(p, s);
  const double lanes = CW_LANES / cw_plan_split(p, threads), blocks = ceil(t.held / lanes);
  const double one = (double)cw_lattice_sites(&p->lat) * sizeof(double) *
                     cw_theory_components(p->theory, &p->lat, p->form, p->param);
  const double working = fmin(blocks, (double)threads);
  const double state = t.state * one, kept = t.kept * one, rows = t.rows * sizeof(double);
  const double fields = (blocks + SCRATCH * working) * lanes * one;
  cw_room room = {.memory = fields + COPIES * state,
                  .working = fields,
                  .checkpoint = state,
                  .disk = 2 * state + kept + rows,
                  .memory_key = "lattice",
                  .disk_key = "lattice"};
  const char *name = s->kind.name;
  if (blocks > 1 && t.key != NULL)
    snprintf(room.memory_key, sizeof room.memory_key, "%s.%s",
             t.of != NULL ? t.of->kind.name : name, t.key);
  if (kept > 2 * state && kept > rows)
    snprintf(room.disk_key, sizeof room.disk_key, "%s.keep", name);
  else if (rows > 2 * state)
    snprintf(room.disk_key, sizeof room.disk_key, "%s.%s", name,
             s->method->grows != NULL ? s->method->grows[0].key : "steps");
  return room;
}
