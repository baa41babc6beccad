/* NERSC archive files: lines KEY = VALUE between BEGIN_HEADER and END_HEADER, then the links.
 * Source: NERSC Gauge Connection, "Gauge configuration archive format", and what its readers do;
 * DATATYPE of SU(2) as Grid writes and reads it (parallelIO, NerscIO.h); that of U(1) is ours. */
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ensemble/gauge/bytes.h"
#include "ensemble/gauge/formats.h"

enum { MAX_HEADER = 1 << 16, VALUE_TEXT = 128 };

static const char BEGIN[] = "BEGIN_HEADER", END[] = "END_HEADER";
/* Our own key: the checks that were ignored where the links come from, as words. */
static const char ORIGIN[] = "IGNORED_CHECKS";

/* The header's lines, with final zero; at: where the links begin. */
typedef struct {
  const cw_gauge_file *file;
  char *text;
  uint64_t at;
} lines;

/* The line after the one at s; NULL: none. */
static char *next_line(char *s) {
  s = strchr(s, '\n');
  return s != NULL ? s + 1 : NULL;
}

static cw_status read_lines(const cw_gauge_file *file, lines *out) {
  size_t n = file->size < MAX_HEADER ? (size_t)file->size : MAX_HEADER;
  *out = (lines){.file = file, .text = calloc(n + 1, 1)};
  if (out->text == NULL) return cw_fail(file->ctx, CW_ENOMEM, "no memory for '%s'", file->path);
  CW_TRY(cw_gauge_read(file, 0, out->text, n, "the header"));
  for (char *s = next_line(out->text); s != NULL; s = next_line(s)) {
    if (strncmp(s, END, sizeof END - 1) != 0) continue;
    char *behind = next_line(s);
    if (behind == NULL) break;
    out->at = (uint64_t)(behind - out->text);
    *s = '\0';
    return CW_OK;
  }
  return cw_gauge_fail(file, CW_ECORRUPT, "expected a line %s within %d bytes, found none", END,
                       MAX_HEADER);
}

/* The value of a key, without blanks around it, into value (VALUE_TEXT), from the line at from on.
 * The line behind it; NULL: not there. */
static char *find_from(char *from, const char *key, char *value) {
  size_t n = strlen(key);
  for (char *s = from; s != NULL; s = next_line(s)) {
    s += strspn(s, " \t");
    if (strncmp(s, key, n) != 0) continue;
    const char *equals = s + n + strspn(s + n, " \t");
    if (*equals != '=') continue;
    const char *text = equals + 1 + strspn(equals + 1, " \t");
    size_t length = strcspn(text, "\r\n");
    while (length > 0 && isspace((unsigned char)text[length - 1])) length--;
    cw_gauge_quote(value, VALUE_TEXT, text, length);
    s += strcspn(s, "\n");
    return *s == '\n' ? s + 1 : s;
  }
  value[0] = '\0';
  return NULL;
}

static bool find(const lines *l, const char *key, char *value) {
  return find_from(l->text, key, value) != NULL;
}

/* A key that is there twice must say the same. */
static cw_status check_twice(const lines *l) {
  static const char *const key[] = {
      "DATATYPE",       "DIMENSION_1", "DIMENSION_2", "DIMENSION_3", "DIMENSION_4",
      "FLOATING_POINT", "CHECKSUM",    "PLAQUETTE",   "LINK_TRACE",  "BOUNDARY_1",
      "BOUNDARY_2",     "BOUNDARY_3",  "BOUNDARY_4",  NULL};
  for (int k = 0; key[k] != NULL; k++) {
    char first[VALUE_TEXT], again[VALUE_TEXT], *behind = find_from(l->text, key[k], first);
    bool twice = false;
    while (behind != NULL && (behind = find_from(behind, key[k], again)) != NULL) {
      twice = true;
      if (strcmp(first, again) != 0)
        return cw_gauge_fail(l->file, CW_ECORRUPT,
                             "two lines of the header contradict each other: %s = %s and %s",
                             key[k], first, again);
    }
    if (twice) cw_gauge_warn(l->file, "the header has %s more than once; the lines agree", key[k]);
  }
  return CW_OK;
}

