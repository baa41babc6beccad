/* Which links are turned, filled and smeared for each class, with their staples and weights. */
#include <stdlib.h>
#include <string.h>

#include "model/layers/repair/repair.h"

/* While lists are made: marks of the links of the lattice. */
typedef struct {
  cw_context *ctx;
  const cw_geometry *g;
  cw_repair *s;
  uint8_t *defect; /* (links) is it of the defect? */
  uint8_t *mark;   /* (links) of the list that is made */
} maker;

static long links_of(const cw_geometry *g) { return g->n_sites * g->lat.dim; }

static cw_status no_memory(cw_context *ctx) {
  return cw_fail(ctx, CW_ENOMEM, "no memory for a layer");
}

/* On the lattice: the defect's links start on the last slice of its direction. */
static long link_of(const maker *m, const cw_repair_near *near) {
  const cw_repair_orbits *o = &m->s->orbits;
  int x[CW_MAX_DIM];
  for (int d = 0; d < o->dim; d++) x[d] = near->x[d];
  x[o->direction]--;
  return cw_lattice_site(&m->g->lat, x) * o->dim + near->mu;
}

static bool is_defect(const cw_repair_orbits *o, const cw_repair_near *near) {
  bool inside = near->mu == o->direction;
  for (int d = 0; d < o->dim; d++) {
    const int length = d == o->direction ? 1 : o->edge[d];
    inside = inside && near->x[d] >= 0 && near->x[d] < length;
  }
  return inside;
}

/* ---- lists ---- */

static cw_status open_list(const maker *m, long n, cw_repair_list *k) {
  *k = (cw_repair_list){.link = cw_alloc((size_t)n * sizeof *k->link),
                        .w = cw_alloc((size_t)n * sizeof *k->w)};
  return k->link != NULL && k->w != NULL ? CW_OK : no_memory(m->ctx);
}

static void close_list(cw_repair_list *k) {
  free(k->link);
  free(k->w);
  *k = (cw_repair_list){0};
}

static void add_link(const maker *m, cw_repair_list *k, long link) {
  const int32_t *place = m->s->patch.place;
  cw_repair_link *to = &k->link[k->n++];
  long around[CW_LINKS_AROUND];
  const int n = cw_link_staples(&m->g->lat, link, around) / 3;
  to->to = place[link];
  for (int i = 0; i < n; i++) {
    to->defects[i] = m->defect[link];
    for (int j = 0; j < 3; j++) {
      to->at[i][j] = place[around[3 * i + j]];
      to->defects[i] = (uint8_t)(to->defects[i] + m->defect[around[3 * i + j]]);
    }
  }
}

/* Marks the links of the staples of a link. */
static void mark_around(const maker *m, long link) {
  long around[CW_LINKS_AROUND];
  const int n = cw_link_staples(&m->g->lat, link, around);
  for (int i = 0; i < n; i++) m->mark[around[i]] = 1;
}

static cw_status list_marked(const maker *m, cw_repair_list *k) {
  long n = 0;
  for (long i = 0; i < links_of(m->g); i++) n += m->mark[i];
  CW_TRY(open_list(m, n, k));
  for (long i = 0; i < links_of(m->g); i++)
    if (m->mark[i]) add_link(m, k, i);
  return CW_OK;
}

/* ---- classes ---- */

/* The active links, each once where the lattice is so small that it meets itself: their neighbours on the
 * infinite one; those of each orbit together. n (n_classes): how many. */
static cw_status list_active(const maker *m, const cw_mask *mask) {
  cw_repair *s = m->s;
  const cw_repair_orbits *o = &s->orbits;
  for (int c = 0; c < s->n_classes; c++) {
    cw_repair_class *k = &s->class[c];
    CW_TRY(open_list(m, o->n, &k->active));
    k->w = cw_alloc((size_t)o->n * sizeof *k->w);
    k->near = cw_alloc((size_t)o->n * sizeof(cw_repair_near *));
    if (k->w == NULL || k->near == NULL) return no_memory(m->ctx);
  }
  memset(m->mark, 0, (size_t)links_of(m->g));
  for (int orbit = 0; orbit < o->n_links; orbit++)
    for (long i = 0; i < o->n; i++) {
      const long link = link_of(m, &o->link[i]), site = link / o->dim;
      if (o->link[i].orbit != orbit || m->mark[link]) continue;
      const long row = m->g->outer[site] * o->dim + link % o->dim;
      const int c = mask->class_of[row * CW_LANES + m->g->group[site] * s->B];
      cw_repair_class *k = &s->class[c];
      m->mark[link] = 1;
      k->near[k->active.n] = &o->link[i];
      add_link(m, &k->active, link);
    }
  return CW_OK;
}

/* Whose staples the active ones take, and who those are smeared from. */
static cw_status list_smeared(const maker *m, cw_repair_class *k) {
  memset(m->mark, 0, (size_t)links_of(m->g));
  for (long i = 0; i < k->active.n; i++) mark_around(m, m->s->number[k->active.link[i].to]);
  if (!m->s->smears) return CW_OK;
  CW_TRY(list_marked(m, &k->twice));
  for (long i = 0; i < k->twice.n; i++) mark_around(m, m->s->number[k->twice.link[i].to]);
  return list_marked(m, &k->once);
}

