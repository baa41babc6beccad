/* YAML text into nodes, through libyaml's events. */
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "app/job/tree.h"

typedef struct {
  cw_job *job;
  yaml_parser_t parser;
  const char *origin; /* kept in the arena */
  bool with_lines;
} reader;

static int line_of(const reader *r, const yaml_mark_t *mark) {
  return r->with_lines ? (int)mark->line + 1 : 0;
}

/* A failure at a mark: "x.yaml:3:7: what". */
static cw_status fail_at(reader *r, const yaml_mark_t *mark, const char *what) {
  if (!r->with_lines) return cw_fail(r->job->ctx, CW_EINVAL, "%s: %s", r->origin, what);
  return cw_fail(r->job->ctx, CW_EINVAL, "%s:%zu:%zu: %s", r->origin, mark->line + 1,
                 mark->column + 1, what);
}

static cw_status fail_parser(reader *r) {
  const yaml_parser_t *p = &r->parser;
  char what[300];
  if (p->error == YAML_MEMORY_ERROR)
    return cw_fail(r->job->ctx, CW_ENOMEM, "no memory for '%s'", r->origin);
  if (p->error == YAML_READER_ERROR)
    return cw_fail(r->job->ctx, CW_EINVAL, "%s: not a text in UTF-8: %s at byte %zu", r->origin,
                   p->problem, p->problem_offset);
  snprintf(what, sizeof what, "not valid YAML: %s%s%s",
           p->problem != NULL ? p->problem : "syntax error", p->context != NULL ? " " : "",
           p->context != NULL ? p->context : "");
  return fail_at(r, &p->problem_mark, what);
}

static cw_status next_event(reader *r, yaml_event_t *event) {
  if (yaml_parser_parse(&r->parser, event)) return CW_OK;
  return fail_parser(r);
}

static cw_status refuse_extras(reader *r, const yaml_event_t *e, const yaml_char_t *anchor,
                               const yaml_char_t *tag) {
  if (anchor != NULL)
    return fail_at(r, &e->start_mark, "anchors (&name) are not supported in jobs");
  if (tag != NULL) return fail_at(r, &e->start_mark, "tags (!name) are not supported in jobs");
  return CW_OK;
}

/* What YAML 1.1 and 1.2 read as null, apart from nothing at all. */
static bool is_null_word(const char *text) {
  return strcmp(text, "~") == 0 || strcmp(text, "null") == 0 || strcmp(text, "Null") == 0 ||
         strcmp(text, "NULL") == 0;
}

static cw_status new_node(reader *r, const yaml_event_t *event, cw_node_kind kind, const char *key,
                          cw_node **out) {
  cw_node place = {.origin = r->origin, .line = line_of(r, &event->start_mark)};
  *out = cw_node_create(r->job, kind, key, &place);
  if (*out != NULL) return CW_OK;
  return r->job->n_nodes >= CW_JOB_MAX_NODES ? CW_EINVAL : CW_ENOMEM;
}

/* The text of a scalar event. */
static cw_status scalar_text(reader *r, const yaml_event_t *event, const char **text) {
  const char *value = (const char *)event->data.scalar.value;
  size_t n = event->data.scalar.length;
  CW_TRY(refuse_extras(r, event, event->data.scalar.anchor, event->data.scalar.tag));
  if (memchr(value, '\0', n) != NULL)
    return fail_at(r, &event->start_mark, "a text with a zero byte");
  *text = cw_job_keep(r->job, value, n);
  return *text != NULL ? CW_OK : CW_ENOMEM;
}

static cw_status scalar_node(reader *r, const yaml_event_t *event, const char *key, cw_node **out) {
  const char *text;
  CW_TRY(scalar_text(r, event, &text));
  CW_TRY(new_node(r, event, CW_NODE_SCALAR, key, out));
  (*out)->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
  (*out)->text = !(*out)->quoted && is_null_word(text) ? "" : text;
  return CW_OK;
}

static cw_status value_node(reader *r, const yaml_event_t *event, const char *key, int depth,
                            cw_node **out);

/* Reads the next value into parent. */
static cw_status child_node(reader *r, cw_node *parent, const char *key, int depth) {
  yaml_event_t event;
  cw_node *child;
  CW_TRY(next_event(r, &event));
  cw_status st = value_node(r, &event, key, depth, &child);
  yaml_event_delete(&event);
  if (st == CW_OK) cw_node_attach(parent, child);
  return st;
}

static cw_status read_items(reader *r, cw_node *list, int depth) {
  for (;;) {
    yaml_event_t event;
    cw_node *child;
    CW_TRY(next_event(r, &event));
    if (event.type == YAML_SEQUENCE_END_EVENT) {
      yaml_event_delete(&event);
      return CW_OK;
    }
    cw_status st = value_node(r, &event, NULL, depth, &child);
    yaml_event_delete(&event);
    if (st != CW_OK) return st;
    cw_node_attach(list, child);
  }
}

