/* For LD_PRELOAD: a process that is interrupted at a commit of its store, not at a time.
 *
 * CW_INTERRUPT="SIGNAL WHEN NUMBER": raises a signal just before (0) or just after (1) segment NUMBER
 * (1, 2, ..) of this process becomes complete, which is when its file receives its name; a file that replaces
 * one is no new segment. And a clock
 * that goes on by a second whenever it is looked at: a checkpoint interval of less is over after every
 * step, a longer one never. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int n_segments;

static void interrupt(int when) {
  const char *wanted = getenv("CW_INTERRUPT");
  int number, at, segment;
  if (wanted != NULL && sscanf(wanted, "%d %d %d", &number, &at, &segment) == 3 && at == when &&
      segment == n_segments)
    raise(number);
}

int rename(const char *from, const char *to) {
  const size_t n = strlen(to);
  const int segment = n > 3 && strcmp(to + n - 3, ".h5") == 0 && access(to, F_OK) != 0;
  n_segments += segment;
  if (segment) interrupt(0);
  const int result = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
  if (segment) interrupt(1);
  return result;
}

int clock_gettime(clockid_t id, struct timespec *now) {
  static long seconds;
  (void)id;
  *now = (struct timespec){.tv_sec = __atomic_add_fetch(&seconds, 1, __ATOMIC_RELAXED)};
  return 0;
}
