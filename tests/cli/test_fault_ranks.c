/* A rank on which something fails does not leave the others waiting: every allocation and every write of either of two
 * ranks fails once, one after another, and both end with the same exit code and one line between them.
 *
 * The ranks are processes whose collective calls meet in shared memory (support/ranks.h). test_fault_ranks tries a spread
 * of the places, and with the word "all" (make check-long) every one. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/check.h"
#include "support/directory.h"
#include "support/fault_jobs.h"
#include "support/ranks.h"

enum { SECONDS = 20, PATH = 400 };

static char *base;
static int spread = 1, passed, n_places, n_trials;
static const char *only; /* job */
static fault_places *known[RANKS];

/* A run of both ranks: what is to fail. */
typedef struct {
  const char *const *words;
  fault_places *places[RANKS];
  bool notes;
  int rank; /* where a call of a place fails */
  const fault_place *place;
  long call;
} work;

static const work *at;

static bool is_chosen(const fault_place *place, long call) {
  return place->key == at->place->key && call == at->call;
}

static int run_rank(int rank, void *argument) {
  const work *w = at = argument;
  alarm(SECONDS);
  if (w->notes)
    faults_note(w->places[rank]);
  else if (rank == w->rank)
    faults_decide(w->places[rank], is_chosen);
  return fault_program(w->words, rank == 0 ? "errors.0" : "errors.1");
}

/* What is wrong with how the ranks ended; NULL: nothing. */
static const char *verdict(const work *w, const int *status) {
  char line[2][300];
  for (int r = 0; r < RANKS; r++) {
    if (!WIFEXITED(status[r]))
      return WTERMSIG(status[r]) == SIGALRM ? "a rank hangs" : "a rank crashes";
    if (WEXITSTATUS(status[r]) == RANKS_WAIT) return "a rank waits for one that has ended";
    if (WEXITSTATUS(status[r]) == RANKS_DIFFER) return "ranks wait in different calls";
  }
  if (WEXITSTATUS(status[1 - w->rank]) == RANKS_ENDED)
    return fault_verdict(w->place, WEXITSTATUS(status[w->rank]),
                         w->rank == 0 ? "errors.0" : "errors.1");
  if (status[0] != status[1]) return "ranks end with different codes";
  if (fault_lines("errors.1", line[1]) > 0) return "rank 1 speaks";
  return fault_verdict(w->place, WEXITSTATUS(status[0]), "errors.0");
}

static int try_place(const char *name, work *w) {
  int status[RANKS];
  char line[300];
  fault_forget("out");
  ranks_run(run_rank, w, status);
  n_trials++;
  const char *wrong = verdict(w, status);
  if (wrong == NULL) return 0;
  fault_lines("errors.0", line);
  fprintf(stderr,
          "%s: %s (exit status %x and %x, \"%s\") where call %ld of %ld of rank %d fails of ", name,
          wrong, (unsigned)status[0], (unsigned)status[1], line, w->call, w->place->calls, w->rank);
  fault_place_print(w->place);
  return 1;
}

/* What rank 0 writes by itself, piece by piece, is the concern of test_faults. */
static bool is_text(const fault_place *place) {
  static const char *const functions[] = {"json_", "fput", "put", "fprintf", "printf", "fwrite"};
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    if (strncmp(place->function, functions[i], strlen(functions[i])) == 0) return true;
  return false;
}

static int try_rank(const char *name, work *w) {
  int bad = 0;
  for (int i = 0; i < w->places[w->rank]->n && bad < 10; i++) {
    w->place = fault_place_number(w->places[w->rank], i);
    if (w->place->known || is_text(w->place)) continue;
    for (w->call = 0;
         w->call<w->place->calls; w->call += w->place->calls> 1 ? w->place->calls - 1 : 1)
      if (passed++ % spread == 0) bad += try_place(name, w);
  }
  return bad;
}

static int try_job(const fault_job *j) {
  static const char *const words[] = {"run",     "job.yaml",  "--out", "out",
                                      "--quiet", "--threads", "1",     NULL};
  double began = fault_seconds();
  int bad = 0, status[RANKS], before = n_trials;
  work w = {.words = words, .notes = true};
  fault_write_job(j, "job.yaml");
  for (int r = 0; r < RANKS; r++) w.places[r] = fault_places_create();
  fault_forget("out");
  ranks_run(run_rank, &w, status);
  if (status[0] != 0 || status[1] != 0)
    fail_msg("%s: an undisturbed run fails: %x %x", j->name, (unsigned)status[0],
             (unsigned)status[1]);
  w.notes = false;
  for (w.rank = RANKS - 1; w.rank >= 0; w.rank--) {
    fault_places_mark(w.places[w.rank], known[w.rank]);
    bad += try_rank(j->name, &w);
    n_places += fault_places_join(known[w.rank], w.places[w.rank]);
  }
  print_message("%-22s %4d and %4d places, %4d failures, %.1f s\n", j->name, w.places[0]->n,
                w.places[1]->n, n_trials - before, fault_seconds() - began);
  for (int r = 0; r < RANKS; r++) fault_places_destroy(w.places[r]);
  return bad;
}

static void no_rank_is_left_waiting(void **state) {
  (void)state;
  int bad = 0;
  for (const fault_job *j = fault_jobs; j->name != NULL; j++)
    if (only == NULL || strcmp(only, j->name) == 0) bad += try_job(j);
  print_message("%d places, %d failures\n", n_places, n_trials);
  assert_int_equal(bad, 0);
}

/* test_fault_ranks [all [JOB]] */
int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(no_rank_is_left_waiting)};
  const fault_choice choice = fault_choose(argc, argv);
  if (choice.skip) return 0;
  only = choice.job;
  spread = choice.all ? 1 : 20;
  setenv("PATH", "/nowhere", 1); /* figures need gnuplot, and time */
  base = new_directory();
  if (chdir(base) != 0) return 1;
  for (int r = 0; r < RANKS; r++) known[r] = fault_places_create();
  int failed = cmocka_run_group_tests_name("failures on one rank", tests, NULL, NULL);
  if (chdir("/") != 0) return 1;
  setenv("PATH", "/usr/bin:/bin", 1);
  remove_directory(base);
  return failed;
}
