#define _GNU_SOURCE /* nftw */
#include "support/fault_jobs.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/analysis/fill.h"

int causeway_main(int argc, char **argv);

/* Two blocks of chains, so that there is work for two ranks; a clock that is not the world's (below) makes several
 * segments. */
#define PHI4 "lattice: [4, 4]\ntheory: {kind: phi4, form: kappa, kappa: 0.2, lambda: 0.1}\n"
#define HEAD "seed: 3\ncheckpoint: 4\n"
#define FLOW                                                                                       \
  "model: {prior: {kind: free, sigma: 0.8, mass2: 1.0}, layers: [{kind: affine, repeat: 2, net: "  \
  "{kind: conv, hidden: [2], kernel: 3}}, {kind: additive, net: {kind: dense, hidden: [2]}}, "     \
  "{kind: scale}]}\n"
#define TRAIN  "train: {loss: reverse_kl, gradient: path, batch: 32, steps: 3}\n"
#define HMC    "hmc: {chains: 20, thermalise: 2, steps: 4, keep: 80}\n"
#define LADDER PHI4 "ladder: {from: {kappa: 0.1}, rungs: 3}\n"
#define WALK   "sampler: hmc, particles: 20, walks: 2, thermalise: 2, tuning: 1"
#define WALK_FLOW                                                                                  \
  "flow: {layers: [{kind: affine, net: {hidden: [2]}}]}, train: {batch: 20, steps: 2}"

const fault_job fault_jobs[] = {
    {"hmc", HEAD PHI4 HMC},
    {"heatbath", HEAD "lattice: [2, 2, 2, 2]\ntheory: {kind: su3, beta: 5.5}\n"
                      "heatbath: {chains: 20, thermalise: 2, steps: 3, keep: 20}\n"
                      "measure: {gradient_flow: {time: 0.1, points: 4}, wilson_loops: {max_r: 1, "
                      "max_t: 2}, cooling: {sweeps: 1}}\n"},
    {"cluster", HEAD "lattice: [4, 4]\ntheory: {kind: ising, beta: 0.3}\n"
                     "cluster: {chains: 20, thermalise: 2, steps: 3}\n"
                     "spinflip: {chains: 20, thermalise: 2, steps: 3}\n"},
    {"train", HEAD PHI4 FLOW TRAIN},
    {"train.forward", HEAD PHI4 FLOW HMC
     "train: {loss: forward_kl, gradient: path, data: hmc, batch: 32, steps: 3}\n"},
    {"train.autoregressive",
     HEAD "lattice: [4, 4]\ntheory: {kind: ising, beta: 0.3}\n"
          "model: {kind: made, hidden: [4]}\n"
          "train: {loss: reverse_kl, gradient: reinforce, batch: 32, steps: 3}\nnis: {samples: "
          "40}\n"},
    {"nis", HEAD PHI4 FLOW TRAIN "nis: {samples: 40}\n"},
    {"nmcmc", HEAD PHI4 FLOW TRAIN "nmcmc: {chains: 20, steps: 20}\n"},
    {"forward", HEAD PHI4 FLOW TRAIN HMC "forward: {data: hmc}\n"},
    {"cases.carried", HEAD PHI4 FLOW TRAIN
     "figures: [{title: Loss, against: theory.kappa, of: [nis.ess, F_q]}]\n"
     "cases: {a: {}, b: {theory: {kappa: 0.1}, model: {start: {case: a}}, nis: {samples: 40}}}\n"},
    {"chain", HEAD PHI4 "chain: {nodes: 2, chains: 20, thermalise: 2, steps: 2}\n"},
    {"ais", HEAD LADDER "ais: {" WALK ", reverse: true}\n"},
    {"smc", HEAD LADDER "smc: {" WALK ", threshold: 1, pimh: true}\n"},
    {"snf", HEAD LADDER "snf: {" WALK ", " WALK_FLOW "}\n"},
    {"craft", HEAD LADDER "craft: {" WALK ", threshold: 1, " WALK_FLOW "}\n"},
    {"walk", HEAD LADDER "walk: {moves: [mutate, retarget, resample], " WALK ", threshold: 1}\n"},
    {"rex", HEAD LADDER "craft: {" WALK ", " WALK_FLOW "}\n"
                        "rex: {sampler: hmc, chains: 20, thermalise: 2, steps: 3, measure: all, "
                        "flow: craft}\n"},
    {"least_squares",
     HEAD "lattice: [4, 4]\ntheory: {kind: u1, beta: 1.5}\nladder: {from: {beta: "
          "1}, rungs: 3}\nleast_squares: {sampler: heatbath, chains: 20, thermalise: "
          "1, steps: 4, degree: 1, folds: 2, flow: {layers: [{kind: residual}]}}\n"},
    {"correlated",
     HEAD "lattice: [4, 4]\ntheory: {kind: u1, beta: 1.5}\nladder: {from: {beta: 1.4}, rungs: "
          "2}\nleast_squares: {sampler: heatbath, chains: 20, thermalise: 1, steps: 4, folds: 2, "
          "flow: {layers: [{kind: residual}]}}\ncorrelated: {sampler: heatbath, chains: 20, "
          "thermalise: 1, steps: 4, to: {beta: 1.6}, flow: least_squares}\n"},
    {"ptbc", HEAD "lattice: [2, 2, 2, 2]\ntheory: {kind: su3, form: defect, beta: 5.5, factor: 1, "
                  "edge_1: 1}\nladder: {from: {factor: 0}, rungs: 3}\n"
                  "ptbc: {sampler: heatbath, chains: 1, thermalise: 2, steps: 3, measure: all, "
                  "levels: [{margin: 1, sweeps: 1}]}\n"},
    {NULL, NULL}};

