/* Typed reading of nodes: look up, check, write the canonical form back. */
#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/job/tree.h"

enum { FOUND = 80, WORDS = 300 };

/* ------------------------------------------------------------------ look-up */

static cw_status remember(cw_node *map, const char *key) {
  for (const cw_asked *a = map->asked; a != NULL; a = a->next)
    if (strcmp(a->key, key) == 0) return CW_OK;
  cw_asked *a = cw_arena_alloc(map->job->arena, sizeof *a);
  const char *copy = cw_job_keep(map->job, key, strlen(key));
  if (a == NULL || copy == NULL) return cw_fail(map->job->ctx, CW_ENOMEM, "no memory for a job");
  *a = (cw_asked){.key = copy, .next = map->asked};
  map->asked = a;
  return CW_OK;
}

/* Finds key and marks it as asked for; *node = NULL: absent. The first look-up moves it to the end,
 * so that keys end up in the order in which the program asks: two jobs that say the same in another
 * order resolve to the same text. */
static cw_status look_up(cw_node *map, const char *key, cw_node **node) {
  CW_REQUIRE(map->kind == CW_NODE_MAP);
  CW_TRY(remember(map, key));
  cw_node *child = cw_node_find(map, key);
  if (child != NULL && !child->used) {
    cw_node_detach(child);
    cw_node_attach(map, child);
    child->used = true;
  }
  *node = child;
  return CW_OK;
}

cw_status cw_job_suspect(const cw_node *map, const char *key) {
  const char *const wanted[] = {key, NULL};
  for (const cw_node *c = map->first; c != NULL; c = c->next) {
    if (c->used || cw_nearest(c->key, wanted) == NULL) continue;
    char path[200], in[220] = "", place[CW_PLACE];
    cw_node_path(map, path, sizeof path);
    if (path[0] != '\0') snprintf(in, sizeof in, " in %s", path);
    cw_node_origin(c, place);
    return cw_fail(map->job->ctx, CW_EINVAL, "%sunknown key '%s'%s; did you mean '%s'?", place,
                   c->key, in, key);
  }
  return CW_OK;
}

static cw_status fail_missing(const cw_node *map, const char *key, const char *help) {
  CW_TRY(cw_job_suspect(map, key));
  if (help == NULL || help[0] == '\0') return cw_job_fail(map, NULL, "missing key '%s'", key);
  return cw_job_fail(map, NULL, "missing key '%s' (%s)", key, help);
}

/* Adds a node that the job did not have, at the place of map. */
static cw_status add_preset(cw_node *map, const char *key, cw_node_kind kind, cw_node **out) {
  key = cw_job_keep(map->job, key, strlen(key));
  if (key == NULL) return CW_ENOMEM;
  cw_node *node = cw_node_create(map->job, kind, key, map);
  if (node == NULL) return map->job->n_nodes >= CW_JOB_MAX_NODES ? CW_EINVAL : CW_ENOMEM;
  node->used = true;
  cw_node_attach(map, node);
  *out = node;
  return CW_OK;
}

static cw_status write_text(cw_node *node, const char *text, bool quoted) {
  text = cw_job_keep(node->job, text, strlen(text));
  if (text == NULL) return CW_ENOMEM;
  node->text = text;
  node->quoted = quoted;
  return CW_OK;
}

static cw_status add_preset_text(cw_node *map, const char *key, const char *text, bool quoted) {
  cw_node *node;
  CW_TRY(add_preset(map, key, CW_NODE_SCALAR, &node));
  return write_text(node, text, quoted);
}

/* What the user wrote, for messages. */
static const char *found(const cw_node *node, char text[FOUND]) {
  if (node->kind != CW_NODE_SCALAR) return node->kind == CW_NODE_MAP ? "a mapping" : "a sequence";
  if (cw_node_is_null(node)) return "nothing";
  int n = (int)strcspn(node->text, "\r\n");
  bool cut = n > 40 || node->text[n] != '\0';
  snprintf(text, FOUND, "'%.*s%s'%s", n > 40 ? 40 : n, node->text, cut ? "..." : "",
           node->quoted ? " in quotes" : "");
  return text;
}

