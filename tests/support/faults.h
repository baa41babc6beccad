/* Failures made to order: calls of causeway's own code to functions that can fail (faults.def) go through wrappers, which
 * know the places of the code that call, and can let any of their calls fail.
 *
 * A place is a function that can fail and the chain of its callers. A process first notes all places that it passes and
 * how often; then another one, forked from the same parent so that addresses agree, lets one call of one place fail. */
#ifndef CW_TEST_FAULTS_H
#define CW_TEST_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum { FAULT_MEMORY, FAULT_DISK, FAULT_HDF5 } fault_kind;

enum { FAULT_PLACES = 1 << 14, FAULT_CALLERS = 6 };

typedef struct {
  uint64_t key; /* of function and callers; 0: unused */
  const char *function;
  fault_kind kind;
  long calls;
  int order; /* in which the places were first passed */
  bool known;
  void *caller[FAULT_CALLERS];
} fault_place;

/* In memory that processes share. */
typedef struct {
  int n;
  fault_place place[FAULT_PLACES]; /* by hash of key */
} fault_places;

fault_places *fault_places_create(void); /* for the life of the process */
const fault_place *fault_place_number(const fault_places *places, int order);

void fault_places_destroy(fault_places *places);
/* Marks as known the places that are in known too. */
void fault_places_mark(fault_places *places, const fault_places *known);
/* Adds places to all; returns how many are new there. */
int fault_places_join(fault_places *all, const fault_places *places);

/* This process is going to note what it passes. */
void faults_note(fault_places *places);
/* It is going to show every call to decide, with its number from 0 at its place; true: it fails. While decide runs
 * nothing is shown. */
typedef bool fault_decision(const fault_place *place, long call);
void faults_decide(fault_places *places, fault_decision *decide);
/* Begins; callers from the return address outside on are none of causeway's. */
void faults_begin(const void *outside);
void faults_end(void);

/* Prints where a place is, to stderr: needs addr2line, and is for people. */
void fault_place_print(const fault_place *place);

#endif
