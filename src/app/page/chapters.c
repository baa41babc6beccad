/* The figures of methods, chapter by chapter. */
#include "app/page/page.h"

/* A curve of the same name of all stages of a method, in one figure. */
static cw_status shared_figure(const cw_case_page *to, const cw_method *method,
                               const cw_shared_figure *f) {
  bool begun = false;
  for (int i = 0; i < to->c->n_stages; i++) {
    const cw_analysis_stage *s = &to->c->stage[i];
    const cw_curve *curve = s->section->method == method ? cw_stage_curve(s, f->curve) : NULL;
    if (curve == NULL) continue;
    if (!begun) CW_TRY(cw_page_figure_begin(to->page, f->title, f->x, f->y, false, false));
    begun = true;
    CW_TRY(cw_page_curve(to->page, s->part.label, f->how, s->part.colour, curve->n, curve->x,
                         curve->y, curve->dy));
  }
  return begun ? cw_page_figure_end(to->page, f->caption) : CW_OK;
}

/* The other parts of a stage have no chapter of their own. */
static bool draws(const cw_analysis_stage *s, cw_chapter chapter) {
  const cw_method *m = s->section->method;
  if (chapter == CW_CHAPTER_OWN && cw_stage_is(s, CW_IS_INNER)) return false;
  return s->present && m->chapter == chapter && (m->draw != NULL || m->figures != NULL);
}

static cw_status draw_shared(const cw_case_page *to, cw_chapter chapter) {
  for (int i = 0; cw_methods[i] != NULL; i++)
    for (const cw_shared_figure *f = cw_methods[i]->figures; f != NULL && f->curve != NULL; f++)
      if (cw_methods[i]->chapter == chapter) CW_TRY(shared_figure(to, cw_methods[i], f));
  return CW_OK;
}

cw_status cw_page_chapter(const cw_case_page *to, cw_chapter chapter, const char *heading) {
  bool any = false;
  for (int i = 0; i < to->c->n_stages; i++) any = any || draws(&to->c->stage[i], chapter);
  if (!any) return CW_OK;
  if (heading != NULL) CW_TRY(cw_page_heading(to->page, to->level, heading));
  CW_TRY(draw_shared(to, chapter));
  for (int i = 0; i < to->c->n_stages; i++) {
    const cw_analysis_stage *s = &to->c->stage[i];
    if (!draws(s, chapter) || s->section->method->draw == NULL) continue;
    if (chapter == CW_CHAPTER_OWN) CW_TRY(cw_page_heading(to->page, to->level, s->part.label));
    CW_TRY(s->section->method->draw(to, s));
  }
  return CW_OK;
}
