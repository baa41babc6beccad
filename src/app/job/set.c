/* --set path=value. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "app/job/tree.h"

/* The state of one override. */
typedef struct {
  cw_job *job;
  const char *rest;   /* of the path, up to '=' */
  const char *path;   /* whole path, for messages */
  const char *origin; /* "--set path" */
} override;

static cw_status fail_set(const override *o, const char *what) {
  return cw_fail(o->job->ctx, CW_EINVAL, "%s: %s", o->origin, what);
}

static bool is_key_char(char c) {
  return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '+' || c == '/';
}

static cw_node *new_map(const override *o, const char *key) {
  cw_node place = {.origin = o->origin};
  return cw_node_create(o->job, CW_NODE_MAP, key, &place);
}

/* Reads "[n]" and goes to item n of node. */
static cw_status step_to_item(override *o, cw_node **node) {
  long index = 0;
  const char *c = o->rest + 1;
  if (!isdigit((unsigned char)*c)) return fail_set(o, "expected a number between [ and ]");
  for (; isdigit((unsigned char)*c); c++)
    if (index < CW_JOB_MAX_NODES) index = 10 * index + (*c - '0');
  if (*c != ']') return fail_set(o, "expected a number between [ and ]");
  o->rest = c + 1;
  char what[200];
  if ((*node)->kind != CW_NODE_LIST)
    return fail_set(o, "an index, but what stands before it is no sequence");
  int n = cw_job_count(*node);
  if (index >= n) {
    snprintf(what, sizeof what, "no item [%ld]: the sequence has %d, counted from 0", index, n);
    return fail_set(o, what);
  }
  *node = (*node)->first;
  while (index-- > 0) *node = (*node)->next;
  return CW_OK;
}

/* Reads a key and goes to that child of node, which is made (a mapping for now) if it is missing.
 */
static cw_status step_to_key(override *o, cw_node **node) {
  size_t n = 0;
  while (is_key_char(o->rest[n])) n++;
  if (n == 0 || n > CW_JOB_MAX_KEY)
    return fail_set(o, "expected a path of keys and [n], as in layers[2].net.kernel");
  const char *key = cw_job_keep(o->job, o->rest, n);
  if (key == NULL) return CW_ENOMEM;
  o->rest += n;
  if (cw_node_is_null(*node)) (*node)->kind = CW_NODE_MAP;
  if ((*node)->kind != CW_NODE_MAP) {
    char what[CW_JOB_MAX_KEY + 100];
    snprintf(what, sizeof what, "no key '%s' can be set: what stands before it is no mapping", key);
    return fail_set(o, what);
  }
  cw_node *child = cw_node_find(*node, key);
  if (child == NULL) {
    if ((child = new_map(o, key)) == NULL) return CW_ENOMEM;
    cw_node_attach(*node, child);
  }
  *node = child;
  return CW_OK;
}

static cw_status find_target(override *o, cw_node **node) {
  *node = o->job->root;
  CW_TRY(step_to_key(o, node));
  while (*o->rest != '\0') {
    if (*o->rest == '[') {
      CW_TRY(step_to_item(o, node));
    } else if (*o->rest == '.') {
      o->rest++;
      CW_TRY(step_to_key(o, node));
    } else {
      return fail_set(o, "expected a path of keys and [n], as in layers[2].net.kernel");
    }
  }
  return CW_OK;
}

cw_status cw_job_set(cw_job *job, const char *assignment) {
  const char *equals = strchr(assignment, '=');
  if (equals == NULL || equals == assignment || equals[1] == '\0')
    return cw_fail(job->ctx, CW_EINVAL,
                   "--set %.100s: expected path=value, as in theory.lambda=6.0", assignment);
  if (strlen(equals) > CW_JOB_MAX_BYTES)
    return cw_fail(job->ctx, CW_EINVAL, "--set: too long a value");
  char origin[200];
  int shown = equals - assignment < 150 ? (int)(equals - assignment) : 150;
  snprintf(origin, sizeof origin, "--set %.*s", shown, assignment);
  override o = {.job = job, .origin = cw_job_keep(job, origin, strlen(origin))};
  o.path = o.rest = cw_job_keep(job, assignment, (size_t)(equals - assignment));
  if (o.origin == NULL || o.path == NULL) return CW_ENOMEM;

  cw_node *value, *target;
  CW_TRY(cw_job_parse_value(job, equals + 1, strlen(equals + 1), o.origin, false, &value));
  CW_TRY(find_target(&o, &target));
  if (!cw_node_is_null(value))
    cw_node_take(target, value);
  else if (target->key != NULL)
    cw_node_detach(target);
  else
    return fail_set(&o, "an item of a sequence cannot be removed");
  return CW_OK;
}
