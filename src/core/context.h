/* The inside of a context; private to src/core. */
#ifndef CW_CORE_CONTEXT_H
#define CW_CORE_CONTEXT_H

#include "causeway/core.h"

struct cw_context {
  int threads;
  bool quiet;
  cw_isa isa;
  int rank, n_ranks;
  bool owns_mpi;
  char error[1024];
  struct {
    char what[64];
    double from, total, done;
    double began, drawn;
    bool on;      /* begun, and allowed to draw */
    bool lines;   /* not on a terminal */
    bool visible; /* something is on the line */
  } progress;
};

#endif
