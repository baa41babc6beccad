#include "support/faults.h"

#include <errno.h>
#include <execinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct {
  fault_places *places;
  fault_decision *decide; /* NULL: notes */
  long *calls;            /* (FAULT_PLACES) of this process, when it decides */
  const void *outside;
  bool busy;
} now = {.busy = true};

fault_places *fault_places_create(void) {
  void *first[1];
  backtrace(first, 1); /* loads what it needs */
  fault_places *p =
      mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) abort();
  return p;
}

void fault_places_destroy(fault_places *places) { munmap(places, sizeof *places); }

const fault_place *fault_place_number(const fault_places *places, int order) {
  for (int i = 0; i < FAULT_PLACES; i++)
    if (places->place[i].key != 0 && places->place[i].order == order) return &places->place[i];
  return NULL;
}

void faults_note(fault_places *places) {
  now.decide = NULL;
  now.places = places;
}

void faults_decide(fault_places *places, fault_decision *decide) {
  size_t bytes = FAULT_PLACES * sizeof *now.calls;
  now.calls = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (now.calls == MAP_FAILED) abort();
  now.decide = decide;
  now.places = places;
}

void faults_begin(const void *outside) {
  now.outside = outside;
  now.busy = false;
}

void faults_end(void) { now.places = NULL; }

/* FNV-1a. */
static uint64_t hash(uint64_t h, const void *bytes, size_t n) {
  const unsigned char *c = bytes;
  for (size_t i = 0; i < n; i++) h = (h ^ c[i]) * 1099511628211u;
  return h;
}

static size_t find(const fault_places *p, uint64_t key) {
  size_t i = (size_t)(key % FAULT_PLACES);
  while (p->place[i].key != 0 && p->place[i].key != key) i = (i + 1) % FAULT_PLACES;
  return i;
}

void fault_places_mark(fault_places *places, const fault_places *known) {
  for (int i = 0; i < FAULT_PLACES; i++) {
    fault_place *p = &places->place[i];
    p->known = p->key != 0 && known->place[find(known, p->key)].key == p->key;
  }
}

int fault_places_join(fault_places *all, const fault_places *places) {
  int before = all->n;
  for (int i = 0; i < FAULT_PLACES; i++) {
    const fault_place *p = &places->place[i];
    fault_place *mine = &all->place[find(all, p->key)];
    if (p->key == 0 || mine->key == p->key) continue;
    if (all->n >= FAULT_PLACES / 2) abort();
    *mine = *p;
    mine->order = all->n++;
  }
  return all->n - before;
}

static fault_place *note(fault_kind kind, const char *function, void *const *caller) {
  uint64_t key = hash(14695981039346656037u, function, strlen(function));
  key = hash(key, caller, FAULT_CALLERS * sizeof *caller) | 1;
  fault_place *place = &now.places->place[find(now.places, key)];
  if (place->key == 0) {
    if (now.places->n >= FAULT_PLACES / 2) abort();
    *place =
        (fault_place){.key = key, .function = function, .kind = kind, .order = now.places->n++};
    memcpy(place->caller, caller, sizeof place->caller);
  }
  return place;
}

static bool fails(fault_kind kind, const char *function) {
  enum { OURS = 2 }; /* innermost frames: this function and the wrapper */
  void *frame[OURS + FAULT_CALLERS] = {NULL};
  if (now.places == NULL || now.busy) return false;
  now.busy = true;
  int kept = errno;
  int n = backtrace(frame, OURS + FAULT_CALLERS);
  bool ours = true;
  for (int i = OURS; i < n; i++) {
    ours = ours && frame[i] != now.outside;
    if (!ours) frame[i] = NULL;
  }
  fault_place *place = note(kind, function, frame + OURS);
  bool yes = false;
  if (now.decide != NULL)
    yes = now.decide(place, now.calls[place - now.places->place]++);
  else
    place->calls++;
  errno = yes ? (kind == FAULT_MEMORY ? ENOMEM : ENOSPC) : kept;
  now.busy = false;
  return yes;
}

/* As a stream does: it keeps in mind that something was not written. Streams of text in memory lack memory; an error that
 * stderr cannot take cannot be reported. */
static bool stream_fails(FILE *stream, const char *function) {
  if (stream == stderr) return false;
  bool in_memory = stream != NULL && fileno(stream) < 0;
  if (!fails(in_memory ? FAULT_MEMORY : FAULT_DISK, function)) return false;
  stream->_flags |= _IO_ERR_SEEN;
  return true;
}

void fault_place_print(const fault_place *place) {
  char program[400] = "", command[1000];
  ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
  program[n > 0 ? n : 0] = '\0';
  extern char __executable_start;
  size_t at =
      (size_t)snprintf(command, sizeof command, "PATH=/usr/bin:/bin; addr2line -spfe %s", program);
  for (int i = 0; i < FAULT_CALLERS; i++)
    if (place->caller[i] != NULL)
      at += (size_t)snprintf(command + at, sizeof command - at, " 0x%lx",
                             (unsigned long)((char *)place->caller[i] - &__executable_start - 1));
  snprintf(command + at, sizeof command - at, " | cut -d' ' -f1 | tr '\\n' ' ' >&2");
  fprintf(stderr, "%s, called by ", place->function);
  if (system(command) != 0) fputs("?", stderr);
  fputc('\n', stderr);
}

/* ------------------------------------------------------------------- wrappers */

#define FAULT_WRAPPER(name, type, fails_now, first, failed, parameters, arguments)                 \
  type __real_##name parameters;                                                                   \
  type __wrap_##name parameters;                                                                   \
  type __wrap_##name parameters {                                                                  \
    if (fails_now) {                                                                               \
      first;                                                                                       \
      return failed;                                                                               \
    }                                                                                              \
    return __real_##name arguments;                                                                \
  }

#define FAULT(name, kind, type, failed, parameters, arguments)                                     \
  FAULT_WRAPPER(name, type, fails(FAULT_##kind, #name), (void)0, failed, parameters, arguments)
/* What it does is done when it fails. */
#define FAULT_AFTER(name, kind, type, failed, parameters, arguments)                               \
  FAULT_WRAPPER(name, type, fails(FAULT_##kind, #name), __real_##name arguments, failed,           \
                parameters, arguments)
/* It does nothing where it does not fail: nobody pulls a plug here. */
#define FAULT_IDLE(name, kind, type, failed, parameters, arguments)                                \
  type __wrap_##name parameters;                                                                   \
  type __wrap_##name parameters {                                                                  \
    (void)arguments;                                                                               \
    return fails(FAULT_##kind, #name) ? failed : (type)0;                                          \
  }
#define FAULT_STREAM(name, type, failed, parameters, arguments, stream)                            \
  FAULT_WRAPPER(name, type, stream_fails(stream, #name), (void)0, failed, parameters, arguments)
#define FAULT_PRINT(name, parameters, last, call, stream)                                          \
  int __wrap_##name parameters;                                                                    \
  int __wrap_##name parameters {                                                                   \
    if (stream_fails(stream, #name)) return -1;                                                    \
    va_list args;                                                                                  \
    va_start(args, last);                                                                          \
    int n = call;                                                                                  \
    va_end(args);                                                                                  \
    return n;                                                                                      \
  }
#include "support/faults.def"
