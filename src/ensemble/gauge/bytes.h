/* Numbers in byte buffers of either byte order. */
#ifndef CW_GAUGE_BYTES_H
#define CW_GAUGE_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Is the order of this machine another one? */
static inline bool cw_foreign(bool big_endian) {
  return big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
}

static inline uint32_t cw_get32(const uint8_t *from, bool big_endian) {
  uint32_t w;
  memcpy(&w, from, sizeof w);
  return cw_foreign(big_endian) ? __builtin_bswap32(w) : w;
}

static inline uint64_t cw_get64(const uint8_t *from, bool big_endian) {
  uint64_t w;
  memcpy(&w, from, sizeof w);
  return cw_foreign(big_endian) ? __builtin_bswap64(w) : w;
}

static inline void cw_put32(uint8_t *to, uint32_t w, bool big_endian) {
  if (cw_foreign(big_endian)) w = __builtin_bswap32(w);
  memcpy(to, &w, sizeof w);
}

static inline void cw_put64(uint8_t *to, uint64_t w, bool big_endian) {
  if (cw_foreign(big_endian)) w = __builtin_bswap64(w);
  memcpy(to, &w, sizeof w);
}

#endif