static cw_status fail_expected(const cw_node *node, const char *what) {
  char text[FOUND];
  return cw_job_fail(node, NULL, "expected %s, found %s", what, found(node, text));
}

/* ------------------------------------------------------------------ numbers */

static const char *skip_digits(const char *c) {
  while (isdigit((unsigned char)*c)) c++;
  return c;
}

/* Decimal integers only: 010, 0x10 and 1_000 mean different things in different YAMLs. */
static bool is_integer(const char *c) {
  if (*c == '+' || *c == '-') c++;
  if (!isdigit((unsigned char)*c) || (c[0] == '0' && isdigit((unsigned char)c[1]))) return false;
  return *skip_digits(c) == '\0';
}

static bool is_decimal(const char *c) {
  if (*c == '+' || *c == '-') c++;
  const char *whole = c;
  c = skip_digits(c);
  long digits = c - whole;
  if (*c == '.') {
    const char *fraction = ++c;
    c = skip_digits(c);
    digits += c - fraction;
  }
  if (digits == 0) return false;
  if (*c == 'e' || *c == 'E') {
    c++;
    if (*c == '+' || *c == '-') c++;
    if (!isdigit((unsigned char)*c)) return false;
    c = skip_digits(c);
  }
  return *c == '\0';
}

static bool is_plain_scalar(const cw_node *node) {
  return node->kind == CW_NODE_SCALAR && !node->quoted;
}

static cw_status fail_long_range(const cw_node *node, long min, long max) {
  char text[FOUND];
  if (max == LONG_MAX)
    return cw_job_fail(node, NULL, "must be at least %ld, found %s", min, found(node, text));
  if (min == LONG_MIN)
    return cw_job_fail(node, NULL, "must be at most %ld, found %s", max, found(node, text));
  return cw_job_fail(node, NULL, "must lie in [%ld, %ld], found %s", min, max, found(node, text));
}

static cw_status node_long(cw_node *node, long min, long max, long *value) {
  if (!is_plain_scalar(node) || !is_integer(node->text)) return fail_expected(node, "an integer");
  errno = 0;
  long v = strtol(node->text, NULL, 10);
  if (errno == ERANGE || v < min || v > max) return fail_long_range(node, min, max);
  char text[32];
  snprintf(text, sizeof text, "%ld", v);
  CW_TRY(write_text(node, text, false));
  *value = v;
  return CW_OK;
}

static cw_status fail_double_range(const cw_node *node, double min, double max) {
  char text[FOUND], low[CW_DOUBLE_TEXT], high[CW_DOUBLE_TEXT];
  cw_format_double(min, low);
  cw_format_double(max, high);
  if (max >= DBL_MAX)
    return cw_job_fail(node, NULL, "must be at least %s, found %s", low, found(node, text));
  if (min <= -DBL_MAX)
    return cw_job_fail(node, NULL, "must be at most %s, found %s", high, found(node, text));
  return cw_job_fail(node, NULL, "must lie in [%s, %s], found %s", low, high, found(node, text));
}

static cw_status node_double(cw_node *node, double min, double max, double *value) {
  if (!is_plain_scalar(node) || !is_decimal(node->text)) return fail_expected(node, "a number");
  errno = 0;
  double v = strtod(node->text, NULL);
  if (errno == ERANGE) {
    char shown[FOUND];
    return cw_job_fail(node, NULL, "%s is beyond the range of a double", found(node, shown));
  }
  if (v < min || v > max) return fail_double_range(node, min, max);
  char text[CW_DOUBLE_TEXT];
  cw_format_double(v, text);
  CW_TRY(write_text(node, text, false));
  *value = v;
  return CW_OK;
}

static cw_status read_double(cw_node *map, const char *key, const char *help, double preset,
                             double min, double max, double *value) {
  cw_node *node;
  CW_REQUIRE(!isinf(preset));
  CW_TRY(look_up(map, key, &node));
  if (node != NULL) return node_double(node, min, max, value);
  if (isnan(preset)) return fail_missing(map, key, help);
  char text[CW_DOUBLE_TEXT];
  cw_format_double(preset, text);
  CW_TRY(add_preset_text(map, key, text, false));
  *value = preset;
  return CW_OK;
}

