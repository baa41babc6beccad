/* Where the bytes of a sealed file are: in memory, or in a file that is open. Who writes through it learns of
 * failures at the end, so that HDF5 never meets a full disk. Not thread-safe. Local. */
#ifndef CW_ENSEMBLE_MEDIUM_H
#define CW_ENSEMBLE_MEDIUM_H

#include "causeway/core.h"

/* The checksum of bytes that were written in one piece. */
typedef struct {
  size_t at, size;
  uint32_t crc;
} cw_medium_piece;

typedef struct cw_medium {
  int fd; /* borrowed; CW_MEDIUM_MEMORY: bytes are in memory */
  uint8_t
      *bytes; /* in memory: borrowed where they are only read; from malloc where they are written */
  size_t size, capacity;
  int problem;            /* errno of the first failure, after which nothing is written; 0: none */
  cw_medium_piece *piece; /* (n_pieces) in ascending order, disjoint; large ones only, of a file */
  int n_pieces, piece_capacity;
  struct cw_medium **holder; /* HDF5's pointer to it, while a file on it is open (h5_driver.c) */
  size_t sent, dropped;      /* to the disk; from what the system holds in memory of the file */
} cw_medium;
enum { CW_MEDIUM_MEMORY = -1 };

/* Writes bytes (n) from at on; the medium grows as needed, gaps are zeros. A file is sent to the disk as it
 * grows, and what has arrived there is no longer kept in memory: a checkpoint takes none. */
void cw_medium_put(cw_medium *m, size_t at, const void *bytes, size_t n);
/* Makes it that long. */
void cw_medium_resize(cw_medium *m, size_t size);
/* Reads bytes (n). false: it is shorter, or cannot be read (problem). */
bool cw_medium_get(cw_medium *m, size_t at, void *bytes, size_t n);
/* CRC-32 (zlib's) of the first size bytes, those written in large pieces not read again. *crc is wrong where
 * there is a problem. */
void cw_medium_crc(cw_medium *m, size_t size, uint32_t *crc);
void cw_medium_forget(cw_medium *m); /* frees the list of pieces */

#endif
