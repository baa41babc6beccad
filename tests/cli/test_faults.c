/* Every allocation and every write fails once, one after another: one line, the right exit code, a store that can be
 * shown, and a resumed run with the bits of an undisturbed one.
 *
 * A run is forked at every place where it could fail, at the first and at the last call from there: the copy, in a copy
 * of its directory, meets the failure and goes on to its end, while the run itself waits and then goes on undisturbed.
 * test_faults tries a spread of the places, and with the word "all" (make check-long) every one. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/check.h"
#include "support/directory.h"
#include "support/fault_jobs.h"

enum { MOST = 1 << 14, PATH = 400, SECONDS = 20 };

typedef struct {
  const fault_place *place;
  long call;
  int status; /* of waitpid */
} trial;

/* Shared with the runs. */
typedef struct {
  int n;
  trial trial[MOST];
} trials;

static char *base;
static trials *tried;
static fault_places *known; /* those of the commands before */
static int spread = 1, recover_every = 1, passed;
static int n_places, n_trials, n_recovered;
static const char *only; /* job */

/* ------------------------------------------------------------ a run's copy */

static void copy_file(const char *from, const char *to) {
  char bytes[1 << 14];
  int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  ssize_t n;
  if (in < 0 || out < 0) abort();
  while ((n = read(in, bytes, sizeof bytes)) > 0)
    if (write(out, bytes, (size_t)n) != n) abort();
  close(in);
  close(out);
}

static void copy_directory(const char *from, const char *to) {
  DIR *list = opendir(from);
  if (list == NULL || mkdir(to, 0777) != 0) abort();
  for (struct dirent *d; (d = readdir(list)) != NULL;) {
    char a[PATH], b[PATH];
    struct stat status;
    if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0) continue;
    snprintf(a, sizeof a, "%s/%s", from, d->d_name);
    snprintf(b, sizeof b, "%s/%s", to, d->d_name);
    if (stat(a, &status) != 0) abort();
    if (S_ISDIR(status.st_mode))
      copy_directory(a, b);
    else
      copy_file(a, b);
  }
  closedir(list);
}

/* Files of the directory from that are open become those of its copy, and files without a name copies. */
static void move_open_files(const char *from, const char *to) {
  for (int fd = 3; fd < 64; fd++) {
    char link[64], path[PATH], other[2 * PATH];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    bool nameless = strstr(path, " (deleted)") != NULL;
    bool inside = strncmp(path, from, strlen(from)) == 0 && path[strlen(from)] == '/';
    if (!nameless && !inside) continue;
    snprintf(other, sizeof other, nameless ? "%s/%s" : "%s%s", to,
             nameless ? strrchr(link, '/') + 1 : path + strlen(from));
    if (nameless) copy_file(link, other);
    int copy = open(other, fcntl(fd, F_GETFL) & O_ACCMODE);
    if (copy < 0) continue; /* unlinked */
    lseek(copy, lseek(fd, 0, SEEK_CUR), SEEK_SET);
    dup2(copy, fd);
    close(copy);
  }
}

static void directory_of(int number, char path[PATH]) {
  snprintf(path, PATH, "%s/%d", base, number);
}

