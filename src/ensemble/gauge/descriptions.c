#include "ensemble/gauge/descriptions.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "ensemble/gauge/records.h"
#include "ensemble/gauge/xml.h"

enum { MAX_XML = 1 << 20, TAG_TEXT = 64 };

/* The text of a record, with a final zero. The caller frees it. */
static cw_status read_text(const cw_gauge_file *file, const cw_lime_record *r, char **text) {
  if (r->length > MAX_XML)
    return cw_gauge_fail(file, CW_ECORRUPT,
                         "absurd record %s: expected at most %d bytes of XML, found %" PRIu64,
                         r->type, MAX_XML, r->length);
  *text = calloc((size_t)r->length + 1, 1);
  if (*text == NULL)
    return cw_fail(file->ctx, CW_ENOMEM, "no memory for record %s of '%s'", r->type, file->path);
  cw_status st = cw_gauge_read(file, r->at, *text, (size_t)r->length, r->type);
  if (st == CW_OK) return CW_OK;
  free(*text);
  *text = NULL;
  return st;
}

/* An XML record being asked for its elements. */
typedef struct {
  const cw_gauge_file *file;
  const cw_lime_record *record;
  const char *text;
} xml_record;

/* *found: is it there? value (TAG_TEXT). */
static cw_status ask_text(const xml_record *x, const char *tag, char *value, bool *found) {
  cw_xml answer = cw_xml_text(x->text, (size_t)x->record->length, tag, value, TAG_TEXT);
  *found = answer == CW_XML_FOUND;
  if (answer == CW_XML_CONTRADICTS)
    return cw_gauge_fail(x->file, CW_ECORRUPT, "%s: <%s> is there twice, and not the same",
                         x->record->type, tag);
  if (answer != CW_XML_BAD) return CW_OK;
  return cw_gauge_fail(x->file, CW_ECORRUPT, "%s: expected a short text in <%s>, found none",
                       x->record->type, tag);
}

static cw_status ask_number(const xml_record *x, const char *tag, int base, uint64_t *out,
                            bool *found) {
  char value[TAG_TEXT], quoted[TAG_TEXT];
  CW_TRY(ask_text(x, tag, value, found));
  if (!*found || cw_gauge_integer(value, base, UINT32_MAX, out)) return CW_OK;
  return cw_gauge_fail(x->file, CW_ECORRUPT, "%s: expected a number in <%s>, found '%s'",
                       x->record->type, tag,
                       cw_gauge_quote(quoted, sizeof quoted, value, strlen(value)));
}

/* What a record says; precision 0, colours 0: nothing. */
typedef struct {
  int colours;
  bool has_extent, has_sum;
  uint64_t extent[4];
  int precision;
  uint32_t sum_a, sum_b;
} stated;

/* The kinds of links by their numbers of colours. */
static const cw_field_kind kind_of[] = {0, CW_LINK_U1, CW_LINK_SU2, CW_LINK_SU3};
enum { MOST_COLOURS = 3 };

static cw_status read_field(const xml_record *x, stated *out) {
  char field[TAG_TEXT], known[TAG_TEXT], quoted[TAG_TEXT];
  bool found;
  CW_TRY(ask_text(x, "field", field, &found));
  if (!found) cw_gauge_warn(x->file, "ildg-format lacks <field>; taken for su3gauge");
  if (!found) return CW_OK;
  for (int n = 1; n <= MOST_COLOURS; n++) {
    snprintf(known, sizeof known, "%sgauge", cw_kind(kind_of[n])->name);
    if (strcmp(field, known) == 0) out->colours = n;
  }
  if (out->colours != 0) return CW_OK;
  return cw_gauge_fail(x->file, CW_EINVAL,
                       "ildg-format: expected the field su3gauge, su2gauge or u1gauge, found '%s'",
                       cw_gauge_quote(quoted, sizeof quoted, field, strlen(field)));
}

/* ildg-format: field, precision 32 or 64, lx ly lz lt. */
static cw_status read_ildg_format(const xml_record *x, stated *out) {
  static const char *const length[4] = {"lx", "ly", "lz", "lt"};
  char version[TAG_TEXT];
  bool found;
  uint64_t precision = 0;
  CW_TRY(ask_text(x, "version", version, &found));
  if (!found) cw_gauge_warn(x->file, "ildg-format lacks <version>");
  CW_TRY(read_field(x, out));
  for (int mu = 0; mu < 4; mu++) {
    CW_TRY(ask_number(x, length[mu], 10, &out->extent[mu], &found));
    if (!found)
      return cw_gauge_fail(x->file, CW_ECORRUPT, "ildg-format: expected <%s>, found none",
                           length[mu]);
  }
  out->has_extent = true;
  CW_TRY(ask_number(x, "precision", 10, &precision, &found));
  if (!found) cw_gauge_warn(x->file, "ildg-format lacks <precision>; taken from the record's size");
  if (found && precision != 32 && precision != 64)
    return cw_gauge_fail(x->file, CW_ECORRUPT,
                         "ildg-format: expected precision 32 or 64, found %" PRIu64, precision);
  out->precision = (int)precision;
  return CW_OK;
}

