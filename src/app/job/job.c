/* Trees of nodes: making, copying, merging, places. The other files of the room read, check and
 * write them. */
#include "app/job/job.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/job/tree.h"

/* -------------------------------------------------------------------- nodes */

cw_status cw_job_create(cw_context *ctx, cw_job **out) {
  cw_job *job = calloc(1, sizeof *job);
  if (job != NULL) job->arena = cw_arena_create(1 << 14);
  if (job == NULL || job->arena == NULL) {
    free(job);
    return cw_fail(ctx, CW_ENOMEM, "no memory for a job");
  }
  job->ctx = ctx;
  *out = job;
  return CW_OK;
}

void cw_job_destroy(cw_job *job) {
  if (job == NULL) return;
  cw_arena_destroy(job->arena);
  free(job);
}

cw_node *cw_job_root(cw_job *job) { return job->root; }

const char *cw_job_keep(cw_job *job, const char *text, size_t n) {
  char *copy = cw_arena_alloc(job->arena, n + 1);
  if (copy == NULL) {
    cw_fail(job->ctx, CW_ENOMEM, "no memory for a job");
    return NULL;
  }
  memcpy(copy, text, n);
  copy[n] = '\0';
  return copy;
}

cw_node *cw_node_create(cw_job *job, cw_node_kind kind, const char *key, const cw_node *like) {
  cw_node *node = NULL;
  if (job->n_nodes >= CW_JOB_MAX_NODES) {
    cw_fail(job->ctx, CW_EINVAL, "%s: a job of more than %d values",
            like != NULL ? like->origin : "job", CW_JOB_MAX_NODES);
    return NULL;
  }
  node = cw_arena_alloc(job->arena, sizeof *node);
  if (node == NULL) {
    cw_fail(job->ctx, CW_ENOMEM, "no memory for a job");
    return NULL;
  }
  job->n_nodes++;
  *node = (cw_node){.job = job, .kind = kind, .key = key, .text = "", .origin = ""};
  if (like != NULL) {
    node->origin = like->origin;
    node->line = like->line;
  }
  return node;
}

void cw_node_attach(cw_node *parent, cw_node *child) {
  child->parent = parent;
  child->next = NULL;
  if (parent->last != NULL)
    parent->last->next = child;
  else
    parent->first = child;
  parent->last = child;
}

void cw_node_detach(cw_node *child) {
  cw_node *parent = child->parent, *before = NULL;
  for (cw_node *c = parent->first; c != child; c = c->next) before = c;
  if (before != NULL)
    before->next = child->next;
  else
    parent->first = child->next;
  if (parent->last == child) parent->last = before;
  child->parent = child->next = NULL;
}

cw_node *cw_node_find(const cw_node *map, const char *key) {
  if (map->kind != CW_NODE_MAP) return NULL;
  for (cw_node *c = map->first; c != NULL; c = c->next)
    if (strcmp(c->key, key) == 0) return c;
  return NULL;
}

bool cw_node_is_null(const cw_node *node) {
  return node->kind == CW_NODE_SCALAR && !node->quoted && node->text[0] == '\0';
}

void cw_node_take(cw_node *node, cw_node *from) {
  node->kind = from->kind;
  node->text = from->text;
  node->quoted = from->quoted;
  node->origin = from->origin;
  node->line = from->line;
  node->first = from->first;
  node->last = from->last;
  for (cw_node *c = node->first; c != NULL; c = c->next) c->parent = node;
}

cw_node *cw_job_first(const cw_node *node) { return node->first; }
cw_node *cw_job_next(const cw_node *node) { return node->next; }
const char *cw_job_key(const cw_node *node) { return node->key; }

int cw_job_count(const cw_node *node) {
  int n = 0;
  for (const cw_node *c = node->first; c != NULL; c = c->next) n++;
  return n;
}

/* ---------------------------------------------------------- copies and merges */

/* The strings may live in another job's arena, so they are copied. */
static bool copy_content(cw_node *to, const cw_node *from) {
  to->kind = from->kind;
  to->quoted = from->quoted;
  to->line = from->line;
  to->text = cw_job_keep(to->job, from->text, strlen(from->text));
  to->origin = cw_job_keep(to->job, from->origin, strlen(from->origin));
  return to->text != NULL && to->origin != NULL;
}

cw_node *cw_node_copy(cw_job *job, const cw_node *from, const char *key) {
  if (key != NULL && (key = cw_job_keep(job, key, strlen(key))) == NULL) return NULL;
  cw_node *node = cw_node_create(job, from->kind, key, from);
  if (node == NULL || !copy_content(node, from)) return NULL;
  for (const cw_node *c = from->first; c != NULL; c = c->next) {
    cw_node *child = cw_node_copy(job, c, c->key);
    if (child == NULL) return NULL;
    cw_node_attach(node, child);
  }
  return node;
}

/* Copying fails for two reasons only: no memory, or a tree that has become too large. */
static cw_status copy_failed(const cw_job *job) {
  return job->n_nodes >= CW_JOB_MAX_NODES ? CW_EINVAL : CW_ENOMEM;
}

static cw_status merge_onto(cw_node *base, const cw_node *patch);

