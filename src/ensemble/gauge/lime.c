#include "ensemble/gauge/lime.h"

#include <string.h>

#include "ensemble/gauge/bytes.h"

static uint64_t padding(uint64_t length) { return (8 - length % 8) % 8; }

/* Behind the last record some writers leave out the padding. */
static uint64_t behind(const cw_gauge_file *file, const cw_lime_record *r) {
  uint64_t end = r->at + r->length, pad = padding(r->length);
  if (file->size - end >= pad) return end + pad;
  cw_gauge_warn(file, "the last record, %.60s, is not padded to 8 bytes", r->type);
  return file->size;
}

cw_status cw_lime_next(const cw_gauge_file *file, uint64_t *at, cw_lime_record *record) {
  uint8_t header[CW_LIME_HEADER];
  unsigned long long here = *at;
  CW_TRY(cw_gauge_read(file, *at, header, sizeof header, "a LIME header"));
  uint32_t magic = cw_get32(header, true);
  unsigned version = (unsigned)header[4] << 8 | header[5];
  if (magic != CW_LIME_MAGIC)
    return cw_gauge_fail(file, CW_ECORRUPT,
                         "expected a LIME record (magic %08x) at byte %llu, found %08x",
                         CW_LIME_MAGIC, here, magic);
  if (version != 1)
    return cw_gauge_fail(file, CW_ECORRUPT,
                         "expected a LIME record of version 1 at byte %llu, found version %u", here,
                         version);
  cw_gauge_quote(record->type, sizeof record->type, header + 16, CW_LIME_TYPE);
  record->at = *at + CW_LIME_HEADER;
  record->length = cw_get64(header + 8, true);
  if (record->length > file->size - record->at)
    return cw_gauge_fail(file, CW_ECORRUPT,
                         "truncated: the record %.60s has %llu bytes, the file ends after %llu",
                         record->type, (unsigned long long)record->length,
                         (unsigned long long)(file->size - record->at));
  *at = behind(file, record);
  return CW_OK;
}

cw_status cw_lime_zeros(const cw_gauge_file *file, uint64_t at, bool *all, uint64_t *n) {
  uint8_t piece[4096];
  *n = file->size - at;
  *all = true;
  while (*all && at < file->size) {
    size_t k = file->size - at < sizeof piece ? (size_t)(file->size - at) : sizeof piece;
    CW_TRY(cw_gauge_read(file, at, piece, k, "what follows the records"));
    for (size_t i = 0; i < k; i++) *all &= piece[i] == 0;
    at += k;
  }
  return CW_OK;
}

cw_status cw_lime_put_header(cw_disk_file *out, const char *type, unsigned flags, uint64_t length) {
  uint8_t header[CW_LIME_HEADER] = {0};
  size_t n = strlen(type);
  CW_REQUIRE(n < CW_LIME_TYPE);
  cw_put32(header, CW_LIME_MAGIC, true);
  header[5] = 1;
  header[6] = (uint8_t)(flags >> 8);
  cw_put64(header + 8, length, true);
  memcpy(header + 16, type, n);
  return cw_disk_put(out, header, sizeof header);
}

cw_status cw_lime_put_padding(cw_disk_file *out, uint64_t length) {
  static const uint8_t zeros[8];
  return cw_disk_put(out, zeros, (size_t)padding(length));
}

cw_status cw_lime_put_text(cw_disk_file *out, const char *type, unsigned flags, const char *text) {
  size_t n = strlen(text);
  CW_TRY(cw_lime_put_header(out, type, flags, n));
  CW_TRY(cw_disk_put(out, (const uint8_t *)text, n));
  return cw_lime_put_padding(out, n);
}