static cw_status need(const lines *l, const char *key, char *value) {
  return find(l, key, value) ? CW_OK
                             : cw_gauge_fail(l->file, CW_ECORRUPT,
                                             "expected a line %s = ... in the header, found "
                                             "none",
                                             key);
}

static cw_status read_lattice(const lines *l, cw_lattice *lat) {
  uint64_t extent[4];
  char key[24], value[VALUE_TEXT];
  for (int mu = 0; mu < 4; mu++) {
    snprintf(key, sizeof key, "DIMENSION_%d", mu + 1);
    CW_TRY(need(l, key, value));
    if (!cw_gauge_integer(value, 10, UINT32_MAX, &extent[mu]))
      return cw_gauge_fail(l->file, CW_ECORRUPT, "%s: expected a number, found '%s'", key, value);
  }
  return cw_gauge_lattice(l->file, extent, "the header", lat);
}

/* What DATATYPE says of the links. */
typedef struct {
  const char *word; /* capitals and small letters count alike */
  cw_field_kind kind;
  int rows;
} datatype;

static const datatype datatypes[] = {
    {"4D_SU3_GAUGE", CW_LINK_SU3, 2}, {"4D_SU3_GAUGE_3x3", CW_LINK_SU3, 3},
    {"4D_SU2_GAUGE", CW_LINK_SU2, 1}, {"4D_SU2_GAUGE_2x2", CW_LINK_SU2, 2},
    {"4D_U1_GAUGE", CW_LINK_U1, 1},
};
enum { N_DATATYPES = sizeof datatypes / sizeof *datatypes };

static cw_status read_datatype(const lines *l, cw_gauge_header *h) {
  char value[VALUE_TEXT], list[200];
  const char *word[N_DATATYPES + 1] = {NULL};
  CW_TRY(need(l, "DATATYPE", value));
  for (int i = 0; i < N_DATATYPES; i++) {
    word[i] = datatypes[i].word;
    if (strcasecmp(value, datatypes[i].word) != 0) continue;
    h->layout.rows = datatypes[i].rows;
    return cw_gauge_kind(l->file, datatypes[i].kind, "DATATYPE", h);
  }
  return cw_gauge_fail(l->file, CW_EINVAL, "DATATYPE: expected %s, found '%s'",
                       cw_join_words(word, ", ", " or ", list, sizeof list), value);
}

static const char *datatype_of(cw_field_kind kind, int rows) {
  for (int i = 0; i < N_DATATYPES; i++)
    if (datatypes[i].kind == kind && datatypes[i].rows == rows) return datatypes[i].word;
  return "";
}

/* |first row|^2 - 1 of the first link, of so many reals, read in one byte order. */
static double row_defect(const uint8_t *bytes, int reals, int precision, bool big_endian) {
  double norm = 0;
  for (int k = 0; k < reals; k++) {
    double x;
    if (precision == 64) {
      uint64_t w = cw_get64(bytes + 8 * k, big_endian);
      memcpy(&x, &w, sizeof x);
    } else {
      uint32_t w = cw_get32(bytes + 4 * k, big_endian);
      float y;
      memcpy(&y, &w, sizeof y);
      x = (double)y;
    }
    norm += x * x;
  }
  return isfinite(norm) ? fabs(norm - 1) : INFINITY;
}

/* Codes disagree about "IEEE32" without BIG or LITTLE: the order that makes the first row of the
 * first link a unit vector is right. */
static cw_status guess_order(const lines *l, cw_site_layout *layout) {
  uint8_t bytes[48];
  const int reals = 2 * layout->n;
  size_t n = (size_t)(reals * layout->precision / 8);
  CW_TRY(cw_gauge_read(l->file, l->at, bytes, n, "the first link"));
  double big = row_defect(bytes, reals, layout->precision, true);
  double little = row_defect(bytes, reals, layout->precision, false);
  layout->big_endian = !(little < big);
  cw_gauge_warn(l->file, "FLOATING_POINT = IEEE%d names no byte order: by the first link it is %s",
                layout->precision, layout->big_endian ? "BIG" : "LITTLE");
  return CW_OK;
}

