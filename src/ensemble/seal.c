#include "ensemble/seal.h"

#include <inttypes.h>
#include <string.h>
#include <zlib.h>

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

static uint32_t crc_of(const uint8_t *bytes, size_t size) {
  return (uint32_t)crc32_z(crc32_z(0, NULL, 0), bytes, size);
}

void cw_seal(uint8_t *bytes, size_t size) {
  uint8_t *seal = bytes + size;
  memcpy(seal, MAGIC, sizeof MAGIC);
  put_le(seal + LENGTH_AT, size, 8);
  put_le(seal + CRC_AT, crc_of(bytes, size + CRC_AT), 4);
}

bool cw_seal_is_there(const uint8_t *bytes) { return memcmp(bytes, MAGIC, sizeof MAGIC) == 0; }

cw_status cw_seal_check(cw_context *ctx, const char *path, const uint8_t *bytes, size_t size,
                        size_t *data_size) {
  if (size < CW_SEAL_BYTES)
    return cw_fail(ctx, CW_ECORRUPT, "'%s' is truncated: %zu bytes are left", path, size);
  size_t data = size - CW_SEAL_BYTES;
  const uint8_t *seal = bytes + data;
  if (!cw_seal_is_there(seal))
    return cw_fail(ctx, CW_ECORRUPT, "'%s' is truncated or damaged: no seal at its end (%zu bytes)",
                   path, size);
  uint64_t length = get_le(seal + LENGTH_AT, 8);
  if (length != data)
    return cw_fail(ctx, CW_ECORRUPT,
                   "'%s' is damaged: its seal is for %" PRIu64 " bytes of data, found %zu", path,
                   length, data);
  uint32_t expected = (uint32_t)get_le(seal + CRC_AT, 4), found = crc_of(bytes, data + CRC_AT);
  if (expected != found)
    return cw_fail(ctx, CW_ECORRUPT,
                   "'%s' is damaged: checksum %08" PRIx32 " expected, %08" PRIx32 " found", path,
                   expected, found);
  *data_size = data;
  return CW_OK;
}