/* scidac-private-file-xml: <dims>4 4 4 8</dims>. */
static cw_status read_scidac_file(const xml_record *x, stated *out) {
  char dims[TAG_TEXT], quoted[TAG_TEXT], *save = NULL;
  bool found;
  CW_TRY(ask_text(x, "dims", dims, &found));
  if (!found) return CW_OK;
  cw_gauge_quote(quoted, sizeof quoted, dims, strlen(dims));
  int n = 0;
  for (char *word = strtok_r(dims, " \t\r\n", &save); word != NULL;
       word = strtok_r(NULL, " \t\r\n", &save), n++)
    if (n >= 4 || !cw_gauge_integer(word, 10, UINT32_MAX, &out->extent[n])) n = 8;
  out->has_extent = n == 4;
  if (n == 4) return CW_OK;
  return cw_gauge_fail(x->file, CW_ECORRUPT, "%s: expected four numbers in <dims>, found '%s'",
                       x->record->type, quoted);
}

/* scidac-private-record-xml: precision F or D, colours, datacount data of typesize bytes. */
static cw_status read_scidac_record(const xml_record *x, stated *out) {
  char word[TAG_TEXT], quoted[TAG_TEXT];
  bool found, has_size, has_count;
  uint64_t colors = 0, size = 0, count = 0;
  CW_TRY(ask_text(x, "precision", word, &found));
  if (found) out->precision = word[0] == 'F' ? 32 : word[0] == 'D' ? 64 : -1;
  if (found && (out->precision < 0 || word[1] != '\0'))
    return cw_gauge_fail(x->file, CW_ECORRUPT, "%s: expected precision F or D, found '%s'",
                         x->record->type,
                         cw_gauge_quote(quoted, sizeof quoted, word, strlen(word)));
  CW_TRY(ask_number(x, "colors", 10, &colors, &found));
  if (found && (colors < 1 || colors > MOST_COLOURS))
    return cw_gauge_fail(x->file, CW_EINVAL, "%s: expected 1 to %d colors, found %" PRIu64,
                         x->record->type, MOST_COLOURS, colors);
  out->colours = (int)colors;
  CW_TRY(ask_number(x, "typesize", 10, &size, &has_size));
  CW_TRY(ask_number(x, "datacount", 10, &count, &has_count));
  if (!has_size || !has_count) return CW_OK;
  const uint64_t n = found ? colors : 3, single = 32 * n * n; /* bytes of four matrices */
  if (out->precision == 0) out->precision = size * count == single ? 32 : 64;
  uint64_t site = out->precision == 32 ? single : 2 * single;
  if (size * count != site)
    return cw_gauge_fail(x->file, CW_EINVAL,
                         "%s: expected a gauge field of %" PRIu64 " bytes per site, found %" PRIu64
                         " times %" PRIu64,
                         x->record->type, site, count, size);
  return CW_OK;
}

/* suma and sumb of scidac-checksum; QIO writes them without leading zeros. */
static cw_status read_checksum(const xml_record *x, stated *out) {
  bool has_a, has_b;
  uint64_t a = 0, b = 0;
  CW_TRY(ask_number(x, "suma", 16, &a, &has_a));
  CW_TRY(ask_number(x, "sumb", 16, &b, &has_b));
  if (!has_a || !has_b)
    return cw_gauge_fail(x->file, CW_ECORRUPT, "scidac-checksum: expected <%s>, found none",
                         has_a ? "sumb" : "suma");
  *out = (stated){.has_sum = true, .sum_a = (uint32_t)a, .sum_b = (uint32_t)b};
  return CW_OK;
}

static void add_site(cw_site_sum *sum, const uint8_t *site, size_t bytes, bool big_endian) {
  (void)big_endian;
  cw_sum_rotated(sum, (uint32_t)crc32(crc32(0, NULL, 0), site, (uInt)bytes));
}

const cw_checksum_kind cw_checksum_scidac = {"SciDAC checksum", 2, add_site};

