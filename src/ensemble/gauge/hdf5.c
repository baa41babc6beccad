/* Our own files, of fields of every theory on lattices of 1 to 4 dimensions: sealed HDF5 as sealed.h
 * describes it, so that h5dump and h5py read them. Attributes of the root:
 *   format "causeway-configuration"   version 1   causeway: who wrote it
 *   kind   "su3", "su2", "u1", "real", "spin"
 * and those that may be missing:
 *   theory "su3"   parameters "beta=6"   ignored_checks "plaquette, link_trace"
 *   plaquette, link_trace: doubles, of links
 * One data set of doubles, x being the index that runs fastest among the sites:
 *   links (t, z, y, x, direction, row, column, re/im)   or   field (t, z, y, x, component)
 * Fewer dimensions leave out t, then z, y. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ensemble/arrays.h"
#include "ensemble/gauge/formats.h"
#include "ensemble/seal.h"
#include "ensemble/sealed.h"

static const cw_file_format own = {"causeway-configuration", "configuration", 1};
static const char SIGNATURE[] = "\x89HDF\r\n\x1a\n";
enum { KINDS = CW_SITE_SPIN + 1 };

static const char *array_name(cw_field_kind kind) {
  return cw_kind(kind)->on_links ? "links" : "field";
}

/* ------------------------------------------------------------------------ label */

/* What a file says of itself; numbers NAN, texts "": not said. */
typedef struct {
  char kind[32], theory[32], parameters[480], ignored[CW_CHECKS_TEXT];
  double plaquette, link_trace;
} label;

static bool put_label(cw_h5_id file, const void *of) {
  const label *l = of;
  const struct {
    const char *name, *text;
  } texts[] = {
      {"theory", l->theory}, {"parameters", l->parameters}, {"ignored_checks", l->ignored}};
  bool ok = cw_h5_put_text(file, "kind", l->kind);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (texts[i].text[0] != '\0') ok = ok && cw_h5_put_text(file, texts[i].name, texts[i].text);
  if (isfinite(l->plaquette)) ok = ok && cw_h5_put_double(file, "plaquette", l->plaquette);
  if (isfinite(l->link_trace)) ok = ok && cw_h5_put_double(file, "link_trace", l->link_trace);
  return ok;
}

/* Fit for a message, into out (size); false: it is not there. */
static bool get_text(cw_h5_id file, const char *name, size_t max_bytes, char *out, size_t size) {
  char *text = cw_h5_get_text(file, name, max_bytes);
  if (text == NULL) return false;
  cw_gauge_quote(out, size, text, strlen(text));
  free(text);
  return true;
}

static bool get_label(cw_h5_id file, size_t max_bytes, void *of) {
  label *l = of;
  get_text(file, "theory", max_bytes, l->theory, sizeof l->theory);
  get_text(file, "parameters", max_bytes, l->parameters, sizeof l->parameters);
  get_text(file, "ignored_checks", max_bytes, l->ignored, sizeof l->ignored);
  if (!cw_h5_get_double(file, "plaquette", &l->plaquette)) l->plaquette = NAN;
  if (!cw_h5_get_double(file, "link_trace", &l->link_trace)) l->link_trace = NAN;
  return get_text(file, "kind", max_bytes, l->kind, sizeof l->kind);
}

/* ---------------------------------------------------------------------- reading */

static bool recognises(const cw_gauge_file *file, const uint8_t *start) {
  (void)file;
  return memcmp(start, SIGNATURE, sizeof SIGNATURE - 1) == 0;
}

static bool has_seal(const uint8_t *bytes, size_t size) {
  return size >= CW_SEAL_BYTES && cw_seal_is_there(bytes + size - CW_SEAL_BYTES);
}

/* The whole file, of which nothing is parsed before its seal was checked. */
static cw_status decode(const cw_gauge_file *file, label *l, cw_arrays *set) {
  const cw_labelled labelled = {put_label, get_label, l};
  const size_t size = (size_t)file->size;
  uint8_t *bytes = malloc(size + 1);
  if (bytes == NULL) return cw_fail(file->ctx, CW_ENOMEM, "no memory to read '%s'", file->path);
  cw_status st = cw_gauge_read(file, 0, bytes, size, "the file");
  if (st == CW_OK && !has_seal(bytes, size))
    st =
        cw_gauge_fail(file, CW_ECORRUPT,
                      "expected the seal of causeway at the end of an HDF5 file, found none: it is "
                      "truncated, or of another code (JLD2, Bridge++), of which nothing says in "
                      "which order the links are");
  cw_medium m = {.fd = CW_MEDIUM_MEMORY, .bytes = bytes, .size = size};
  if (st == CW_OK) st = cw_seal_check(file->ctx, file->path, &m);
  if (st == CW_OK)
    st = cw_sealed_decode(file->ctx, file->path, &own, &m, &labelled, NULL, NULL, set);
  free(bytes);
  return st;
}