cw_status cw_job_double(cw_node *map, const char *key, double preset, double min, double max,
                        double *value) {
  return read_double(map, key, NULL, preset, min, max, value);
}

/* A flag among parameters, as a number. */
static cw_status read_flag(cw_node *map, const cw_param *p, double *value) {
  bool set = false;
  CW_TRY(cw_job_bool(map, p->name, isnan(p->preset) ? CW_JOB_REQUIRED : p->preset != 0, &set));
  *value = set ? 1 : 0;
  return CW_OK;
}

cw_status cw_job_params(cw_node *map, const cw_param *table, double *values) {
  for (const cw_param *p = table; p->name != NULL; p++, values++) {
    if (p->numbers == CW_FLAG) {
      CW_TRY(read_flag(map, p, values));
      continue;
    }
    CW_TRY(read_double(map, p->name, p->help, p->preset, p->min, p->max, values));
    if (p->numbers == CW_WHOLE && *values != floor(*values))
      return cw_job_fail(map, p->name, "expected a whole number, found %g", *values);
  }
  return CW_OK;
}

cw_status cw_job_long(cw_node *map, const char *key, long preset, long min, long max, long *value) {
  cw_node *node;
  CW_TRY(look_up(map, key, &node));
  if (node != NULL) return node_long(node, min, max, value);
  if (preset == CW_JOB_REQUIRED_LONG) return fail_missing(map, key, NULL);
  char text[32];
  snprintf(text, sizeof text, "%ld", preset);
  CW_TRY(add_preset_text(map, key, text, false));
  *value = preset;
  return CW_OK;
}

/* ------------------------------------------------------------- words and texts */

cw_status cw_job_bool(cw_node *map, const char *key, int preset, bool *value) {
  cw_node *node;
  CW_TRY(look_up(map, key, &node));
  if (node == NULL) {
    if (preset == CW_JOB_REQUIRED) return fail_missing(map, key, NULL);
    CW_TRY(add_preset_text(map, key, preset ? "true" : "false", false));
    *value = preset != 0;
    return CW_OK;
  }
  bool yes = is_plain_scalar(node) && strcmp(node->text, "true") == 0;
  bool no = is_plain_scalar(node) && strcmp(node->text, "false") == 0;
  if (!yes && !no) return fail_expected(node, "true or false");
  *value = yes;
  return CW_OK;
}

static cw_status node_text(const cw_node *node, bool may_be_empty, const char **value) {
  if (node->kind != CW_NODE_SCALAR || cw_node_is_null(node)) return fail_expected(node, "a text");
  if (node->text[0] == '\0' && !may_be_empty)
    return fail_expected(node, "a text that is not empty");
  *value = node->text;
  return CW_OK;
}

cw_status cw_job_string(cw_node *map, const char *key, const char *preset, const char **value) {
  cw_node *node;
  CW_TRY(look_up(map, key, &node));
  if (node == NULL) {
    if (preset == NULL) return fail_missing(map, key, NULL);
    CW_TRY(add_preset_text(map, key, preset, true));
    *value = map->last->text;
    return CW_OK;
  }
  return node_text(node, preset != NULL && preset[0] == '\0', value);
}

cw_status cw_job_as_text(cw_node *node, const char **text) {
  node->used = true;
  return node_text(node, false, text);
}

static cw_status fail_choice(const cw_node *node, const char *what, const char *const *known) {
  char words[WORDS];
  cw_list_words(known, words, sizeof words);
  if (node->kind != CW_NODE_SCALAR || node->text[0] == '\0') {
    char text[FOUND];
    return cw_job_fail(node, NULL, "expected a %s, found %s (known: %s)", what, found(node, text),
                       words);
  }
  const char *near = cw_nearest(node->text, known);
  if (near == NULL)
    return cw_job_fail(node, NULL, "unknown %s '%.60s' (known: %s)", what, node->text, words);
  return cw_job_fail(node, NULL, "unknown %s '%.60s'; did you mean '%s'? (known: %s)", what,
                     node->text, near, words);
}

