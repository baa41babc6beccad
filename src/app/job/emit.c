/* Nodes into canonical YAML: block mappings, flow sequences of scalars, one spelling per value. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/job/tree.h"

/* ------------------------------------------------------------- growing text */

typedef struct {
  char *bytes; /* zero-terminated once non-NULL */
  size_t n, capacity;
  bool failed;
} text;

static void add(text *t, const char *s, size_t n) {
  if (t->failed) return;
  if (t->n + n + 1 > t->capacity) {
    size_t capacity = 2 * (t->n + n + 1) + 256;
    char *grown = realloc(t->bytes, capacity);
    if (grown == NULL) {
      t->failed = true;
      return;
    }
    t->bytes = grown;
    t->capacity = capacity;
  }
  memcpy(t->bytes + t->n, s, n);
  t->n += n;
  t->bytes[t->n] = '\0';
}

static void add_text(text *t, const char *s) { add(t, s, strlen(s)); }

static void add_indent(text *t, int indent) {
  for (int i = 0; i < indent; i++) add(t, " ", 1);
}

/* ------------------------------------------------------------------ scalars */

/* May s stand without quotes wherever a scalar may stand? Stricter than YAML. */
static bool is_plain(const char *s) {
  const char *c = s;
  if (*c == '-' || *c == '+') c++;
  if (*c == '.') c++;
  if (!isalnum((unsigned char)*c) && (c != s || (*c != '_' && *c != '/'))) return false;
  for (c = s; *c != '\0'; c++) {
    if (isalnum((unsigned char)*c) || strchr("_/.+-*()^=", *c) != NULL) continue;
    if (*c != ' ' || c[1] == ' ' || c[1] == '\0') return false;
  }
  return true;
}

/* Words that a YAML reader might not take for a text. */
static bool is_special_word(const char *s) {
  static const char *const words[] = {"null", "true", "false", "yes", "no",
                                      "on",   "off",  "y",     "n",   NULL};
  for (int i = 0; words[i] != NULL; i++)
    if (strcasecmp(s, words[i]) == 0) return true;
  return false;
}

/* One character of valid UTF-8: its code point and length. */
static int decode(const unsigned char *s, unsigned *code) {
  static const unsigned char mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  int n = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
  *code = s[0] & mask[n];
  for (int i = 1; i < n; i++) *code = *code << 6 | (s[i] & 0x3fu);
  return n;
}

static bool is_printable(unsigned code) {
  if (code < 0xa1) return code >= 0x20 && code < 0x7f;
  return code != 0x2028 && code != 0x2029 && code != 0xfeff && code != 0xfffe && code != 0xffff;
}

static void add_quoted(text *t, const char *s) {
  add_text(t, "\"");
  for (const unsigned char *c = (const unsigned char *)s; *c != '\0';) {
    unsigned code;
    int n = decode(c, &code);
    char escape[16] = "";
    if (code == '"' || code == '\\')
      snprintf(escape, sizeof escape, "\\%c", (int)code);
    else if (code == '\n')
      snprintf(escape, sizeof escape, "\\n");
    else if (!is_printable(code))
      snprintf(escape, sizeof escape, code < 0x100 ? "\\x%02X" : "\\u%04X", code);
    if (escape[0] != '\0')
      add_text(t, escape);
    else
      add(t, (const char *)c, (size_t)n);
    c += n;
  }
  add_text(t, "\"");
}

static void add_key(text *t, const char *key) {
  if (is_plain(key))
    add_text(t, key);
  else
    add_quoted(t, key);
}

static void add_scalar(text *t, const cw_node *node) {
  bool is_word = isalpha((unsigned char)node->text[0]) && !is_special_word(node->text);
  if (cw_node_is_null(node))
    add_text(t, "~");
  else if (is_plain(node->text) && (!node->quoted || is_word))
    add_text(t, node->text);
  else
    add_quoted(t, node->text);
}

/* --------------------------------------------------------------------- trees */

static void add_block(text *t, const cw_node *node, int indent, bool at_margin);

static bool is_flow(const cw_node *node) {
  if (node->kind == CW_NODE_SCALAR || node->first == NULL) return true;
  if (node->kind == CW_NODE_MAP) return false;
  for (const cw_node *c = node->first; c != NULL; c = c->next)
    if (c->kind != CW_NODE_SCALAR) return false;
  return true;
}

/* Scalars, empty mappings and sequences of scalars: on one line. */
static void add_flow(text *t, const cw_node *node) {
  if (node->kind == CW_NODE_SCALAR) {
    add_scalar(t, node);
    return;
  }
  add_text(t, node->kind == CW_NODE_MAP ? "{" : "[");
  for (const cw_node *c = node->first; c != NULL; c = c->next) {
    add_scalar(t, c);
    if (c->next != NULL) add_text(t, ", ");
  }
  add_text(t, node->kind == CW_NODE_MAP ? "}" : "]");
}

/* What stands behind "- " or "key:", without the blank. */
static void add_value(text *t, const cw_node *node, int indent) {
  if (is_flow(node)) {
    add_text(t, " ");
    add_flow(t, node);
    add_text(t, "\n");
  } else {
    add_text(t, "\n");
    add_block(t, node, indent + 2, false);
  }
}

static void add_item(text *t, const cw_node *item, int indent) {
  add_text(t, "-");
  if (is_flow(item) || item->kind == CW_NODE_LIST) {
    add_value(t, item, indent);
  } else {
    add_text(t, " ");
    add_block(t, item, indent + 2, true);
  }
}

/* at_margin: the first line's indent is already there. */
static void add_block(text *t, const cw_node *node, int indent, bool at_margin) {
  for (const cw_node *c = node->first; c != NULL; c = c->next) {
    if (!at_margin || c != node->first) add_indent(t, indent);
    if (node->kind == CW_NODE_LIST) {
      add_item(t, c, indent);
    } else {
      add_key(t, c->key);
      add_text(t, ":");
      add_value(t, c, indent);
    }
  }
}

cw_status cw_job_emit(const cw_node *node, char **out) {
  text t = {0};
  if (is_flow(node)) {
    add_flow(&t, node);
    add_text(&t, "\n");
  } else {
    add_block(&t, node, 0, false);
  }
  if (t.failed) {
    free(t.bytes);
    return cw_fail(node->job->ctx, CW_ENOMEM, "no memory to write a job");
  }
  *out = t.bytes;
  return CW_OK;
}