/* The links of the local fields: those in reach of what is smeared once, or of the staples. */
static cw_status open_patch(maker *m) {
  const cw_repair_orbits *o = &m->s->orbits;
  cw_repair *s = m->s;
  cw_link_set around = {.n = 0};
  long *link = cw_alloc((size_t)o->n * sizeof *link), n = 0;
  if (link == NULL) return no_memory(m->ctx);
  for (long i = 0; i < o->n; i++) {
    link[i] = link_of(m, &o->link[i]);
    if (is_defect(o, &o->link[i])) m->defect[link[i]] = 1;
  }
  cw_status st = cw_link_set_create(m->ctx, &m->g->lat, o->n, link, &s->moves);
  free(link);
  if (st == CW_OK) st = cw_link_set_around(m->ctx, &s->moves, s->smears ? 2 : 0, &around);
  if (st == CW_OK) st = cw_patch_create(m->ctx, m->g, 1, &around, &s->patch);
  cw_link_set_destroy(&around);
  CW_TRY(st);
  s->number = cw_alloc((size_t)s->patch.n * sizeof *s->number);
  if (s->number == NULL) return no_memory(m->ctx);
  for (long i = 0; i < links_of(m->g); i++)
    if (s->patch.place[i] >= 0) s->number[s->patch.place[i]] = i, n++;
  CW_REQUIRE(n == s->patch.n);
  return cw_link_set_create(m->ctx, &m->g->lat, n, s->number, &s->reads);
}

static cw_status list_all(maker *m, const cw_mask *mask) {
  cw_repair *s = m->s;
  s->n_classes = mask->n_class;
  s->class = cw_alloc((size_t)s->n_classes * sizeof *s->class);
  if (s->class == NULL || m->defect == NULL || m->mark == NULL) return no_memory(m->ctx);
  CW_TRY(open_patch(m));
  CW_TRY(list_active(m, mask));
  for (int c = 0; c < s->n_classes; c++) {
    s->most = s->class[c].active.n > s->most ? s->class[c].active.n : s->most;
    CW_TRY(list_smeared(m, &s->class[c]));
  }
  cw_repair_weigh(s, (const double[]){1, 1, 1});
  return CW_OK;
}

cw_status cw_repair_list_classes(cw_context *ctx, const cw_geometry *g, cw_mask_kind kind,
                                 cw_repair *s) {
  maker m = {.ctx = ctx,
             .g = g,
             .s = s,
             .defect = cw_alloc((size_t)links_of(g)),
             .mark = cw_alloc((size_t)links_of(g))};
  cw_mask mask = {0};
  cw_status st = cw_mask_create(ctx, g, g->lat.dim, kind, NULL, &mask);
  if (st == CW_OK) st = list_all(&m, &mask);
  cw_mask_destroy(&mask);
  free(m.defect);
  free(m.mark);
  return st;
}

void cw_repair_lists_destroy(cw_repair *s) {
  for (int c = 0; c < s->n_classes && s->class != NULL; c++) {
    cw_repair_class *k = &s->class[c];
    close_list(&k->active);
    close_list(&k->once);
    close_list(&k->twice);
    free(k->w);
    free(k->near);
  }
  free(s->class);
  free(s->number);
  cw_patch_destroy(&s->patch);
  cw_link_set_destroy(&s->moves);
  cw_link_set_destroy(&s->reads);
  s->class = NULL;
  s->number = NULL;
}

/* ---- weights ---- */

static void weigh(const cw_repair_list *k, const double ratio[3], cw_repair_weights *w) {
  for (long i = 0; i < k->n; i++)
    for (int s = 0; s < CW_REPAIR_STAPLES; s++) w[i][s] = ratio[k->link[i].defects[s]];
}

/* A filled link is as its staples say that count most; where none does they count alike. */
static void weigh_filling(const cw_repair_list *k, const double ratio[3], int staples) {
  weigh(k, ratio, k->w);
  for (long i = 0; i < k->n; i++) {
    double most = 0;
    for (int s = 0; s < staples; s++) most = k->w[i][s] > most ? k->w[i][s] : most;
    for (int s = 0; s < staples; s++) k->w[i][s] = most > 0 ? k->w[i][s] / most : 1;
  }
}

void cw_repair_weigh(cw_repair *s, const double ratio[3]) {
  double w[3];
  for (int i = 0; i < 3; i++) w[i] = ratio[i] > 0 ? (ratio[i] < 1 ? ratio[i] : 1) : 0;
  for (int c = 0; c < s->n_classes; c++) {
    cw_repair_class *k = &s->class[c];
    weigh_filling(&k->active, w, 2 * (s->dim - 1));
    weigh(&k->active, w, k->w);
    weigh(&k->once, w, k->once.w);
    weigh(&k->twice, w, k->twice.w);
  }
}