static cw_status node_choice(cw_node *node, const char *what, const char *const *known,
                             int *value) {
  for (int i = 0; node->kind == CW_NODE_SCALAR && known[i] != NULL; i++) {
    if (strcmp(node->text, known[i]) != 0) continue;
    *value = i;
    return write_text(node, known[i], true);
  }
  return fail_choice(node, what, known);
}

cw_status cw_job_choice(cw_node *map, const char *key, const char *what, const char *const *known,
                        int preset, int *value) {
  cw_node *node;
  CW_TRY(look_up(map, key, &node));
  if (node == NULL) {
    if (preset == CW_JOB_REQUIRED) {
      char help[WORDS + 20] = "one of: ";
      cw_list_words(known, help + strlen(help), WORDS);
      return fail_missing(map, key, help);
    }
    CW_TRY(add_preset_text(map, key, known[preset], true));
    *value = preset;
    return CW_OK;
  }
  return node_choice(node, what, known, value);
}

cw_status cw_job_words(cw_node *map, const char *const *keys, const char *const *const *known,
                       int *values) {
  for (int k = 0; keys != NULL && keys[k] != NULL; k++)
    CW_TRY(cw_job_choice(map, keys[k], keys[k], known[k], 0, &values[k]));
  return CW_OK;
}

/* -------------------------------------------------------------------- lists */

/* Finds a list of 1 to max_count scalars of the kind what. *node = NULL: absent. */
static cw_status look_up_list(cw_node *map, const char *key, const char *what, bool required,
                              int max_count, cw_node **node) {
  char expected[80];
  CW_TRY(look_up(map, key, node));
  if (*node == NULL) return required ? fail_missing(map, key, NULL) : CW_OK;
  snprintf(expected, sizeof expected, "a list of %s", what);
  if ((*node)->kind != CW_NODE_LIST) return fail_expected(*node, expected);
  int n = cw_job_count(*node);
  if (n >= 1 && n <= max_count) return CW_OK;
  return cw_job_fail(*node, NULL, "expected 1 to %d %s, found %d", max_count, what, n);
}

/* Adds item number i of a preset list, which is made with its first item. */
static cw_status add_preset_item(cw_node *list, const char *text) {
  cw_node *item = cw_node_create(list->job, CW_NODE_SCALAR, NULL, list);
  if (item == NULL) return list->job->n_nodes >= CW_JOB_MAX_NODES ? CW_EINVAL : CW_ENOMEM;
  item->used = true;
  cw_node_attach(list, item);
  return write_text(item, text, false);
}

cw_status cw_job_int_list(cw_node *map, const char *key, const int *preset, int n_preset, int min,
                          int max, int max_count, int *values, int *count) {
  cw_node *list;
  CW_TRY(look_up_list(map, key, "integers", preset == NULL, max_count, &list));
  bool absent = list == NULL;
  if (absent) CW_TRY(add_preset(map, key, CW_NODE_LIST, &list));
  for (int i = 0; absent && i < n_preset; i++) {
    char text[32];
    snprintf(text, sizeof text, "%d", preset[i]);
    CW_TRY(add_preset_item(list, text));
  }
  int n = 0;
  for (cw_node *item = list->first; item != NULL; item = item->next) {
    long v;
    CW_TRY(node_long(item, min, max, &v));
    values[n++] = (int)v;
  }
  *count = n;
  return CW_OK;
}

cw_status cw_job_choices(cw_node *map, const char *key, const char *what, const char *const *known,
                         int max_count, int *values, int *count) {
  cw_node *list;
  char kind[80];
  snprintf(kind, sizeof kind, "%ss", what);
  CW_TRY(look_up_list(map, key, kind, true, max_count, &list));
  *count = 0;
  for (cw_node *item = list->first; item != NULL; item = item->next) {
    int v = 0;
    item->used = true;
    CW_TRY(node_choice(item, what, known, &v));
    values[(*count)++] = v;
  }
  return CW_OK;
}

