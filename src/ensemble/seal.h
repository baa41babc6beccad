/* The seal: 20 bytes behind the data of a segment file that make every truncation and every changed
 * byte visible before a parser sees the file. "CWSEAL01", length of the data (8 bytes,
 * little-endian), CRC-32 of all bytes before it (4 bytes, little-endian; zlib's crc32). HDF5
 * ignores bytes behind its end-of-file address. */
#ifndef CW_ENSEMBLE_SEAL_H
#define CW_ENSEMBLE_SEAL_H

#include "ensemble/medium.h"

enum { CW_SEAL_BYTES = 20 };

/* Writes the seal of what m holds behind it. */
void cw_seal(cw_medium *m);

/* Does a seal begin at bytes (CW_SEAL_BYTES)? */
bool cw_seal_is_there(const uint8_t *bytes);

/* m: a whole file, of which the seal is taken off. CW_ECORRUPT says what was expected and found; CW_EIO,
 * CW_ENOMEM. path: for messages. */
cw_status cw_seal_check(cw_context *ctx, const char *path, cw_medium *m);
/* The same for a file that is not read, but for its seal: *crc is what the seal says. */
cw_status cw_seal_find(cw_context *ctx, const char *path, cw_medium *m, uint32_t *crc);

#endif
