/* The seal: 20 bytes behind the data of a segment file that make every truncation and every changed
 * byte visible before a parser sees the file. "CWSEAL01", length of the data (8 bytes,
 * little-endian), CRC-32 of all bytes before it (4 bytes, little-endian; zlib's crc32). HDF5
 * ignores bytes behind its end-of-file address. */
#ifndef CW_ENSEMBLE_SEAL_H
#define CW_ENSEMBLE_SEAL_H

#include "causeway/core.h"

enum { CW_SEAL_BYTES = 20 };

/* bytes (size + CW_SEAL_BYTES): writes the seal of the first size bytes behind them. */
void cw_seal(uint8_t *bytes, size_t size);

/* Does a seal begin at bytes (CW_SEAL_BYTES)? */
bool cw_seal_is_there(const uint8_t *bytes);

/* bytes (size): a whole file. *data_size: without the seal. CW_ECORRUPT says what was expected and
 * found. */
cw_status cw_seal_check(cw_context *ctx, const char *path, const uint8_t *bytes, size_t size,
                        size_t *data_size);

#endif