static cw_status check_key(reader *r, const cw_node *map, const yaml_event_t *event,
                           const char **key) {
  char what[CW_JOB_MAX_KEY + 100];
  if (event->type != YAML_SCALAR_EVENT)
    return fail_at(r, &event->start_mark,
                   event->type == YAML_ALIAS_EVENT ? "aliases (*name) are not supported in jobs"
                                                   : "a key must be a word");
  CW_TRY(scalar_text(r, event, key));
  if (**key == '\0') return fail_at(r, &event->start_mark, "an empty key");
  if (strlen(*key) > CW_JOB_MAX_KEY)
    return fail_at(r, &event->start_mark, "a key of more than 128 bytes");
  if (strcmp(*key, "<<") == 0)
    return fail_at(r, &event->start_mark, "merge keys (<<) are not supported in jobs");
  const cw_node *twin = cw_node_find(map, *key);
  if (twin == NULL) return CW_OK;
  int n = snprintf(what, sizeof what, "key '%s' is given twice", *key);
  if (r->with_lines) snprintf(what + n, sizeof what - (size_t)n, ", first in line %d", twin->line);
  return fail_at(r, &event->start_mark, what);
}

static cw_status read_entries(reader *r, cw_node *map, int depth) {
  for (;;) {
    yaml_event_t event;
    const char *key;
    CW_TRY(next_event(r, &event));
    if (event.type == YAML_MAPPING_END_EVENT) {
      yaml_event_delete(&event);
      return CW_OK;
    }
    cw_status st = check_key(r, map, &event, &key);
    int line = line_of(r, &event.start_mark);
    yaml_event_delete(&event);
    if (st == CW_OK) st = child_node(r, map, key, depth);
    if (st != CW_OK) return st;
    map->last->line = line; /* a key's line says more than the line where its value begins */
  }
}

static cw_status value_node(reader *r, const yaml_event_t *event, const char *key, int depth,
                            cw_node **out) {
  if (depth > CW_JOB_MAX_DEPTH) return fail_at(r, &event->start_mark, "nested too deeply");
  switch (event->type) {
  case YAML_SCALAR_EVENT:
    return scalar_node(r, event, key, out);
  case YAML_SEQUENCE_START_EVENT:
    CW_TRY(
        refuse_extras(r, event, event->data.sequence_start.anchor, event->data.sequence_start.tag));
    CW_TRY(new_node(r, event, CW_NODE_LIST, key, out));
    return read_items(r, *out, depth + 1);
  case YAML_MAPPING_START_EVENT:
    CW_TRY(
        refuse_extras(r, event, event->data.mapping_start.anchor, event->data.mapping_start.tag));
    CW_TRY(new_node(r, event, CW_NODE_MAP, key, out));
    return read_entries(r, *out, depth + 1);
  case YAML_ALIAS_EVENT:
    return fail_at(r, &event->start_mark, "aliases (*name) are not supported in jobs");
  default:
    return fail_at(r, &event->start_mark, "expected a value");
  }
}

/* The first document's value; an empty stream gives a null node and sets *ended. */
static cw_status read_first_value(reader *r, cw_node **out, bool *ended) {
  for (;;) {
    yaml_event_t event;
    CW_TRY(next_event(r, &event));
    bool begins = event.type == YAML_STREAM_START_EVENT || event.type == YAML_DOCUMENT_START_EVENT;
    *ended = event.type == YAML_STREAM_END_EVENT;
    cw_status st = CW_OK;
    if (*ended)
      st = new_node(r, &event, CW_NODE_SCALAR, NULL, out);
    else if (!begins)
      st = value_node(r, &event, NULL, 0, out);
    yaml_event_delete(&event);
    if (st != CW_OK || !begins) return st;
  }
}

static cw_status read_document(reader *r, cw_node **out) {
  bool ended = false;
  CW_TRY(read_first_value(r, out, &ended));
  while (!ended) {
    yaml_event_t event;
    CW_TRY(next_event(r, &event));
    cw_status st = CW_OK;
    if (event.type == YAML_DOCUMENT_START_EVENT)
      st = fail_at(r, &event.start_mark, "a second document in one job");
    ended = event.type == YAML_STREAM_END_EVENT;
    yaml_event_delete(&event);
    if (st != CW_OK) return st;
  }
  return CW_OK;
}

cw_status cw_job_parse_value(cw_job *job, const char *text, size_t size, const char *origin,
                             bool with_lines, cw_node **out) {
  reader r = {.job = job, .with_lines = with_lines};
  r.origin = cw_job_keep(job, origin, strlen(origin));
  if (r.origin == NULL) return CW_ENOMEM;
  if (!yaml_parser_initialize(&r.parser))
    return cw_fail(job->ctx, CW_ENOMEM, "no memory for '%s'", origin);
  yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, size);
  cw_status st = read_document(&r, out);
  yaml_parser_delete(&r.parser);
  return st;
}
