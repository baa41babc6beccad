/* What the tests of failures share: short jobs of every method, the program as a function, and what a run that failed may
 * leave behind. */
#ifndef CW_TEST_FAULT_JOBS_H
#define CW_TEST_FAULT_JOBS_H

#include <stdbool.h>

#include "support/faults.h"

typedef struct {
  const char *name, *text;
} fault_job;

extern const fault_job fault_jobs[]; /* the last one has no name */
void fault_write_job(const fault_job *job, const char *path);

/* "all [JOB]", of a test's arguments: every place is tried, not a spread of them, and if CW_LONG is not 1, none. */
typedef struct {
  bool all, skip;
  const char *job; /* NULL: every one */
} fault_choice;
fault_choice fault_choose(int argc, char **argv);

void fault_forget(const char *path); /* a directory with all that is in it, if it is there */
double fault_seconds(void);          /* of a clock that goes */

enum { FAULT_WORDS = 12 };

/* Runs the program in the present directory with words (NULL-terminated, without the program's name), standard output
 * into nothing and standard error into the file errors; returns its exit code. Only once, or once after another, in a
 * process that does nothing else. */
int fault_program(const char *const *words, const char *errors);

/* The lines of a file; -1: it cannot be read. first: the first one, cut. */
int fault_lines(const char *path, char first[300]);

char *
fault_content(const char *path); /* of a file; NULL: it cannot be read. The caller frees it. */

/* What a program that ran into the failure of a place must say: one line, and the exit code of what was short. A failure
 * that does no harm may pass unnoticed. NULL: it did; else what is wrong. */
const char *fault_verdict(const fault_place *place, int code, const char *errors);

/* The same arrays in both stores, but for times. NULL: they are; else what differs. */
const char *fault_compare(const char *run, const char *other);

/* In a directory with a run "out" that failed: shows it, resumes it, and compares it with a whole one. NULL: all is
 * well; else what is not. Forks. */
const char *fault_recover(const char *job, const char *whole);

#endif