/* Of the present process: trial number number, in a directory of its own. */
static void part_from_run(int number) {
  char from[PATH], to[PATH];
  if (getcwd(from, sizeof from) == NULL) abort();
  directory_of(number, to);
  copy_directory(from, to);
  move_open_files(from, to);
  if (chdir(to) != 0) abort();
  int errors = open("errors", O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (errors < 0 || dup2(errors, STDERR_FILENO) < 0) abort();
  close(errors);
  faults_end();
  alarm(SECONDS);
}

static bool branch(const fault_place *place, long call) {
  if ((call != 0 && call != place->calls - 1) || place->known) return false;
  if (passed++ % spread != 0 || tried->n == MOST) return false;
  trial *t = &tried->trial[tried->n++];
  *t = (trial){.place = place, .call = call};
  pid_t child = fork();
  if (child < 0) abort();
  if (child == 0) {
    part_from_run(tried->n);
    return true;
  }
  while (waitpid(child, &t->status, 0) != child) continue;
  return false;
}

/* --------------------------------------------------------------- the runs */

/* Forks one that notes, or with places noted, one that branches; both in the directory 0. Returns its exit code. */
static int run(const char *const *words, fault_places *places, bool notes) {
  char dir[PATH];
  directory_of(0, dir);
  pid_t child = fork();
  if (child < 0) abort();
  if (child == 0) {
    if (chdir(dir) != 0) abort();
    if (notes)
      faults_note(places);
    else
      faults_decide(places, branch);
    int code = fault_program(words, "errors");
    fflush(stdout);
    _exit(code);
  }
  int status;
  while (waitpid(child, &status, 0) != child) continue;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A page that says of no figure that it is left out is a whole page; it may not know what drew them. */
static const char *judge_page(void) {
  char *page = fault_content("out/report.html"), *whole = fault_content("../0/out/report.html");
  bool good = page != NULL && whole != NULL &&
              (strcmp(page, whole) == 0 || strstr(page, "Figure left out") != NULL ||
               strstr(page, "Figures by ") == NULL);
  free(page);
  free(whole);
  return good ? NULL : "the page is not the one of an undisturbed report";
}

static int fail_trial(const char *name, const trial *t, const char *wrong, const char *errors) {
  char line[300];
  fault_lines(errors, line);
  fprintf(stderr, "%s: %s (exit status %x, \"%s\") where call %ld of %ld fails of ", name, wrong,
          (unsigned)t->status, line, t->call, t->place->calls);
  fault_place_print(t->place);
  return 1;
}

static int judge(const char *name, int number, const char *job) {
  const trial *t = &tried->trial[number - 1];
  char dir[PATH];
  directory_of(number, dir);
  if (chdir(dir) != 0) return fail_trial(name, t, "it did not begin", "errors");
  if (!WIFEXITED(t->status))
    return fail_trial(name, t, WTERMSIG(t->status) == SIGALRM ? "it hangs" : "it crashes",
                      "errors");
  const char *wrong = fault_verdict(t->place, WEXITSTATUS(t->status), "errors");
  if (wrong != NULL) return fail_trial(name, t, wrong, "errors");
  if (WEXITSTATUS(t->status) == 0 && job == NULL) wrong = judge_page();
  if (wrong != NULL) return fail_trial(name, t, wrong, "errors");
  n_recovered += job != NULL && number % recover_every == 0;
  if (job == NULL || number % recover_every != 0) return 0;
  wrong = fault_recover(job, "../0/out");
  return wrong != NULL ? fail_trial(name, t, wrong, "resume.err") : 0;
}

/* job: resumed after each failure; NULL: not. */
static int try_command(const char *name, const char *const *words, const char *job,
                       bool from_scratch) {
  double began = fault_seconds();
  char dir[PATH], before[PATH];
  int bad = 0;
  fault_places *places = fault_places_create();
  directory_of(0, dir);
  snprintf(before, sizeof before, "%s/before", base);
  if (from_scratch) {
    fault_forget(dir);
    mkdir(dir, 0777);
  }
  copy_directory(dir, before);
  if (run(words, places, true) != 0) fail_msg("%s: an undisturbed run fails", name);
  fault_forget(dir);
  copy_directory(before, dir);
  fault_places_mark(places, known);
  tried->n = 0;
  if (run(words, places, false) != 0) fail_msg("%s: the run that branches fails", name);
  for (int i = 1; i <= tried->n; i++) {
    if (bad < 10) bad += judge(name, i, job);
    directory_of(i, before);
    fault_forget(before);
  }
  snprintf(before, sizeof before, "%s/before", base);
  fault_forget(before);
  int n_new = fault_places_join(known, places);
  print_message("%-30s %4d places, %4d of them new, %4d failures, %.1f s\n", name, places->n, n_new,
                tried->n, fault_seconds() - began);
  n_places += n_new;
  n_trials += tried->n;
  fault_places_destroy(places);
  return bad;
}

/* ------------------------------------------------------------------- commands */

static int try_reading(const char *job) {
  static const char *const commands[][6] = {{"show", "out", NULL},
                                            {"show", "out", "--json", NULL},
                                            {"report", "out", NULL},
                                            {"show", "out", "*a*", NULL},
                                            {"compare", "out", "out", "--json", NULL},
                                            {"compare", "out", "out", NULL}};
  const int n = strcmp(job, "hmc") == 0 ? (int)(sizeof commands / sizeof *commands) : 3;
  int bad = 0; /* one that has results is enough for what chooses among them */
  for (int i = 0; i < n; i++) {
    char name[64];
    setenv("PATH", i == 2 ? base : "/nowhere", 1); /* figures cost time */
    snprintf(name, sizeof name, "%s of %s%s", commands[i][0], job,
             i == 1 || i == 4 ? ", JSON"
             : i == 3         ? ", some"
                              : "");
    bad += try_command(name, commands[i], NULL, false);
  }
  setenv("PATH", "/nowhere", 1);
  return bad;
}

/* Flows into a model file, that file described, and a run that starts from it. */
static int try_models(const char *job) {
  static const char *const commands[][12] = {
      {"export", "out", "model.h5", NULL},
      {"info", "model.h5", NULL},
      {"info", "model.h5", "--json", NULL},
      {"run", "../job.yaml", "--out", "used", "--quiet", "--threads", "1", "--set",
       "least_squares.rounds=0", "--set", "least_squares.flow.start.model=model.h5", NULL}};
  int bad = 0;
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
    char name[64];
    snprintf(name, sizeof name, "%s of %s%s", commands[i][0], job, i > 1 ? ", again" : "");
    bad += try_command(name, commands[i], NULL, false);
  }
  return bad;
}

/* Takes the last segment of every stage from the finished run in the directory 0. */
static void cut(void) {
  char store[PATH], path[PATH + 300];
  struct dirent **file;
  snprintf(store, sizeof store, "%s/0/out/store", base);
  int n = scandir(store, &file, NULL, alphasort);
  for (int i = 0; i < n; i++) {
    const char *name = file[i]->d_name, *next = i + 1 < n ? file[i + 1]->d_name : "";
    size_t stage = strlen(name) > 9 ? strlen(name) - 9 : 0; /* 000000.h5 */
    snprintf(path, sizeof path, "%s/%s", store, name);
    if (name[0] != '.' && strncmp(name, next, stage) != 0) unlink(path);
  }
  for (int i = 0; i < n; i++) free(file[i]);
  free(file);
}

static int try_job(const fault_job *j) {
  static const char *const first[] = {"run",     "../job.yaml", "--out", "out",
                                      "--quiet", "--threads",   "1",     NULL};
  static const char *const again[] = {"run",     "../job.yaml", "--out", "out", "--resume",
                                      "--quiet", "--threads",   "1",     NULL};
  char path[PATH], name[64];
  snprintf(path, sizeof path, "%s/job.yaml", base);
  fault_write_job(j, path);
  int bad = try_command(j->name, first, "../job.yaml", true);
  bad += try_reading(j->name);
  if (strcmp(j->name, "least_squares") == 0) bad += try_models(j->name);
  cut();
  snprintf(name, sizeof name, "resume of %s", j->name);
  return bad + try_command(name, again, "../job.yaml", false);
}

static void every_failure_is_reported(void **state) {
  (void)state;
  int bad = 0;
  for (const fault_job *j = fault_jobs; j->name != NULL; j++)
    if (only == NULL || strcmp(only, j->name) == 0) bad += try_job(j);
  print_message("%d places, %d failures, %d of them shown and resumed\n", n_places, n_trials,
                n_recovered);
  assert_int_equal(bad, 0);
}

/* A figure is the script that draws it. */
static void make_gnuplot(void) {
  const char *path = path_in(base, "gnuplot");
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs("#!/bin/sh\nprintf '<svg>'; /bin/cat; printf '</svg>'\n", file);
  fclose(file);
  assert_int_equal(chmod(path, 0755), 0);
}

/* test_faults [all [JOB]] */
int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_failure_is_reported)};
  const fault_choice choice = fault_choose(argc, argv);
  if (choice.skip) return 0;
  only = choice.job;
  spread = choice.all ? 1 : 8;
  recover_every = choice.all ? 1 : 8;
  setenv("PATH", "/nowhere", 1);
  base = new_directory();
  make_gnuplot();
  known = fault_places_create();
  tried = mmap(NULL, sizeof *tried, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (tried == MAP_FAILED) return 1;
  int failed = cmocka_run_group_tests_name("failures", tests, NULL, NULL);
  if (chdir("/") != 0) return 1;
  setenv("PATH", "/usr/bin:/bin", 1);
  remove_directory(base);
  return failed;
}
