/* Which case, or section, of a run a command is about. */
#include "app/plan/plan.h"

#include <string.h>

cw_status cw_fail_unknown(cw_context *ctx, const char *command, const char *option,
                          const char *word, const char *const *known) {
  char list[300];
  const char *near = cw_nearest(word, known);
  if (near != NULL)
    return cw_fail(ctx, CW_EINVAL, "%s: %s: the run has no '%.60s'; did you mean '%s'?", command,
                   option, word, near);
  cw_list_words(known, list, sizeof list);
  return cw_fail(ctx, CW_EINVAL, "%s: %s: the run has no '%.60s' (it has: %s)", command, option,
                 word, list[0] != '\0' ? list : "none");
}

cw_status cw_fail_several(cw_context *ctx, const char *command, const char *option,
                          const char *const *known) {
  char list[300];
  cw_list_words(known, list, sizeof list);
  return cw_fail(ctx, CW_EINVAL, "%s: the run has several, say which by %s (it has: %s)", command,
                 option, list);
}

cw_status cw_choose_case(cw_context *ctx, const char *command, const cw_plans *plans,
                         const char *name, const cw_plan **out) {
  const char *known[CW_MAX_CASES + 1] = {NULL};
  bool has_cases = plans->plan[0].name[0] != '\0';
  for (int i = 0; has_cases && i < plans->n; i++) known[i] = plans->plan[i].name;
  for (int i = 0; name != NULL && known[i] != NULL; i++)
    if (strcmp(known[i], name) == 0) {
      *out = &plans->plan[i];
      return CW_OK;
    }
  if (name != NULL) return cw_fail_unknown(ctx, command, "--case", name, known);
  if (plans->n > 1) return cw_fail_several(ctx, command, "--case", known);
  *out = &plans->plan[0];
  return CW_OK;
}
