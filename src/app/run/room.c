/* Is there room for a job? What it takes at least, and what this machine has left. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "app/run/run.h"

/* ---- what there is ---- */

/* The first number behind word in a file; INFINITY: there is none, so that nothing is known to be short. */
static double number_in(const char *path, const char *word) {
  char line[256];
  double found = INFINITY;
  FILE *file = fopen(path, "r");
  if (file == NULL) return found;
  while (isinf(found) && fgets(line, sizeof line, file) != NULL)
    if (strncmp(line, word, strlen(word)) == 0)
      if (sscanf(line + strlen(word), "%lf", &found) != 1) break; /* "max" */
  fclose(file);
  return found;
}

/* The least limit of a control group and of those above it. */
static double group_limit(const char *root, char *path, const char *file) {
  double least = INFINITY;
  for (;;) {
    char name[1200];
    snprintf(name, sizeof name, "%s%s/%s", root, path, file);
    least = fmin(least, number_in(name, ""));
    char *slash = strrchr(path, '/');
    if (slash == NULL) return least;
    *slash = '\0';
  }
}

static double groups_limit(void) {
  char line[1024];
  double least = INFINITY;
  FILE *file = fopen("/proc/self/cgroup", "r");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) {
    char *path = strchr(line, '/');
    line[strcspn(line, "\n")] = '\0';
    if (path == NULL) continue;
    if (strncmp(line, "0::", 3) == 0)
      least = fmin(least, group_limit("/sys/fs/cgroup", path, "memory.max"));
    else if (strstr(line, ":memory:") != NULL)
      least = fmin(least, group_limit("/sys/fs/cgroup/memory", path, "memory.limit_in_bytes"));
  }
  if (file != NULL) fclose(file);
  return least;
}

static double memory_left(void) {
  struct rlimit limit;
  double least = fmin(1024 * number_in("/proc/meminfo", "MemAvailable:"), groups_limit());
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    least = fmin(least, (double)limit.rlim_cur);
  return least;
}

/* What the run's store holds already. */
static double bytes_in(const char *dir) {
  char path[CW_PATH + 300];
  struct stat about;
  double bytes = 0;
  snprintf(path, sizeof path, "%s/store", dir);
  DIR *list = opendir(path);
  for (struct dirent *d; list != NULL && (d = readdir(list)) != NULL;) {
    snprintf(path, sizeof path, "%s/store/%s", dir, d->d_name);
    if (stat(path, &about) == 0 && S_ISREG(about.st_mode)) bytes += (double)about.st_size;
  }
  if (list != NULL) closedir(list);
  return bytes;
}

/* Free for dir, or where the nearest folder above it that exists lies. */
static double disk_left(const char *dir) {
  char path[CW_PATH];
  struct statvfs about;
  snprintf(path, sizeof path, "%s", dir);
  while (statvfs(path, &about) != 0) {
    char *slash = strrchr(path, '/');
    if (strcmp(path, ".") == 0 || slash == path) return INFINITY;
    if (slash == NULL)
      snprintf(path, sizeof path, ".");
    else
      *slash = '\0';
  }
  return (double)about.f_bavail * (double)about.f_frsize;
}

/* ---- what the job takes ---- */

/* "1.5 GB" */
static const char *bytes_text(double bytes, char text[32]) {
  static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  int k = 0;
  for (; bytes >= 1000 && k < 6; k++) bytes /= 1000;
  if (isinf(bytes))
    snprintf(text, 32, "unknown");
  else
    snprintf(text, 32, bytes < 10 && k > 0 ? "%.1f %s" : "%.0f %s", bytes, units[k]);
  return text;
}

static void print_row(FILE *out, const char *name, const cw_room *r) {
  char a[32], b[32], c[32];
  fprintf(out, "%-24s %12s %12s %12s\n", name, bytes_text(r->memory, a),
          bytes_text(r->checkpoint, b), bytes_text(r->disk, c));
}

/* Sections run one after the other: memory and checkpoints of the largest, disk of all, most of it of *most. */
static cw_room add_up(const cw_plans *plans, long threads, FILE *out) {
  cw_room sum = {0};
  double most = -1;
  for (int i = 0; i < plans->n; i++)
    for (int k = 0; k < plans->plan[i].n_sections; k++) {
      const cw_section *s = &plans->plan[i].section[k];
      const cw_room r = cw_section_room(&plans->plan[i], s, threads);
      char name[160];
      cw_stage_name(&plans->plan[i], s->kind.name, name);
      if (out != NULL) print_row(out, name, &r);
      if (r.memory > sum.memory) {
        sum.memory = r.memory;
        memcpy(sum.memory_key, r.memory_key, sizeof sum.memory_key);
      }
      if (r.disk > most) memcpy(sum.disk_key, r.disk_key, sizeof sum.disk_key);
      most = fmax(most, r.disk);
      sum.checkpoint = fmax(sum.checkpoint, r.checkpoint);
      sum.disk += r.disk;
    }
  return sum;
}

static cw_status refuse_memory(cw_context *ctx, const char *key, double need, double left) {
  char a[32], b[32];
  return cw_fail(ctx, CW_EINVAL,
                 "%s: the job takes %s of memory at least, and %s are left: make it smaller", key,
                 bytes_text(need, a), bytes_text(left, b));
}

static cw_status check(cw_context *ctx, const char *dir, const cw_plans *plans, FILE *out) {
  char need[32], left[32];
  if (out != NULL)
    fprintf(out, "%-24s %12s %12s %12s\n", "at least", "memory", "checkpoint", "disk");
  const cw_room room = add_up(plans, (long)cw_ranks(ctx) * cw_threads(ctx), out);
  const double memory = memory_left(), disk = disk_left(dir), there = bytes_in(dir);
  if (out != NULL) {
    print_row(out, "in all", &room);
    fprintf(out, "%-24s %12s %12s %12s\n", "left here", bytes_text(memory, need), "",
            bytes_text(disk, left));
  }
  if (room.memory / cw_ranks(ctx) > memory)
    return refuse_memory(ctx, room.memory_key, room.memory, memory);
  if (room.disk - there > disk)
    return cw_fail(
        ctx, CW_EINVAL,
        "%s: the job takes %s of disk at least, and %s are left for '%s': make it smaller",
        room.disk_key, bytes_text(room.disk, need), bytes_text(disk, left), dir);
  return CW_OK;
}

cw_status cw_check_room(cw_context *ctx, const char *dir, const cw_plans *plans, FILE *out) {
  return cw_agree(ctx, cw_rank(ctx) == 0 ? check(ctx, dir, plans, out) : CW_OK);
}

cw_status cw_check_memory(cw_context *ctx, const cw_plan *plan, const cw_section *section) {
  const cw_room room = cw_section_room(plan, section, (long)cw_ranks(ctx) * cw_threads(ctx));
  const double each = room.working / cw_ranks(ctx), left = memory_left();
  return each > left ? refuse_memory(ctx, room.memory_key, each, left) : CW_OK;
}
