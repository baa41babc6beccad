#include "ensemble/gauge/records.h"

#include <inttypes.h>
#include <string.h>

static bool is(const cw_lime_record *r, const char *type) { return strcmp(r->type, type) == 0; }

static bool is_data(const cw_lime_record *r) {
  return is(r, "ildg-binary-data") || is(r, "scidac-binary-data");
}

/* ------------------------------------------------------------- the binary record */

/* Number of the chosen binary record among all n of the file, in which records end at byte end. */
typedef struct {
  int number, n;
  uint64_t end;
} place;

/* The next record, or *more = false at the end of the file or where only zeros follow. */
static cw_status next(const cw_gauge_file *file, uint64_t *at, cw_lime_record *r, bool *more) {
  bool zeros = false;
  uint64_t n = 0;
  *more = *at < file->size;
  if (*more && *at > 0) CW_TRY(cw_lime_zeros(file, *at, &zeros, &n));
  if (zeros) cw_gauge_warn(file, "%" PRIu64 " zero bytes behind the last record are not read", n);
  *more = *more && !zeros;
  return *more ? cw_lime_next(file, at, r) : CW_OK;
}

/* ildg-binary-data is preferred to scidac-binary-data, and of each the first. */
static void take_data(cw_gauge_records *all, const cw_lime_record *r, place *p) {
  bool ildg = is(r, "ildg-binary-data");
  int number = p->n++;
  if (all->data.at != 0 && (all->is_ildg || !ildg)) return;
  all->data = *r;
  all->is_ildg = ildg;
  p->number = number;
}

static cw_status find_data(const cw_gauge_file *file, cw_gauge_records *all, place *p) {
  *p = (place){.n = 0};
  for (bool more = true; more;) {
    cw_lime_record r;
    CW_TRY(next(file, &p->end, &r, &more));
    if (more && is_data(&r)) take_data(all, &r, p);
  }
  if (all->data.at == 0)
    return cw_gauge_fail(file, CW_ECORRUPT,
                         "expected a LIME record ildg-binary-data or scidac-binary-data, found "
                         "none");
  if (p->n > 1) cw_gauge_warn(file, "there are %d records of binary data; only one is read", p->n);
  return CW_OK;
}

/* ------------------------------------------------------------- its descriptions */

static cw_alike_records *list_of(cw_gauge_records *all, const cw_lime_record *r) {
  if (is(r, "ildg-format")) return &all->ildg_format;
  if (is(r, "scidac-private-file-xml")) return &all->file_xml;
  if (is(r, "scidac-private-record-xml")) return &all->record_xml;
  if (is(r, "scidac-checksum")) return &all->checksum;
  if (is(r, CW_ORIGIN_TYPE)) return &all->origin;
  return NULL;
}

/* before: how many binary records come before this one. */
static bool belongs(const place *p, bool behind, int before) {
  if (p->n == 1) return true;
  if (behind) return before == p->number + 1;
  return before == p->number || (before == p->n && p->number == p->n - 1);
}

static cw_status add(const cw_gauge_file *file, cw_alike_records *list, const cw_lime_record *r) {
  if (list->n == CW_MOST_ALIKE)
    return cw_gauge_fail(file, CW_ECORRUPT,
                         "expected at most %d records %.60s for the same links, found more",
                         CW_MOST_ALIKE, r->type);
  list->record[list->n++] = *r;
  return CW_OK;
}

static cw_status find_descriptions(const cw_gauge_file *file, const place *p,
                                   cw_gauge_records *all) {
  cw_gauge_records first = {.is_ildg = false}; /* of each type, in front of the data */
  cw_configuration_info heard = {0};           /* warnings that were given already */
  cw_gauge_file again = *file;
  again.info = &heard;
  int before = 0;
  for (uint64_t at = 0; at < p->end;) {
    cw_lime_record r;
    CW_TRY(cw_lime_next(&again, &at, &r));
    if (is_data(&r)) before++;
    cw_alike_records *list = list_of(all, &r);
    if (list == NULL) continue;
    if (before <= p->number && list_of(&first, &r)->n == 0)
      CW_TRY(add(file, list_of(&first, &r), &r));
    if (belongs(p, list == &all->checksum, before)) CW_TRY(add(file, list, &r));
  }
  if (all->ildg_format.n == 0) all->ildg_format = first.ildg_format;
  if (all->file_xml.n == 0) all->file_xml = first.file_xml;
  if (all->record_xml.n == 0) all->record_xml = first.record_xml;
  if (all->origin.n == 0) all->origin = first.origin;
  return CW_OK;
}

cw_status cw_gauge_records_read(const cw_gauge_file *file, cw_gauge_records *out) {
  place p;
  *out = (cw_gauge_records){.is_ildg = false};
  CW_TRY(find_data(file, out, &p));
  return find_descriptions(file, &p, out);
}

bool cw_gauge_is_scidac(const cw_gauge_file *file) {
  cw_configuration_info unheard = {0};
  cw_gauge_file silent = *file;
  cw_gauge_records all = {.is_ildg = false};
  place p;
  silent.ctx = NULL;
  silent.info = &unheard;
  return find_data(&silent, &all, &p) == CW_OK && !all.is_ildg;
}
