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

void cw_format_rows(const cw_format *format, int n_colours, int rows[3]) {
  int n = 0;
  for (int i = 0; format->rows[i] != 0; i++) {
    const int left = n_colours - (3 - format->rows[i]);
    if (left >= 1) rows[n++] = left;
  }
  rows[n] = 0;
}

const char *cw_kind_title(cw_field_kind kind) {
  static const char *const title[] = {[CW_SITE_REAL] = "real fields",
                                      [CW_LINK_U1] = "U(1)",
                                      [CW_LINK_SU2] = "SU(2)",
                                      [CW_LINK_SU3] = "SU(3)",
                                      [CW_SITE_SPIN] = "spins"};
  return title[kind];
}

cw_status cw_gauge_kind(const cw_gauge_file *file, cw_field_kind kind, const char *what,
                        cw_gauge_header *header) {
  header->kind = kind;
  header->layout.n = cw_kind(kind)->on_links ? cw_kind(kind)->n_colours : 1;
  if (file->kind == NULL || *file->kind == kind) return CW_OK;
  return cw_gauge_fail(file, CW_EINVAL, "expected %s, found %s in %s", cw_kind_title(*file->kind),
                       cw_kind_title(kind), what);
}

/* HiRep: big endian, the number of colours, extents t, x, y, z, then a plaquette between -1 and 1. */
static bool is_hirep(const uint8_t *start) {
  const uint64_t w = cw_get64(start + 20, true);
  double plaquette;
  bool extents = true;
  memcpy(&plaquette, &w, sizeof plaquette);
  for (int k = 1; k <= 4; k++) {
    const uint32_t e = cw_get32(start + 4 * k, true);
    extents = extents && e >= 1 && e <= 4096;
  }
  return extents && cw_get32(start, true) >= 2 && cw_get32(start, true) <= 32 && plaquette >= -1 &&
         plaquette <= 1;
}

/* What people have, and we do not read; NULL: none of these. */
static const char *known(const uint8_t *start) {
  /* MILC, include/file_types.h: versions 1 to 4, of 1996, and FNAL's. */
  static const uint32_t milc[] = {59354, 53546, 0x71626434};
  static const struct {
    uint8_t magic[6];
    size_t n;
    const char *what;
  } kinds[] = {{{0x1f, 0x8b}, 2, "compressed by gzip: unpack it first"},
               {"BZh", 3, "compressed by bzip2: unpack it first"},
               {{0xfd, '7', 'z', 'X', 'Z'}, 5, "compressed by xz: unpack it first"},
               {{0x28, 0xb5, 0x2f, 0xfd}, 4, "compressed by zstd: unpack it first"}};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (memcmp(start, kinds[i].magic, kinds[i].n) == 0) return kinds[i].what;
  for (size_t i = 0; i < sizeof milc / sizeof *milc; i++)
    if (cw_get32(start, true) == milc[i] || cw_get32(start, false) == milc[i])
      return "an old one of MILC (version 1, 1996 or FNAL): have MILC write version 5 or ILDG";
  return is_hirep(start) ? "HiRep: have it converted to ILDG or openQCD" : NULL;
}

static cw_status unknown(const cw_gauge_file *file, const uint8_t *start, size_t n) {
  enum { QUOTED = 12 };
  char quoted[QUOTED + 1], list[400];
  const char *title[CW_MAX_FORMATS + 1];
  cw_join_words(cw_format_titles(title), ", ", " or ", list, sizeof list);
  if (known(start) != NULL)
    return cw_gauge_fail(file, CW_EINVAL, "expected a configuration (%s), found a file that is %s",
                         list, known(start));
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