/* ------------------------------------------- records of one type, which must agree */

typedef cw_status (*record_reader)(const xml_record *x, stated *out);

static bool agree(const stated *a, const stated *b) {
  if (a->has_extent && b->has_extent && memcmp(a->extent, b->extent, sizeof a->extent) != 0)
    return false;
  if (a->precision != 0 && b->precision != 0 && a->precision != b->precision) return false;
  if (a->colours != 0 && b->colours != 0 && a->colours != b->colours) return false;
  return !a->has_sum || (a->sum_a == b->sum_a && a->sum_b == b->sum_b);
}

/* "2x2x2x2 in 64 bits", "64 bits", "10d0ea1a / a6a1b3b8" into text (TAG_TEXT + 64). */
static const char *describe(const stated *s, bool with_colours, char *text, size_t size) {
  size_t n = 0;
  const uint64_t *e = s->extent;
  text[0] = '\0';
  if (s->has_extent)
    n = (size_t)snprintf(text, size, "%" PRIu64 "x%" PRIu64 "x%" PRIu64 "x%" PRIu64 "%s", e[0],
                         e[1], e[2], e[3], s->precision != 0 ? " in " : "");
  if (s->precision != 0) n += (size_t)snprintf(text + n, size - n, "%d bits", s->precision);
  if (with_colours && s->colours != 0)
    snprintf(text + n, size - n, "%s%s", n > 0 ? " of " : "", cw_kind_title(kind_of[s->colours]));
  if (s->has_sum) snprintf(text, size, "%08" PRIx32 " / %08" PRIx32, s->sum_a, s->sum_b);
  return text;
}

static cw_status read_one(const cw_gauge_file *file, const cw_lime_record *r, record_reader read,
                          stated *out) {
  char *text = NULL;
  *out = (stated){0};
  CW_TRY(read_text(file, r, &text));
  cw_status st = read(&(xml_record){file, r, text}, out);
  free(text);
  return st;
}

/* All records of a type; none: *out is empty. */
static cw_status read_alike(const cw_gauge_file *file, const cw_alike_records *all,
                            record_reader read, stated *out) {
  char here[TAG_TEXT + 64], there[TAG_TEXT + 64];
  *out = (stated){0};
  if (all->n > 0) CW_TRY(read_one(file, &all->record[0], read, out));
  for (int i = 1; i < all->n; i++) {
    stated again;
    CW_TRY(read_one(file, &all->record[i], read, &again));
    const bool colours = out->colours != again.colours;
    if (!agree(out, &again))
      return cw_gauge_fail(file, CW_ECORRUPT, "two records %.60s contradict each other: %s and %s",
                           all->record[i].type, describe(out, colours, here, sizeof here),
                           describe(&again, colours, there, sizeof there));
  }
  if (all->n > 1)
    cw_gauge_warn(file, "there are %d records %.60s; they agree", all->n, all->record[0].type);
  return CW_OK;
}

static cw_status find_checksum(const cw_gauge_file *file, const cw_gauge_records *all,
                               cw_gauge_header *h) {
  stated sum;
  CW_TRY(read_alike(file, &all->checksum, read_checksum, &sum));
  h->has_checksum = sum.has_sum;
  h->sum_a = sum.sum_a;
  h->sum_b = sum.sum_b;
  if (!sum.has_sum)
    cw_gauge_warn(file, "there is no scidac-checksum: damaged links would go unnoticed");
  return CW_OK;
}

static cw_status find_origin(const cw_gauge_file *file, const cw_gauge_records *all,
                             cw_gauge_header *h) {
  for (int i = 0; i < all->origin.n; i++) {
    char *text = NULL;
    CW_TRY(read_text(file, &all->origin.record[i], &text));
    h->ignored |= cw_gauge_checks_of(text);
    free(text);
  }
  return CW_OK;
}

/* The lattice from ildg-format, from SciDAC, or from the user; those that know must agree. */
static cw_status find_lattice(const cw_gauge_file *file, const stated *ildg, const stated *scidac,
                              cw_lattice *lat) {
  bool from_ildg = ildg->has_extent, from_scidac = scidac->has_extent;
  cw_lattice other;
  char said[CW_LATTICE_TEXT], also[CW_LATTICE_TEXT];
  if (from_scidac) CW_TRY(cw_gauge_lattice(file, scidac->extent, "scidac-private-file-xml", lat));
  if (from_ildg) {
    other = *lat;
    CW_TRY(cw_gauge_lattice(file, ildg->extent, "ildg-format", lat));
    if (from_scidac && !cw_lattice_equal(lat, &other))
      return cw_gauge_fail(file, CW_ECORRUPT,
                           "dimensions disagree: %s in ildg-format, %s in scidac-private-file-xml",
                           cw_gauge_lattice_text(lat, said), cw_gauge_lattice_text(&other, also));
  }
  if (from_ildg || from_scidac) return CW_OK;
  if (file->expected == NULL)
    return cw_gauge_fail(file, CW_EINVAL,
                         "the file does not say how large its lattice is (no ildg-format): it must "
                         "be given (--lattice X,Y,Z,T)");
  *lat = *file->expected;
  return CW_OK;
}

