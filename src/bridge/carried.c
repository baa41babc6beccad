#include "bridge/carried.h"

#include <string.h>

static long lanes_of(const cw_carried *at) { return at->x->n_blocks * at->x->B; }

unsigned cw_all_terms(const cw_ladder *ladder) { return (1u << ladder->th->ops->n_terms) - 1; }

unsigned cw_terms_changed(const cw_ladder *ladder, const double *a, const double *b) {
  unsigned set = 0;
  for (int k = 0; k < ladder->th->ops->n_terms; k++) set |= a[k] != b[k] ? 1u << k : 0;
  return set;
}

static void find_terms(const cw_theory *th, unsigned set, const cw_field *block, double *T) {
  if (th->ops->some_terms != NULL)
    th->ops->some_terms(th, block, set, T);
  else
    th->ops->terms(th, block, T);
}

void cw_know_terms(cw_carried *at, unsigned set) {
  if ((set & ~*at->known) == 0) return;
  set |= at->wanted;
#pragma omp parallel for num_threads(cw_threads(at->ctx)) schedule(static) if (at->x->n_blocks > 1)
  for (long b = 0; b < at->x->n_blocks; b++) {
    cw_field block = cw_field_block(at->x, b);
    find_terms(at->ladder->th, set, &block, at->T + b * block.B * at->ladder->th->ops->n_terms);
  }
  *at->known = set;
}

/* S (lanes) at x of what the links of at->part are in. */
static void find_part(cw_carried *at, double *S) {
  const cw_theory *th = at->ladder->th;
  const int n_terms = th->ops->n_terms;
#pragma omp parallel for num_threads(cw_threads(at->ctx)) schedule(static) if (at->x->n_blocks > 1)
  for (long b = 0; b < at->x->n_blocks; b++) {
    const cw_field block = cw_field_block(at->x, b);
    double T[CW_LANES * CW_MAX_TERMS], *to = S + b * block.B;
    th->ops->part_terms(th, at->part, &block, T);
    for (int i = 0; i < block.B; i++) {
      to[i] = 0;
      for (int k = 0; k < n_terms; k++) to[i] += at->c[k] * T[i * n_terms + k];
    }
  }
}

/* S (lanes) at x, or what of it a map can change. */
static void find_action(cw_carried *at, double *S) {
  const int n_terms = at->ladder->th->ops->n_terms;
  const double *c = at->c;
  unsigned set = 0;
  if (at->part != NULL) {
    find_part(at, S);
    return;
  }
  for (int k = 0; k < n_terms; k++) set |= c[k] != 0 ? 1u << k : 0;
  cw_know_terms(at, set);
  for (long i = 0; i < lanes_of(at); i++) {
    S[i] = 0;
    for (int k = 0; k < n_terms; k++)
      if (c[k] != 0) S[i] += c[k] * at->T[i * n_terms + k];
  }
}

cw_status cw_carry(cw_carried *at, const cw_map *map, bool back) {
  const long n = lanes_of(at);
  double *before = at->work, *after = before + n, *logj = after + n;
  find_action(at, before);
  *at->known = 0;
  CW_TRY(map->apply(map, at->ctx, at->x, logj, back));
  find_action(at, after);
  for (long i = 0; i < n; i++) at->lw[i] += logj[i] - (after[i] - before[i]);
  return CW_OK;
}

void cw_retarget_to(cw_carried *at, const double *to) {
  const int n_terms = at->ladder->th->ops->n_terms;
  const unsigned set = cw_terms_changed(at->ladder, at->c, to);
  cw_know_terms(at, set);
  for (long i = 0; i < lanes_of(at); i++) {
    double dS = 0;
    for (int k = 0; k < n_terms; k++)
      if (set & 1u << k) dS += (to[k] - at->c[k]) * at->T[i * n_terms + k];
    at->lw[i] -= dS;
  }
  memcpy(at->c, to, (size_t)n_terms * sizeof *to);
}
