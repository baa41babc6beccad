#include "ensemble/seal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char MAGIC[8] = {'C', 'W', 'S', 'E', 'A', 'L', '0', '1'};
enum { LENGTH_AT = 8, CRC_AT = 16 };

static void put_le(uint8_t *to, uint64_t value, int n) {
  for (int i = 0; i < n; i++) to[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get_le(const uint8_t *from, int n) {
  uint64_t value = 0;
  for (int i = 0; i < n; i++) value |= (uint64_t)from[i] << (8 * i);
  return value;
}

void cw_seal(cw_medium *m) {
  uint8_t seal[CW_SEAL_BYTES];
  const size_t size = m->size;
  uint32_t crc;
  memcpy(seal, MAGIC, sizeof MAGIC);
  put_le(seal + LENGTH_AT, size, 8);
  cw_medium_put(m, size, seal, CRC_AT);
  if (m->problem != 0) return;
  cw_medium_crc(m, size + CRC_AT, &crc);
  put_le(seal, crc, 4);
  cw_medium_put(m, size + CRC_AT, seal, 4);
}

bool cw_seal_is_there(const uint8_t *bytes) { return memcmp(bytes, MAGIC, sizeof MAGIC) == 0; }

/* Something could not be read. */
static cw_status fail_read(cw_context *ctx, const char *path, const cw_medium *m) {
  if (m->problem == ENOMEM) return cw_fail(ctx, CW_ENOMEM, "no memory for '%s'", path);
  return cw_fail(ctx, CW_EIO, "cannot read '%s': %s", path,
                 strerror(m->problem != 0 ? m->problem : EIO));
}

cw_status cw_seal_find(cw_context *ctx, const char *path, cw_medium *m, uint32_t *crc) {
  uint8_t seal[CW_SEAL_BYTES];
  if (m->size < CW_SEAL_BYTES)
    return cw_fail(ctx, CW_ECORRUPT, "'%s' is truncated: %zu bytes are left", path, m->size);
  const size_t data = m->size - CW_SEAL_BYTES;
  if (!cw_medium_get(m, data, seal, CW_SEAL_BYTES)) return fail_read(ctx, path, m);
  if (!cw_seal_is_there(seal))
    return cw_fail(ctx, CW_ECORRUPT, "'%s' is truncated or damaged: no seal at its end (%zu bytes)",
                   path, m->size);
  const uint64_t length = get_le(seal + LENGTH_AT, 8);
  if (length != data)
    return cw_fail(ctx, CW_ECORRUPT,
                   "'%s' is damaged: its seal is for %" PRIu64 " bytes of data, found %zu", path,
                   length, data);
  *crc = (uint32_t)get_le(seal + CRC_AT, 4);
  m->size = data;
  return CW_OK;
}

cw_status cw_seal_check(cw_context *ctx, const char *path, cw_medium *m) {
  uint32_t expected, found;
  CW_TRY(cw_seal_find(ctx, path, m, &expected));
  m->size += CRC_AT;
  cw_medium_crc(m, m->size, &found);
  m->size -= CRC_AT;
  if (m->problem != 0) return fail_read(ctx, path, m);
  if (expected != found)
    return cw_fail(ctx, CW_ECORRUPT,
                   "'%s' is damaged: checksum %08" PRIx32 " expected, %08" PRIx32 " found", path,
                   expected, found);
  return CW_OK;
}