static cw_status find_kind(const cw_gauge_file *file, const label *l, cw_gauge_header *h) {
  const char *name[KINDS + 1] = {NULL};
  char list[100];
  for (int k = 0; k < KINDS; k++) {
    name[k] = cw_kind((cw_field_kind)k)->name;
    if (strcmp(name[k], l->kind) == 0)
      return cw_gauge_kind(file, (cw_field_kind)k, "attribute kind", h);
  }
  return cw_gauge_fail(file, CW_EINVAL, "attribute kind: expected %s, found '%s'",
                       cw_join_words(name, ", ", " or ", list, sizeof list), l->kind);
}

/* "4x2x2x2x4x3x3x2" */
static const char *shape_text(const cw_array *a, char *text, size_t size) {
  size_t n = 0;
  text[0] = '\0';
  for (int d = 0; d < a->rank && n < size; d++)
    n += (size_t)snprintf(text + n, size - n, "%s%ld", d > 0 ? "x" : "", a->dim[d]);
  return text;
}

/* The dimension of the lattice that an array of links or of a field has; 0: its shape is not that
 * of one. */
static int dimension_of(const cw_array *a, const cw_gauge_header *h) {
  const bool links = cw_kind(h->kind)->on_links;
  const int dim = a->rank - (links ? 4 : 1), n = h->layout.n;
  if (dim < 1 || dim > CW_MAX_DIM) return 0;
  const long *rest = a->dim + dim;
  const bool fits = links ? rest[0] == dim && rest[1] == n && rest[2] == n && rest[3] == 2
                          : rest[0] >= 1 && rest[0] <= INT16_MAX;
  return fits ? dim : 0;
}

static cw_status check_shape(const cw_gauge_file *file, const cw_array *a, cw_gauge_header *h) {
  const int dim = dimension_of(a, h);
  const char *name = array_name(h->kind);
  uint64_t extent[CW_MAX_DIM];
  char shape[200];
  if (dim == 0)
    return cw_gauge_fail(file, CW_ECORRUPT, "data set %s: expected the shape of %s, found %s", name,
                         cw_kind_title(h->kind), shape_text(a, shape, sizeof shape));
  for (int mu = 0; mu < dim; mu++) extent[mu] = (uint64_t)a->dim[dim - 1 - mu];
  h->n_comp = cw_kind(h->kind)->on_links ? 0 : (int)a->dim[dim];
  CW_TRY(cw_gauge_lattice_of(file, dim, extent, name, &h->lat));
  if (file->kind == NULL || cw_kind(h->kind)->on_links || h->n_comp == file->n_comp) return CW_OK;
  return cw_gauge_fail(file, CW_EINVAL, "expected %d numbers per site, found %d", file->n_comp,
                       h->n_comp);
}

static cw_gauge_stated stated(const cw_gauge_file *file, const char *name, double value) {
  if (!isfinite(value)) cw_gauge_warn(file, "there is no %s in the file", name);
  return (cw_gauge_stated){.given = isfinite(value), .value = value, .tolerance = 1e-10};
}

static cw_status understand(const cw_gauge_file *file, const label *l, cw_arrays *set,
                            cw_gauge_header *h) {
  CW_TRY(find_kind(file, l, h));
  h->layout.precision = 64;
  h->layout.rows = h->layout.n;
  cw_array *a = (cw_array *)cw_arrays_get(set, array_name(h->kind)); /* of our own set */
  if (a == NULL)
    return cw_gauge_fail(file, CW_ECORRUPT, "expected a data set %s, found none",
                         array_name(h->kind));
  CW_TRY(check_shape(file, a, h));
  if (cw_kind(h->kind)->on_links && h->lat.dim > 1)
    h->plaquette = stated(file, "plaquette", l->plaquette);
  if (cw_kind(h->kind)->on_links) h->link_trace = stated(file, "link_trace", l->link_trace);
  h->ignored = cw_gauge_checks_of(l->ignored);
  memcpy(h->theory, l->theory, sizeof h->theory);
  memcpy(h->parameters, l->parameters, sizeof h->parameters);
  h->values = a->data;
  a->owned = false;
  return CW_OK;
}