void fault_write_job(const fault_job *job, const char *path) {
  FILE *file = fopen(path, "w");
  if (file == NULL || fprintf(file, "job: %s\n%s", job->name, job->text) < 0) abort();
  fclose(file);
}

fault_choice fault_choose(int argc, char **argv) {
  const char *wanted = getenv("CW_LONG");
  fault_choice c = {.all = argc > 1 && strcmp(argv[1], "all") == 0,
                    .job = argc > 2 ? argv[2] : NULL};
  c.skip = c.all && (wanted == NULL || strcmp(wanted, "1") != 0);
  return c;
}

static int forget_one(const char *path, const struct stat *status, int type, struct FTW *at) {
  (void)status;
  (void)type;
  (void)at;
  return remove(path);
}

void fault_forget(const char *path) { nftw(path, forget_one, 16, FTW_DEPTH | FTW_PHYS); }

double fault_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A clock that only its readers move: what a run does never depends on how long it takes. */
double __wrap_cw_wall_seconds(void);
double __wrap_cw_wall_seconds(void) {
  static double seconds;
  return seconds += 1;
}

static void send_to(int fd, const char *path) {
  int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (file < 0 || dup2(file, fd) < 0) abort();
  close(file);
}

/* cmocka catches them, in the processes that a test forks too. */
static void crash_as_others_do(void) {
  static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) signal(numbers[i], SIG_DFL);
}

int fault_program(const char *const *words, const char *errors) {
  char *argv[FAULT_WORDS + 2] = {(char *)"causeway"};
  int argc = 1;
  while (argc <= FAULT_WORDS && words[argc - 1] != NULL) {
    argv[argc] = (char *)words[argc - 1];
    argc++;
  }
  send_to(STDOUT_FILENO, "/dev/null");
  send_to(STDERR_FILENO, errors);
  crash_as_others_do();
  faults_begin(__builtin_return_address(0));
  int code = causeway_main(argc, argv);
  faults_end();
  fflush(stderr);
  return code;
}

int fault_lines(const char *path, char first[300]) {
  FILE *file = fopen(path, "r");
  char line[2000];
  int n = 0;
  first[0] = '\0';
  if (file == NULL) return -1;
  while (fgets(line, sizeof line, file) != NULL)
    if (n++ == 0) snprintf(first, 300, "%.299s", line);
  fclose(file);
  first[strcspn(first, "\n")] = '\0';
  return n;
}

char *fault_content(const char *path) {
  FILE *file = fopen(path, "r");
  long size = file != NULL && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
  char *text = size >= 0 ? malloc((size_t)size + 1) : NULL;
  if (text != NULL) {
    rewind(file);
    text[fread(text, 1, (size_t)size, file)] = '\0';
  }
  if (file != NULL) fclose(file);
  return text;
}

const char *fault_verdict(const fault_place *place, int code, const char *errors) {
  char line[300];
  int n = fault_lines(errors, line);
  int wanted = place->kind == FAULT_MEMORY ? 4 : 2;
  if (code == 0 && n == 0 && place->kind != FAULT_MEMORY) return NULL;
  if (n != 1) return n == 0 ? "it says nothing" : "it says more than one line";
  if (strncmp(line, "error: ", 7) != 0) return "the line is not an error";
  if (place->kind == FAULT_MEMORY && strstr(line, "no memory") == NULL)
    return "the line does not say that there is no memory";
  return code == wanted || (place->kind == FAULT_HDF5 && code == 4) ? NULL : "the exit code";
}

/* -------------------------------------------------------------------- recovery */

static bool same_bits(const cw_array *p, const cw_array *q) {
  return q != NULL && cw_array_size(p) == cw_array_size(q) &&
         memcmp(p->data, q->data, (size_t)cw_array_size(p) * sizeof *p->data) == 0;
}

