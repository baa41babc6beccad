/* Where two jobs differ. */
#include <stdio.h>
#include <string.h>

#include "app/job/tree.h"

enum { VALUE = 120 }; /* bytes of a value in a message */

static bool is_list_of_scalars(const cw_node *node) {
  for (const cw_node *c = node->first; c != NULL; c = c->next)
    if (c->kind != CW_NODE_SCALAR) return false;
  return node->kind == CW_NODE_LIST;
}

/* A value on one line. */
static void show(const cw_node *node, char text[VALUE]) {
  size_t at = 0;
  const bool plain = is_list_of_scalars(node);
  if (node->kind == CW_NODE_SCALAR) snprintf(text, VALUE, "%s", node->text);
  if (node->kind == CW_NODE_MAP) snprintf(text, VALUE, "a mapping");
  if (node->kind == CW_NODE_LIST && !plain) snprintf(text, VALUE, "a list");
  if (!plain) return;
  for (const cw_node *c = node->first; c != NULL && at < VALUE; c = c->next)
    at += (size_t)snprintf(text + at, VALUE - at, "%s%s", c == node->first ? "[" : ", ", c->text);
  if (at < VALUE) snprintf(text + at, VALUE - at, "]");
}

static cw_status report(const cw_node *was, const cw_node *is, cw_job_difference *each,
                        void *self) {
  char path[CW_PLACE], before[VALUE] = "", after[VALUE] = "";
  cw_node_path(is != NULL ? is : was, path, sizeof path);
  if (was != NULL) show(was, before);
  if (is != NULL) show(is, after);
  return each(self, path, was != NULL ? before : NULL, is != NULL ? after : NULL);
}

static cw_status compare_maps(const cw_node *was, const cw_node *is, cw_job_difference *each,
                              void *self) {
  for (const cw_node *c = was->first; c != NULL; c = c->next) {
    const cw_node *other = cw_node_find(is, c->key);
    CW_TRY(other != NULL ? cw_job_compare(c, other, each, self) : report(c, NULL, each, self));
  }
  for (const cw_node *c = is->first; c != NULL; c = c->next)
    if (cw_node_find(was, c->key) == NULL) CW_TRY(report(NULL, c, each, self));
  return CW_OK;
}

static bool same_scalars(const cw_node *was, const cw_node *is) {
  const cw_node *other = is->first;
  for (const cw_node *c = was->first; c != NULL; c = c->next, other = other->next)
    if (strcmp(c->text, other->text) != 0) return false;
  return true;
}

cw_status cw_job_compare(const cw_node *was, const cw_node *is, cw_job_difference *each,
                         void *self) {
  if (was->kind != is->kind || (was->kind == CW_NODE_LIST && cw_job_count(was) != cw_job_count(is)))
    return report(was, is, each, self);
  if (was->kind == CW_NODE_MAP) return compare_maps(was, is, each, self);
  if (was->kind == CW_NODE_SCALAR)
    return strcmp(was->text, is->text) == 0 ? CW_OK : report(was, is, each, self);
  if (is_list_of_scalars(was) && is_list_of_scalars(is))
    return same_scalars(was, is) ? CW_OK : report(was, is, each, self);
  const cw_node *other = is->first;
  for (const cw_node *c = was->first; c != NULL; c = c->next, other = other->next)
    CW_TRY(cw_job_compare(c, other, each, self));
  return CW_OK;
}