static cw_status read_header(const cw_gauge_file *file, cw_gauge_header *h) {
  label l = {.kind = ""};
  cw_arrays set = {0};
  cw_status st = decode(file, &l, &set);
  if (st == CW_OK) st = understand(file, &l, &set, h);
  cw_arrays_clear(&set);
  return st;
}

static bool all_finite(const double *x, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!isfinite(x[i])) return false;
  return true;
}

static cw_status fail_not_finite(const cw_gauge_file *file, const cw_lattice *lat, const int *x) {
  char site[64];
  size_t n = 0;
  for (int mu = 0; mu < lat->dim; mu++)
    n += (size_t)snprintf(site + n, sizeof site - n, "%s%d", mu > 0 ? "," : "", x[mu]);
  return cw_gauge_fail(file, CW_ECORRUPT,
                       "expected finite numbers, found one that is not at site %s", site);
}

static cw_status read_values(const cw_gauge_file *file, const cw_gauge_header *h, double *link,
                             cw_site_sum *sum) {
  const cw_configuration shape = {.lat = h->lat, .kind = h->kind, .n_comp = h->n_comp};
  const size_t reals = (size_t)cw_configuration_site_reals(&shape);
  (void)sum; /* the seal was checked */
  for (long k = 0; k < cw_lattice_sites(&h->lat); k++) {
    int x[CW_MAX_DIM];
    const size_t to = (size_t)cw_site_of_file(&h->lat, k, x);
    const double *from = h->values + (size_t)k * reals;
    if (!all_finite(from, reals)) return fail_not_finite(file, &h->lat, x);
    memcpy(link + to * reals, from, reals * sizeof *link);
  }
  return CW_OK;
}

/* ---------------------------------------------------------------------- writing */

static int shape_of(const cw_configuration *conf, long dim[CW_ARRAY_RANK]) {
  const int d = conf->lat.dim, n = cw_kind(conf->kind)->n_colours;
  for (int mu = 0; mu < d; mu++) dim[mu] = conf->lat.extent[d - 1 - mu];
  dim[d] = cw_kind(conf->kind)->on_links ? d : conf->n_comp;
  if (!cw_kind(conf->kind)->on_links) return d + 1;
  dim[d + 1] = dim[d + 2] = n;
  dim[d + 3] = 2;
  return d + 4;
}

static cw_status put_values(const cw_gauge_writing *w, cw_arrays *set) {
  const cw_configuration *conf = w->conf;
  const size_t reals = (size_t)cw_configuration_site_reals(conf);
  const long n_sites = cw_lattice_sites(&conf->lat);
  long dim[CW_ARRAY_RANK];
  const int rank = shape_of(conf, dim);
  double *values = malloc((size_t)n_sites * reals * sizeof *values);
  if (values == NULL) return cw_fail(w->ctx, CW_ENOMEM, "no memory to write a configuration");
  for (long k = 0; k < n_sites; k++) {
    int x[CW_MAX_DIM];
    const size_t from = (size_t)cw_site_of_file(&conf->lat, k, x);
    memcpy(values + (size_t)k * reals, conf->data + from * reals, reals * sizeof *values);
  }
  return cw_arrays_give(w->ctx, set, array_name(conf->kind), rank, dim, values);
}

static cw_status write(const cw_gauge_writing *w) {
  label l = {.plaquette = w->measured->plaquette, .link_trace = w->measured->link_trace};
  const cw_labelled labelled = {put_label, get_label, &l};
  cw_arrays set = {0};
  snprintf(l.kind, sizeof l.kind, "%s", cw_kind(w->conf->kind)->name);
  memcpy(l.theory, w->conf->theory, sizeof l.theory);
  memcpy(l.parameters, w->conf->parameters, sizeof l.parameters);
  cw_gauge_checks_text(w->conf->ignored, l.ignored);
  cw_status st = put_values(w, &set);
  if (st == CW_OK) st = cw_sealed_write(&own, &labelled, &set, w->out);
  cw_arrays_clear(&set);
  return st;
}

bool cw_configuration_is_own(const char *path) { return cw_sealed_is(&own, path); }

extern const cw_format cw_format_hdf5;
const cw_format cw_format_hdf5 = {
    .name = "hdf5",
    .title = "HDF5 of causeway",
    .source = "docs/configurations.md",
    .ending = {".h5", ".hdf5"},
    .kinds = (1u << KINDS) - 1,
    .precision = {64},
    .rows = {3},
    .any_dim = true,
    .sealed = true,
    .checks = CW_CHECK_PLAQUETTE | CW_CHECK_LINK_TRACE,
    .recognises = recognises,
    .header = read_header,
    .read = read_values,
    .write = write,
};