cw_status cw_job_double_list(cw_node *map, const char *key, const double *preset, int n_preset,
                             double min, double max, int max_count, double *values, int *count) {
  cw_node *list;
  CW_TRY(look_up_list(map, key, "numbers", preset == NULL, max_count, &list));
  bool absent = list == NULL;
  if (absent) CW_TRY(add_preset(map, key, CW_NODE_LIST, &list));
  for (int i = 0; absent && i < n_preset; i++) {
    char text[CW_DOUBLE_TEXT];
    cw_format_double(preset[i], text);
    CW_TRY(add_preset_item(list, text));
  }
  int n = 0;
  for (cw_node *item = list->first; item != NULL; item = item->next)
    CW_TRY(node_double(item, min, max, &values[n++]));
  *count = n;
  return CW_OK;
}

/* ----------------------------------------------------------------- children */

static cw_status look_up_child(cw_node *map, const char *key, cw_node_kind kind, const char *what,
                               cw_job_presence presence, cw_node **child) {
  cw_node *node;
  CW_TRY(look_up(map, key, &node));
  if (node == NULL && presence == CW_JOB_MUST) return fail_missing(map, key, NULL);
  if (node == NULL && presence == CW_JOB_PRESET) CW_TRY(add_preset(map, key, kind, &node));
  if (node != NULL && cw_node_is_null(node)) node->kind = kind;
  if (node != NULL && node->kind != kind) return fail_expected(node, what);
  *child = node;
  return CW_OK;
}

cw_status cw_job_map(cw_node *map, const char *key, cw_job_presence presence, cw_node **child) {
  return look_up_child(map, key, CW_NODE_MAP, "a mapping", presence, child);
}

cw_status cw_job_list(cw_node *map, const char *key, cw_job_presence presence, cw_node **child) {
  return look_up_child(map, key, CW_NODE_LIST, "a sequence", presence, child);
}

bool cw_job_has(const cw_node *map, const char *key) { return cw_node_find(map, key) != NULL; }

bool cw_job_is_word(const cw_node *map, const char *key) {
  const cw_node *n = cw_node_find(map, key);
  return n != NULL && n->kind == CW_NODE_SCALAR && !cw_node_is_null(n);
}

cw_status cw_job_as_map(cw_node *node) {
  node->used = true;
  if (cw_node_is_null(node)) node->kind = CW_NODE_MAP;
  return node->kind == CW_NODE_MAP ? CW_OK : fail_expected(node, "a mapping");
}

/* ------------------------------------------------------------------- finish */

/* The keys asked for in map, in the order of asking, NULL-terminated, in the arena; NULL: no
 * memory. */
static const char **asked_words(const cw_node *map) {
  size_t n = 0;
  for (const cw_asked *a = map->asked; a != NULL; a = a->next) n++;
  const char **words = cw_arena_alloc(map->job->arena, (n + 1) * sizeof *words);
  if (words == NULL) return NULL;
  words[n] = NULL;
  for (const cw_asked *a = map->asked; a != NULL; a = a->next) words[--n] = a->key;
  return words;
}

static cw_status fail_unknown(const cw_node *node) {
  const cw_node *map = node->parent;
  char path[200], in[220] = "", known[WORDS], place[CW_PLACE];
  const char **words = asked_words(map);
  if (words == NULL) return cw_fail(node->job->ctx, CW_ENOMEM, "no memory for a job");
  cw_node_path(map, path, sizeof path);
  if (path[0] != '\0') snprintf(in, sizeof in, " in %s", path);
  cw_node_origin(node, place);
  const char *near = cw_nearest(node->key, words);
  if (near != NULL)
    return cw_fail(node->job->ctx, CW_EINVAL, "%sunknown key '%s'%s; did you mean '%s'?", place,
                   node->key, in, near);
  cw_list_words(words, known, sizeof known);
  return cw_fail(node->job->ctx, CW_EINVAL, "%sunknown key '%s'%s (known: %s)", place, node->key,
                 in, known[0] != '\0' ? known : "none");
}

cw_status cw_job_finish(const cw_node *node) {
  for (const cw_node *c = node->first; c != NULL; c = c->next) {
    if (node->kind == CW_NODE_MAP && !c->used) return fail_unknown(c);
    CW_TRY(cw_job_finish(c));
  }
  return CW_OK;
}
