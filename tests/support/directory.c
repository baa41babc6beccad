#include "support/directory.h"

#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/check.h"

extern char **environ;

char *new_directory(void) {
  char *dir = strdup("/tmp/cw_test_XXXXXX");
  assert_non_null(dir);
  assert_non_null(mkdtemp(dir));
  return dir;
}

void remove_directory(char *dir) {
  char *const arguments[] = {"rm", "-rf", dir, NULL};
  pid_t child;
  int status;
  assert_int_equal(posix_spawnp(&child, "rm", NULL, NULL, arguments, environ), 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  free(dir);
}

const char *path_in(const char *dir, const char *name) {
  static _Thread_local char buffer[4][300];
  static _Thread_local int turn;
  turn = (turn + 1) % 4;
  snprintf(buffer[turn], sizeof buffer[turn], "%s/%s", dir, name);
  return buffer[turn];
}
