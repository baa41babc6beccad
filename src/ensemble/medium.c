#define _GNU_SOURCE
#include "ensemble/medium.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

/* Bytes of a piece whose checksum is kept; that are read at once; that are on their way to the disk at once. */
enum { LARGE = 1 << 16, READ = 1 << 20, WINDOW = 1 << 26 };

static void note_problem(cw_medium *m, int problem) {
  if (m->problem == 0) m->problem = problem != 0 ? problem : EIO;
}

static uint32_t crc_of(uint32_t crc, const uint8_t *bytes, size_t n) {
  return (uint32_t)crc32_z(crc, bytes, n);
}

/* ------------------------------------------------------------------ pieces */

static size_t end_of(const cw_medium_piece *p) { return p->at + p->size; }

/* What is written again has another checksum. */
static void forget_overlapping(cw_medium *m, size_t at, size_t n) {
  for (int i = m->n_pieces - 1; i >= 0 && end_of(&m->piece[i]) > at; i--)
    if (m->piece[i].at < at + n) {
      memmove(m->piece + i, m->piece + i + 1, (size_t)(m->n_pieces - i - 1) * sizeof *m->piece);
      m->n_pieces--;
    }
}

/* A piece that does not come in order is not kept, but read again. */
static void keep_piece(cw_medium *m, size_t at, const uint8_t *bytes, size_t n) {
  if (n < LARGE || (m->n_pieces > 0 && end_of(&m->piece[m->n_pieces - 1]) > at)) return;
  if (m->n_pieces == m->piece_capacity) {
    const int capacity = m->piece_capacity > 0 ? 2 * m->piece_capacity : 64;
    cw_medium_piece *grown = realloc(m->piece, (size_t)capacity * sizeof *grown);
    if (grown == NULL) {
      note_problem(m, ENOMEM);
      return;
    }
    m->piece = grown;
    m->piece_capacity = capacity;
  }
  m->piece[m->n_pieces++] = (cw_medium_piece){at, n, crc_of(0, bytes, n)};
}

void cw_medium_forget(cw_medium *m) {
  free(m->piece);
  m->piece = NULL;
  m->n_pieces = m->piece_capacity = 0;
}

/* ----------------------------------------------------------------- writing */

static bool grow(cw_medium *m, size_t size) {
  if (size <= m->capacity) return true;
  const size_t capacity = size > 2 * m->capacity ? size : 2 * m->capacity;
  uint8_t *grown = realloc(m->bytes, capacity);
  if (grown == NULL) return false;
  m->bytes = grown;
  m->capacity = capacity;
  return true;
}

static void put_in_memory(cw_medium *m, size_t at, const void *bytes, size_t n) {
  if (at + n > m->size) cw_medium_resize(m, at + n);
  if (m->problem == 0) memcpy(m->bytes + at, bytes, n);
}

#if defined(__linux__)
/* Whether a disk is full may be known only when bytes are on their way to it, and Linux says so once: who waits here
 * and does not listen takes it from fsync. That a file cannot be sent by parts (a pipe, another system) does not
 * matter. */
static void send_range(cw_medium *m, size_t from, size_t end, unsigned how) {
  if (sync_file_range(m->fd, (off_t)from, (off_t)(end - from), how) == 0) return;
  if (errno != ENOSYS && errno != EINVAL && errno != ESPIPE && errno != EOPNOTSUPP &&
      errno != EINTR)
    note_problem(m, errno);
}
#endif

/* A window is sent when the next one begins, and has then that one's time to arrive before its memory is given
 * back. */
static void send_to_disk(cw_medium *m, size_t at) {
#if defined(__linux__)
  if (at < m->sent + WINDOW) return;
  send_range(m, m->sent, at, SYNC_FILE_RANGE_WRITE);
  if (m->sent > m->dropped) {
    send_range(m, m->dropped, m->sent,
               SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    if (m->problem == 0)
      (void)posix_fadvise(m->fd, (off_t)m->dropped, (off_t)(m->sent - m->dropped),
                          POSIX_FADV_DONTNEED);
  }
  m->dropped = m->sent;
  m->sent = at;
#else
  (void)m;
  (void)at;
#endif
}

static void put_in_file(cw_medium *m, size_t at, const uint8_t *bytes, size_t n) {
  forget_overlapping(m, at, n);
  for (size_t done = 0; done < n;) {
    const ssize_t put = pwrite(m->fd, bytes + done, n - done, (off_t)(at + done));
    if (put > 0)
      done += (size_t)put;
    else if (put == 0 || errno != EINTR) {
      note_problem(m, put == 0 ? ENOSPC : errno);
      return;
    }
  }
  if (at + n > m->size) m->size = at + n;
  keep_piece(m, at, bytes, n);
  send_to_disk(m, at + n);
}

void cw_medium_put(cw_medium *m, size_t at, const void *bytes, size_t n) {
  if (m->problem != 0 || n == 0) return;
  if (m->fd == CW_MEDIUM_MEMORY)
    put_in_memory(m, at, bytes, n);
  else
    put_in_file(m, at, bytes, n);
}

void cw_medium_resize(cw_medium *m, size_t size) {
  if (m->problem != 0 || size == m->size) return;
  if (m->fd != CW_MEDIUM_MEMORY) {
    if (ftruncate(m->fd, (off_t)size) != 0) note_problem(m, errno);
  } else if (!grow(m, size)) {
    note_problem(m, ENOMEM);
  } else if (size > m->size) {
    memset(m->bytes + m->size, 0, size - m->size);
  }
  if (m->problem == 0) m->size = size;
}

/* ----------------------------------------------------------------- reading */

bool cw_medium_get(cw_medium *m, size_t at, void *bytes, size_t n) {
  if (n == 0) return true;
  if (at > m->size || n > m->size - at) return false;
  if (m->fd == CW_MEDIUM_MEMORY) {
    memcpy(bytes, m->bytes + at, n);
    return true;
  }
  for (size_t done = 0; done < n;) {
    const ssize_t got = pread(m->fd, (char *)bytes + done, n - done, (off_t)(at + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) note_problem(m, errno);
    if (got <= 0) return false; /* 0: it shrank while we read */
    done += (size_t)got;
  }
  return true;
}

static uint32_t crc_between(cw_medium *m, uint32_t crc, size_t at, size_t end) {
  if (m->fd == CW_MEDIUM_MEMORY) return crc_of(crc, m->bytes + at, end - at);
  uint8_t *bytes = at < end ? malloc(READ) : NULL;
  if (at < end && bytes == NULL) note_problem(m, ENOMEM);
  while (at < end && m->problem == 0) {
    const size_t n = end - at < READ ? end - at : READ;
    if (!cw_medium_get(m, at, bytes, n)) note_problem(m, EIO);
    if (m->problem == 0) crc = crc_of(crc, bytes, n);
    at += n;
  }
  free(bytes);
  return crc;
}

void cw_medium_crc(cw_medium *m, size_t size, uint32_t *crc) {
  size_t at = 0;
  *crc = 0;
  for (int i = 0; i < m->n_pieces && end_of(&m->piece[i]) <= size; i++) {
    const cw_medium_piece *p = &m->piece[i];
    *crc = crc_between(m, *crc, at, p->at);
    *crc = (uint32_t)crc32_combine(*crc, p->crc, (z_off_t)p->size);
    at = end_of(p);
  }
  *crc = crc_between(m, *crc, at, size);
}
