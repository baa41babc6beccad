/* Lattices of links that flow by themselves, for the tests of the gradient flow. */
#ifndef CW_TEST_FLOW_SUBJECT_H
#define CW_TEST_FLOW_SUBJECT_H

#include "physics/gauge_subject.h"

/* One thread: on a busy machine two that meet many times a step cost much more. */
static inline void open_alone(subject *s, const char *theory, const cw_lattice *lat,
                              long n_config) {
  open_subject(s, theory, lat, n_config);
  s->th.threads = 1;
}

#endif