static cw_status read_numbers(const lines *l, cw_site_layout *layout) {
  char value[VALUE_TEXT];
  CW_TRY(need(l, "FLOATING_POINT", value));
  bool single = strncmp(value, "IEEE32", 6) == 0, twice = strncmp(value, "IEEE64", 6) == 0;
  const char *order = single || twice ? value + 6 : "?";
  layout->precision = twice ? 64 : 32;
  layout->big_endian = strcmp(order, "BIG") == 0;
  if (layout->big_endian || strcmp(order, "LITTLE") == 0) return CW_OK;
  if (order[0] == '\0') return guess_order(l, layout);
  return cw_gauge_fail(l->file, CW_EINVAL,
                       "FLOATING_POINT: expected IEEE32BIG, IEEE32LITTLE, IEEE64BIG or "
                       "IEEE64LITTLE, found '%s'",
                       value);
}

static cw_status read_checksum(const lines *l, cw_gauge_header *h) {
  char value[VALUE_TEXT];
  uint64_t sum = 0;
  h->has_checksum = find(l, "CHECKSUM", value);
  if (!h->has_checksum)
    cw_gauge_warn(l->file, "there is no CHECKSUM: damaged links could go unnoticed");
  else if (!cw_gauge_integer(value, 16, UINT32_MAX, &sum)) {
    h->has_checksum = false;
    return cw_gauge_disagree(l->file, CW_CHECK_CHECKSUM,
                             "CHECKSUM: expected a hexadecimal number of 32 bits, found '%s'",
                             value);
  }
  h->sum_a = (uint32_t)sum;
  return CW_OK;
}

/* One unit of the last digit written, but at most 1e-4. */
static double last_digit(const char *value) {
  const char *point = strchr(value, '.'), *exponent = strpbrk(value, "eE");
  size_t decimals = point != NULL ? strspn(point + 1, "0123456789") : 0;
  long power = exponent != NULL ? strtol(exponent + 1, NULL, 10) : 0;
  if (labs(power) > 400) power = power > 0 ? 400 : -400;
  return fmin(pow(10, (double)(power - (long)decimals)), 1e-4);
}

/* Tolerance: the rounding of the text, and of the sums of a code that works in the precision of its
 * file. */
static cw_status read_stated(const lines *l, const char *key, cw_configuration_check check,
                             int precision, cw_gauge_stated *out) {
  char value[VALUE_TEXT], *end;
  out->given = find(l, key, value);
  if (!out->given) {
    cw_gauge_warn(l->file, "there is no %s in the header", key);
    return CW_OK;
  }
  out->value = strtod(value, &end);
  if (end == value || *end != '\0' || !isfinite(out->value)) {
    out->given = false;
    return cw_gauge_disagree(l->file, check, "%s: expected a number, found '%s'", key, value);
  }
  out->tolerance = fmax(last_digit(value), precision == 32 ? 1e-5 : 1e-8);
  return CW_OK;
}

static void warn_boundary(const lines *l) {
  char key[24], value[VALUE_TEXT];
  for (int mu = 0; mu < 4; mu++) {
    snprintf(key, sizeof key, "BOUNDARY_%d", mu + 1);
    if (!find(l, key, value) || strcmp(value, "PERIODIC") == 0) continue;
    cw_gauge_warn(l->file, "%s = %.40s: links at that boundary may hold a sign", key, value);
  }
}

