#include "ensemble/gauge/xml.h"

#include <string.h>

/* What is left to read. */
typedef struct {
  const char *at, *end;
} span;

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

static bool starts(span s, const char *with) {
  size_t n = strlen(with);
  return (size_t)(s.end - s.at) >= n && memcmp(s.at, with, n) == 0;
}

/* Moves behind the next occurrence of mark; false: there is none. */
static bool skip_past(span *s, const char *mark) {
  for (; s->at < s->end; s->at++)
    if (starts(*s, mark)) {
      s->at += strlen(mark);
      return true;
    }
  return false;
}

/* From inside a start tag to behind its '>'; a '>' within quotes does not end it. false: no end, or
 * "/>", an element without text. */
static bool skip_tag(span *s) {
  char quote = '\0', before = '\0';
  for (; s->at < s->end; s->at++) {
    char c = *s->at;
    if (quote != '\0') {
      if (c == quote) quote = '\0';
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '>') {
      s->at++;
      return before != '/';
    }
    before = c;
  }
  return false;
}

/* s is behind a '<' or "</". Is this a tag of that name, with or without a prefix "p:"? Moves
 * behind the name. */
static bool is_named(span *s, const char *tag) {
  const char *name = s->at;
  for (; s->at < s->end && !is_blank(*s->at) && *s->at != '>' && *s->at != '/'; s->at++)
    if (*s->at == ':') name = s->at + 1;
  size_t n = strlen(tag);
  return (size_t)(s->at - name) == n && memcmp(name, tag, n) == 0;
}

/* The text up to the end tag of that name, without blanks around it. */
static cw_xml text_of(span s, const char *tag, span *text) {
  const char *begin = s.at, *stop = memchr(s.at, '<', (size_t)(s.end - s.at));
  if (stop == NULL || s.end - stop < 2 || stop[1] != '/') return CW_XML_BAD;
  span close = {stop + 2, s.end};
  if (!is_named(&close, tag)) return CW_XML_BAD;
  while (begin < stop && is_blank(*begin)) begin++;
  while (stop > begin && is_blank(stop[-1])) stop--;
  *text = (span){begin, stop};
  return CW_XML_FOUND;
}

/* The text of the next element of that name; moves behind its start tag. */
static cw_xml next_text(span *s, const char *tag, span *text) {
  while (skip_past(s, "<")) {
    if (starts(*s, "!--")) {
      if (!skip_past(s, "-->")) break;
    } else if (is_named(s, tag)) {
      return skip_tag(s) ? text_of(*s, tag, text) : CW_XML_BAD;
    }
  }
  return CW_XML_MISSING;
}

static bool same(span a, span b) {
  return a.end - a.at == b.end - b.at && memcmp(a.at, b.at, (size_t)(a.end - a.at)) == 0;
}

cw_xml cw_xml_text(const char *xml, size_t n, const char *tag, char *value, size_t size) {
  span s = {xml, xml + n}, text = {NULL, NULL}, again;
  value[0] = '\0';
  cw_xml answer = next_text(&s, tag, &text);
  if (answer != CW_XML_FOUND) return answer;
  size_t length = (size_t)(text.end - text.at);
  if (length >= size || memchr(text.at, '\0', length) != NULL) return CW_XML_BAD;
  memcpy(value, text.at, length);
  value[length] = '\0';
  while ((answer = next_text(&s, tag, &again)) == CW_XML_FOUND)
    if (!same(text, again)) return CW_XML_CONTRADICTS;
  return answer == CW_XML_MISSING ? CW_XML_FOUND : answer;
}
