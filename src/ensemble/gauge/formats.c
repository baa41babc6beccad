/* The list of formats, and which of them a file is. */
#include "ensemble/gauge/formats.h"

#include <inttypes.h>
#include <string.h>

#include "ensemble/gauge/bytes.h"

#define CW_FORMAT(name) extern const cw_format cw_format_##name;
#include "ensemble/gauge/formats.def"
#undef CW_FORMAT

#define CW_FORMAT(name) &cw_format_##name,
const cw_format *const cw_formats[] = {
#include "ensemble/gauge/formats.def"
    NULL};
#undef CW_FORMAT

_Static_assert(sizeof cw_formats / sizeof *cw_formats <= CW_MAX_FORMATS + 1, "CW_MAX_FORMATS");

const cw_format *cw_format_find(const char *name) {
  for (int i = 0; cw_formats[i] != NULL; i++)
    if (strcmp(cw_formats[i]->name, name) == 0) return cw_formats[i];
  return NULL;
}

bool cw_format_has(const int *numbers, int wanted) {
  while (*numbers != 0 && *numbers != wanted) numbers++;
  return *numbers != 0;
}

const char *const *cw_format_names(bool written, const char **names) {
  int n = 0;
  for (int i = 0; cw_formats[i] != NULL; i++)
    if (!written || cw_formats[i]->write != NULL) names[n++] = cw_formats[i]->name;
  names[n] = NULL;
  return names;
}

const char *const *cw_format_titles(const char **titles) {
  int n = 0;
  for (; cw_formats[n] != NULL; n++) titles[n] = cw_formats[n]->title;
  titles[n] = NULL;
  return titles;
}

static cw_status unknown(const cw_gauge_file *file, const uint8_t *start, size_t n) {
  enum { QUOTED = 12 };
  char quoted[QUOTED + 1], list[400];
  const char *title[CW_MAX_FORMATS + 1];
  cw_join_words(cw_format_titles(title), ", ", " or ", list, sizeof list);
  return cw_gauge_fail(file, CW_EINVAL,
                       "expected a configuration (%s), found a file of %" PRIu64
                       " bytes that starts with '%s' (%08" PRIx32 ")",
                       list, file->size, cw_gauge_quote(quoted, sizeof quoted, start, n),
                       cw_get32(start, true));
}

cw_status cw_gauge_recognise(const cw_gauge_file *file, const cw_format **format) {
  uint8_t start[CW_FORMAT_START] = {0};
  size_t n = file->size < sizeof start ? (size_t)file->size : sizeof start;
  CW_TRY(cw_gauge_read(file, 0, start, n, "the header"));
  for (int i = 0; cw_formats[i] != NULL; i++)
    if (cw_formats[i]->recognises(file, start)) {
      *format = cw_formats[i];
      return CW_OK;
    }
  return unknown(file, start, n);
}
