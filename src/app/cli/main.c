/* The program: words to subcommands, statuses to one line and an exit code. */
#define _POSIX_C_SOURCE 200809L
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cli/commands.h"
#include "app/job/job.h"
#include "app/run/signals.h"
#include "causeway/configuration.h"

/* The formats of configurations that a command deals with. */
typedef enum { NO_FORMATS, READ, WRITTEN } formats;

typedef struct {
  const char *name;
  cw_status (*run)(cw_context *ctx, int argc, char **argv);
  const char *usage, *help;
  formats formats; /* named behind help */
  bool computes;   /* for long, with threads */
} command;

static const command commands[] = {
    {"run", cw_command_run,
     "run JOB.yaml [--out DIR] [--seed N] [--threads N] [--resume] [--plan] [--set path=value]... "
     "[--quiet]",
     "run every stage of a job; the output goes to DIR, or runs/NAME", NO_FORMATS, true},
    {"resume", cw_command_resume, "resume DIR [--threads N] [--set path=value]... [--quiet]",
     "go on with a run that was interrupted, or give a finished one more to do", NO_FORMATS, true},
    {"tune", cw_command_tune,
     "tune JOB.yaml [--for rungs|swaps|tunnelling] [--cost seconds|updates] [--case NAME] "
     "[--target A] [--rounds N] [--steps N] [--seed N] [--threads N] [--set path=value]...",
     "find the rungs of a ladder on which all swaps are accepted alike, the switches whose swaps "
     "cost "
     "least, or the defect with most tunnelling",
     NO_FORMATS, true},
    {"show", cw_command_show, "show DIR [PATTERN]... [--json]",
     "print the results of a run, or those whose names are like a pattern: 'hmc.*', '*chi2'",
     NO_FORMATS, false},
    {"compare", cw_command_compare, "compare DIR... [--only PATTERN]... [--json]",
     "print the results of runs beside each other, how far they are apart, and what they cost",
     NO_FORMATS, false},
    {"report", cw_command_report, "report DIR", "write DIR/report.html", NO_FORMATS, false},
    {"list", cw_command_list,
     "list [theories|methods|samplers|layers|autoregressive|observables|formats|jobs|models]",
     "print what can be used in a job, the formats of configurations, and the jobs and models that "
     "ship",
     NO_FORMATS, false},
    {"info", cw_command_info,
     "info FILE [--lattice X,Y,Z,T] [--ignore-checks checksum,plaquette,link_trace] [--json]",
     "verify a configuration or a model file and print what it holds", READ, false},
    {"convert", cw_command_convert,
     "convert IN OUT [--format FORMAT] [--precision 32|64] [--rows 1|2|3] [--lattice X,Y,Z,T] "
     "[--ignore-checks checksum,plaquette,link_trace] [--case NAME] [--stage NAME] [--config N] "
     "[--overwrite]",
     "write a configuration, of a file or kept by a run, in another format", WRITTEN, false},
    {"measure", cw_command_measure,
     "measure FILE|DIR... --job JOB.yaml [--list FILE] [--case NAME] [--ignore-checks "
     "checksum,plaquette,link_trace] [--out DIR] [--resume] [--json] [--threads N] [--set "
     "path=value]... [--quiet]",
     "measure the observables of a job on configurations in files, with errors of the chain that "
     "they are",
     READ, true},
    {"export", cw_command_export, "export RUN OUT [--case NAME] [--stage NAME] [--overwrite]",
     "write the flows that a run trained between the rungs of its ladder as a model file",
     NO_FORMATS, false},
    {"check", cw_command_check, "check [--threads N]", "test this installation in a few seconds",
     NO_FORMATS, true},
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

/* What a command does, in a line. */
static void print_line(FILE *to, const command *c) {
  const char *word[CW_MAX_FORMATS + 1];
  char list[400];
  fputs(c->help, to);
  if (c->formats != NO_FORMATS)
    fprintf(to, " (%s)",
            cw_join_words(c->formats == READ ? cw_format_titles(word) : cw_format_names(true, word),
                          ", ", ", ", list, sizeof list));
  fputc('\n', to);
}

static int print_help(FILE *to) {
  fputs("causeway " CW_VERSION
        ": samples of lattice field theories over machine-learned bridges, exactly\n\n",
        to);
  for (int i = 0; i < N_COMMANDS; i++) {
    fprintf(to, "  causeway %s\n      ", commands[i].usage);
    print_line(to, &commands[i]);
  }
  fputs("\n  causeway --help | --version\n\nExit codes: 0 done, 2 bad input or file, 3 numerical "
        "failure, 4 no memory, 130 interrupted.\n",
        to);
  return to == stdout ? 0 : 2;
}

static int unknown_command(const char *word) {
  const char *names[N_COMMANDS + 1] = {NULL};
  for (int i = 0; i < N_COMMANDS; i++) names[i] = commands[i].name;
  const char *near = cw_nearest(word, names);
  fprintf(stderr,
          near ? "error: unknown command '%s'; did you mean '%s'?\n"
               : "error: unknown command '%s'; see causeway --help\n",
          word, near);
  return 2;
}

/* Options that a context needs before it exists. */
static bool early_options(int argc, char **argv, cw_context_options *o) {
  for (int i = 0; i < argc; i++) {
    if (strcmp(argv[i], "--quiet") == 0) o->quiet = true;
    if (strcmp(argv[i], "--threads") != 0) continue;
    char *end = NULL;
    long n = i + 1 < argc ? strtol(argv[i + 1], &end, 10) : 0;
    if (end == NULL || *end != '\0' || n < 1 || n > 4096) {
      fprintf(stderr, "error: --threads: expected a number from 1 to 4096, found '%s'\n",
              i + 1 < argc ? argv[i + 1] : "nothing");
      return false;
    }
    o->threads = (int)n;
  }
  return true;
}

/* A full disk shows when the last of the output is written, if not before. */
static cw_status flush_output(cw_context *ctx) {
  if (fflush(stdout) == 0 && !ferror(stdout)) return CW_OK;
  return cw_fail(ctx, CW_EIO, "cannot write to standard output");
}

static int run_command(const command *c, int argc, char **argv) {
  cw_context *ctx = NULL;
  cw_context_options options = {.use_mpi = true};
  if (!early_options(argc, argv, &options)) return 2;
  cw_catch_signals();
  cw_status st = cw_context_create(&options, &ctx);
  if (st == CW_OK) st = c->run(ctx, argc, argv);
  if (st == CW_OK) st = cw_agree(ctx, flush_output(ctx));
  bool speak = ctx == NULL || cw_rank(ctx) == 0;
  if (st != CW_OK && speak)
    fprintf(stderr, "error: %s\n", ctx && *cw_error(ctx) ? cw_error(ctx) : "no memory");
  cw_context_destroy(ctx);
  return cw_exit_code(st);
}

/* How long a thread that has nothing to do looks for work before it sleeps. libgomp's own preset is
 * milliseconds: on cores that others use as well it then takes the time of those that have work, and
 * two threads were seven times slower than one. libgomp reads the number before main, so that the
 * program starts itself again with it. What the user has set stays. */
static void wait_briefly(char **argv) {
  if (getenv("OMP_WAIT_POLICY") != NULL || getenv("GOMP_SPINCOUNT") != NULL) return;
  char path[4096]; /* by its own name, so that process lists show it */
  const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
  if (n < 0 || setenv("GOMP_SPINCOUNT", "1000", 1) != 0) return;
  path[n] = '\0';
  execv(path, argv);
  /* it cannot: then it waits as libgomp likes */
}

int main(int argc, char **argv) {
  if (argc < 2) return print_help(stderr);
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
    return print_help(stdout);
  if (strcmp(argv[1], "--version") == 0) return puts("causeway " CW_VERSION) < 0;
  for (int i = 0; i < N_COMMANDS; i++)
    if (strcmp(argv[1], commands[i].name) == 0) {
      for (int k = 2; k < argc; k++)
        if (strcmp(argv[k], "--help") == 0 || strcmp(argv[k], "-h") == 0) {
          printf("usage: causeway %s\n", commands[i].usage);
          print_line(stdout, &commands[i]);
          return 0;
        }
      if (commands[i].computes) wait_briefly(argv);
      return run_command(&commands[i], argc - 2, argv + 2);
    }
  return unknown_command(argv[1]);
}