/* The precision that the size of the data implies must be the one that is stated, if any is. */
static cw_status find_precision(const cw_gauge_file *file, const cw_gauge_records *all,
                                const stated *ildg, const stated *scidac, cw_gauge_header *h) {
  char lattice[CW_LATTICE_TEXT];
  h->layout =
      (cw_site_layout){.n = h->layout.n, .precision = 32, .rows = h->layout.n, .big_endian = true};
  uint64_t single = cw_sites_bytes(&h->layout, &h->lat), size = all->data.length;
  int wanted = ildg->precision != 0 ? ildg->precision : scidac->precision;
  if (ildg->precision != 0 && scidac->precision != 0 && ildg->precision != scidac->precision)
    return cw_gauge_fail(file, CW_ECORRUPT, "precisions disagree: %d in ildg-format, %d in %s",
                         ildg->precision, scidac->precision, all->record_xml.record[0].type);
  cw_gauge_lattice_text(&h->lat, lattice);
  if (wanted != 0 && size != single * (uint64_t)(wanted / 32))
    return cw_gauge_fail(file, CW_ECORRUPT,
                         "%s: expected %" PRIu64
                         " bytes for a lattice %s of %s in %d bits, found %" PRIu64,
                         all->data.type, single * (uint64_t)(wanted / 32), lattice,
                         cw_kind_title(h->kind), wanted, size);
  if (size != single && size != 2 * single)
    return cw_gauge_fail(file, CW_ECORRUPT,
                         "%s: expected %" PRIu64 " or %" PRIu64
                         " bytes for a lattice %s of %s in 32 or 64 bits, found %" PRIu64,
                         all->data.type, single, 2 * single, lattice, cw_kind_title(h->kind), size);
  h->layout.precision = size == single ? 32 : 64;
  return CW_OK;
}

/* Which links they are: of ildg-format and SciDAC, which must agree; else of SU(3). */
static cw_status find_kind(const cw_gauge_file *file, const stated *ildg, const stated *record,
                           cw_gauge_header *h) {
  const bool says = ildg->colours != 0;
  const int n = says ? ildg->colours : record->colours != 0 ? record->colours : 3;
  if (says && record->colours != 0 && record->colours != n)
    return cw_gauge_fail(file, CW_ECORRUPT,
                         "colors disagree: %s in ildg-format, %d in scidac-private-record-xml",
                         cw_kind_title(kind_of[n]), record->colours);
  return cw_gauge_kind(file, kind_of[n],
                       says                   ? "ildg-format"
                       : record->colours != 0 ? "scidac-private-record-xml"
                                              : "a file that says nothing of colors",
                       h);
}

cw_status cw_gauge_describe(const cw_gauge_file *file, cw_gauge_header *h) {
  cw_gauge_records all;
  stated ildg, scidac, record;
  CW_TRY(cw_gauge_records_read(file, &all));
  h->at = all.data.at;
  CW_TRY(read_alike(file, &all.ildg_format, read_ildg_format, &ildg));
  CW_TRY(read_alike(file, &all.file_xml, read_scidac_file, &scidac));
  CW_TRY(read_alike(file, &all.record_xml, read_scidac_record, &record));
  CW_TRY(find_kind(file, &ildg, &record, h));
  CW_TRY(find_lattice(file, &ildg, &scidac, &h->lat));
  if (all.is_ildg && all.ildg_format.n == 0)
    cw_gauge_warn(file, "there is no ildg-format: the dimensions are %s",
                  scidac.has_extent ? "those of scidac-private-file-xml" : "what the user says");
  else if (!all.is_ildg && !scidac.has_extent)
    cw_gauge_warn(file, "there are no SciDAC dimensions: they are %s",
                  ildg.has_extent ? "those of ildg-format" : "what the user says");
  CW_TRY(find_precision(file, &all, &ildg, &record, h));
  CW_TRY(find_origin(file, &all, h));
  return find_checksum(file, &all, h);
}