static const char *compare_arrays(const cw_arrays *x, const cw_arrays *y) {
  if (x->n != y->n) return "a stage has other arrays";
  for (int i = 0; i < x->n; i++) {
    const cw_array *p = &x->array[i], *q = cw_arrays_get(y, p->name);
    if (strncmp(p->name, "timing.", 7) == 0) continue;
    if (!same_bits(p, q)) return "the bits of the resumed run are others";
  }
  return NULL;
}

/* The rows of all segments, and the state in the last ones. */
static const char *compare_stage(cw_context *ctx, cw_store *a, cw_store *b, const char *stage) {
  cw_arrays x = {0}, y = {0};
  const char *wrong = NULL;
  if (cw_analysis_collect(ctx, a, stage, &x) != CW_OK ||
      cw_analysis_collect(ctx, b, stage, &y) != CW_OK)
    wrong = "a store cannot be read";
  if (wrong == NULL) wrong = compare_arrays(&x, &y);
  cw_arrays_clear(&x);
  cw_arrays_clear(&y);
  if (wrong == NULL &&
      (cw_store_read(a, stage, -1, &x) != CW_OK || cw_store_read(b, stage, -1, &y) != CW_OK))
    wrong = "a store cannot be read";
  for (int i = 0; i < x.n && wrong == NULL; i++) {
    const cw_array *p = &x.array[i], *q = cw_arrays_get(&y, p->name);
    if (strncmp(p->name, "state.", 6) == 0 && !same_bits(p, q))
      wrong = "the state of the resumed run is another";
  }
  cw_arrays_clear(&x);
  cw_arrays_clear(&y);
  return wrong;
}

/* Every stage that the job of a case has. */
static const char *compare_case(cw_context *ctx, cw_store *a, cw_store *b, const cw_plan *plan) {
  static cw_part part[CW_MAX_PARTS];
  const char *wrong = NULL;
  for (int i = 0; i < plan->n_sections; i++) {
    const cw_section *s = &plan->section[i];
    const int n = s->method->parts(plan, s, part);
    for (int k = 0; k < n && wrong == NULL; k++) {
      char stage[160];
      cw_stage_name(plan, part[k].stage, stage);
      if (k > 0 && strcmp(part[k].stage, part[k - 1].stage) == 0) continue;
      bool both = cw_store_segments(a, stage) > 0 && cw_store_segments(b, stage) > 0;
      wrong = both ? compare_stage(ctx, a, b, stage) : "a stage is missing";
    }
  }
  return wrong;
}

const char *fault_compare(const char *run, const char *other) {
  cw_context *ctx = NULL;
  cw_store *a = NULL, *b = NULL;
  cw_plans plans = {0};
  const char *wrong = NULL;
  if (cw_context_create(&(cw_context_options){.threads = 1, .quiet = true}, &ctx) != CW_OK ||
      cw_store_open(ctx, run, &a) != CW_OK || cw_store_open(ctx, other, &b) != CW_OK ||
      cw_plans_of_store(ctx, b, &plans) != CW_OK)
    wrong = "a store cannot be opened";
  for (int i = 0; wrong == NULL && i < plans.n; i++)
    wrong = compare_case(ctx, a, b, &plans.plan[i]);
  cw_plans_clear(&plans);
  cw_store_close(a);
  cw_store_close(b);
  cw_context_destroy(ctx);
  return wrong;
}

/* Reports of fault_recover's child: its exit code. */
static const char *const reports[] = {NULL,
                                      "show of what is there fails",
                                      "show says that there is nothing, in a wrong way",
                                      "the resumed run fails",
                                      "the resumed run says something",
                                      "the resumed run has another store than an undisturbed one"};

static int recover(const char *job, const char *whole) {
  char line[300];
  const char *const show[] = {"show", "out", NULL};
  const char *const resume[] = {"run",     job,         "--out", "out", "--resume",
                                "--quiet", "--threads", "1",     NULL};
  int code = fault_program(show, "show.err"), n = fault_lines("show.err", line);
  if (code != 0 && code != 2) return 1;
  if (code == 0 ? n != 0 : n != 1 || (strstr(line, "store '") == NULL)) return 2;
  if (fault_program(resume, "resume.err") != 0) return 3;
  if (fault_lines("resume.err", line) != 0) return 4;
  return fault_compare("out", whole) == NULL ? 0 : 5;
}

const char *fault_recover(const char *job, const char *whole) {
  pid_t child = fork();
  if (child == 0) {
    alarm(60);
    _exit(recover(job, whole));
  }
  int status;
  if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) return "show or resume crash";
  return WEXITSTATUS(status) < 6 ? reports[WEXITSTATUS(status)] : "show or resume crash";
}