static cw_status read_keys(const lines *l, cw_gauge_header *h) {
  char origin[VALUE_TEXT];
  h->at = l->at;
  CW_TRY(check_twice(l));
  CW_TRY(read_datatype(l, h));
  CW_TRY(read_lattice(l, &h->lat));
  CW_TRY(read_numbers(l, &h->layout));
  CW_TRY(read_checksum(l, h));
  CW_TRY(read_stated(l, "PLAQUETTE", CW_CHECK_PLAQUETTE, h->layout.precision, &h->plaquette));
  CW_TRY(read_stated(l, "LINK_TRACE", CW_CHECK_LINK_TRACE, h->layout.precision, &h->link_trace));
  warn_boundary(l);
  if (find(l, ORIGIN, origin)) h->ignored = cw_gauge_checks_of(origin);
  return cw_gauge_block_last(l->file, h);
}

static bool recognises(const cw_gauge_file *file, const uint8_t *start) {
  (void)file;
  return memcmp(start, BEGIN, sizeof BEGIN - 1) == 0;
}

static cw_status read_header(const cw_gauge_file *file, cw_gauge_header *h) {
  lines l;
  cw_status st = read_lines(file, &l);
  if (st == CW_OK) st = read_keys(&l, h);
  free(l.text);
  return st;
}

/* a: sum of all 32-bit words, in the byte order of the file. */
static void add_site(cw_site_sum *sum, const uint8_t *site, size_t bytes, bool big_endian) {
  for (size_t i = 0; i < bytes; i += 4) sum->a += cw_get32(site + i, big_endian);
}

static const cw_checksum_kind checksum = {"CHECKSUM", 1, add_site};

static cw_status write(const cw_gauge_writing *w) {
  const int *extent = w->conf->lat.extent;
  cw_site_sum sum = {.kind = &checksum}, again = sum;
  char text[1024], checks[CW_CHECKS_TEXT], origin[CW_CHECKS_TEXT + 32] = "";
  /* the checksum comes before the links */
  CW_TRY(cw_sites_write(w->ctx, &w->layout, w->conf, NULL, &sum));
  if (w->conf->ignored != 0)
    snprintf(origin, sizeof origin, "%s = %s\n", ORIGIN,
             cw_gauge_checks_text(w->conf->ignored, checks));
  int n = snprintf(text, sizeof text,
                   "%s\nHDR_VERSION = 1.0\nDATATYPE = %s\nSTORAGE_FORMAT = 1.0\n"
                   "DIMENSION_1 = %d\nDIMENSION_2 = %d\nDIMENSION_3 = %d\nDIMENSION_4 = %d\n"
                   "LINK_TRACE = %.15g\nPLAQUETTE = %.15g\n"
                   "BOUNDARY_1 = PERIODIC\nBOUNDARY_2 = PERIODIC\nBOUNDARY_3 = PERIODIC\n"
                   "BOUNDARY_4 = PERIODIC\nCHECKSUM = %08" PRIx32 "\nCREATOR = causeway\n%s"
                   "FLOATING_POINT = IEEE%dBIG\n%s\n",
                   BEGIN, datatype_of(w->conf->kind, w->layout.rows), extent[0], extent[1],
                   extent[2], extent[3], w->measured->link_trace, w->measured->plaquette, sum.a,
                   origin, w->layout.precision, END);
  CW_TRY(cw_disk_put(w->out, (const uint8_t *)text, (size_t)n));
  return cw_sites_write(w->ctx, &w->layout, w->conf, w->out, &again);
}

extern const cw_format cw_format_nersc;
const cw_format cw_format_nersc = {
    .name = "nersc",
    .title = "NERSC",
    .source = "NERSC Gauge Connection, archive format",
    .ending = {".nersc"},
    .kinds = 1u << CW_LINK_U1 | 1u << CW_LINK_SU2 | 1u << CW_LINK_SU3,
    .precision = {32, 64},
    .rows = {3, 2},
    .checks = CW_CHECK_CHECKSUM | CW_CHECK_PLAQUETTE | CW_CHECK_LINK_TRACE,
    .checksum = &checksum,
    .recognises = recognises,
    .header = read_header,
    .read = cw_gauge_read_block,
    .write = write,
};