static cw_status merge_child(cw_node *base, const cw_node *patch) {
  cw_node *there = cw_node_find(base, patch->key);
  if (cw_node_is_null(patch)) {
    if (there != NULL) cw_node_detach(there);
    return CW_OK;
  }
  if (patch->kind == CW_NODE_MAP) {
    if (there == NULL || there->kind != CW_NODE_MAP) {
      cw_node fresh = *patch; /* an empty mapping at the place of patch, so that nulls below it are
                                 dropped too */
      fresh.first = fresh.last = NULL;
      cw_node *empty = cw_node_copy(base->job, &fresh, patch->key);
      if (empty == NULL) return copy_failed(base->job);
      if (there != NULL)
        cw_node_take(there, empty);
      else
        cw_node_attach(base, there = empty);
    }
    return merge_onto(there, patch);
  }
  cw_node *copy = cw_node_copy(base->job, patch, patch->key);
  if (copy == NULL) return copy_failed(base->job);
  if (there != NULL)
    cw_node_take(there, copy);
  else
    cw_node_attach(base, copy);
  return CW_OK;
}

static cw_status merge_onto(cw_node *base, const cw_node *patch) {
  for (const cw_node *c = patch->first; c != NULL; c = c->next) CW_TRY(merge_child(base, c));
  return CW_OK;
}

cw_status cw_job_merge(const cw_job *base, const cw_node *patch, cw_job **out) {
  cw_job *job = NULL;
  if (patch != NULL && patch->kind != CW_NODE_MAP)
    return cw_job_fail(patch, NULL, "expected a mapping of keys to change");
  CW_TRY(cw_job_create(base->ctx, &job));
  job->root = cw_node_copy(job, base->root, NULL);
  cw_status st = job->root != NULL ? CW_OK : copy_failed(job);
  if (st == CW_OK && patch != NULL) st = merge_onto(job->root, patch);
  if (st == CW_OK)
    *out = job;
  else
    cw_job_destroy(job);
  return st;
}

cw_status cw_job_replace(cw_node *node, const cw_node *from) {
  cw_node *copy = cw_node_copy(node->job, from, NULL);
  if (copy == NULL) return copy_failed(node->job);
  cw_node_take(node, copy);
  cw_job_accept(node);
  return CW_OK;
}

cw_status cw_job_add_text(cw_node *map, const char *key, const char *more, size_t most) {
  cw_node *node = cw_node_find(map, key);
  if (node == NULL || node->kind != CW_NODE_SCALAR || cw_node_is_null(node)) return CW_OK;
  const size_t n = strlen(node->text), size = n + strlen(more) + 1;
  if (size > most + 1) return CW_OK;
  char *text = cw_arena_alloc(map->job->arena, size);
  if (text == NULL) return cw_fail(map->job->ctx, CW_ENOMEM, "no memory for a job");
  memcpy(text, node->text, n);
  memcpy(text + n, more, size - n);
  node->text = text;
  node->quoted = true;
  return CW_OK;
}

void cw_job_remove(cw_node *map, const char *key) {
  cw_node *child = cw_node_find(map, key);
  if (child != NULL) cw_node_detach(child);
}

/* ------------------------------------------------------------------- places */

/* Writes the path of node at the front of path and returns its length; what does not fit is cut
 * off. */
static size_t path_into(const cw_node *node, char *path, size_t size) {
  if (node->parent == NULL) {
    path[0] = '\0';
    return 0;
  }
  size_t at = path_into(node->parent, path, size);
  int n;
  if (node->key != NULL) {
    n = snprintf(path + at, size - at, "%s%s", at > 0 ? "." : "", node->key);
  } else {
    int i = 0;
    for (const cw_node *c = node->parent->first; c != node; c = c->next) i++;
    n = snprintf(path + at, size - at, "[%d]", i);
  }
  at += n > 0 ? (size_t)n : 0;
  return at < size ? at : size - 1;
}

void cw_node_path(const cw_node *node, char *path, size_t size) { path_into(node, path, size); }

void cw_node_origin(const cw_node *node, char place[CW_PLACE]) {
  if (node->line > 0)
    snprintf(place, CW_PLACE, "%.200s:%d: ", node->origin, node->line);
  else
    snprintf(place, CW_PLACE, "%.200s: ", node->origin);
}

void cw_node_place(const cw_node *node, char place[CW_PLACE]) {
  cw_node_origin(node, place);
  size_t n = strlen(place);
  cw_node_path(node, place + n, CW_PLACE - n - 2);
  if (place[n] != '\0') memcpy(place + strlen(place), ": ", 3);
}

cw_status cw_job_fail(const cw_node *map, const char *key, const char *format, ...) {
  const cw_node *node = key != NULL ? cw_node_find(map, key) : NULL;
  char place[CW_PLACE], what[500];
  cw_node_place(node != NULL ? node : map, place);
  va_list args;
  va_start(args, format);
  vsnprintf(what, sizeof what, format, args);
  va_end(args);
  return cw_fail(map->job->ctx, CW_EINVAL, "%s%s", place, what);
}

void cw_job_accept(cw_node *node) {
  node->used = true;
  for (cw_node *c = node->first; c != NULL; c = c->next) cw_job_accept(c);
}
