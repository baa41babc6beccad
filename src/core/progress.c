/* The log and the progress. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "core/context.h"

enum { BAR_WIDTH = 24 };
static const double SHOW_AFTER = 0.5, REDRAW_AFTER = 0.1, LINE_AFTER = 60; /* seconds */

/* One line in place of the bar. */
static void print_line(cw_context *ctx, const char *prefix, const char *format, va_list args) {
  if (ctx->progress.visible) fputs("\r\033[K", stderr);
  ctx->progress.visible = false;
  fputs(prefix, stderr);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
}

void cw_log(cw_context *ctx, const char *format, ...) {
  if (ctx->quiet || ctx->rank != 0) return;
  va_list args;
  va_start(args, format);
  print_line(ctx, "", format, args);
  va_end(args);
}

void cw_warn(cw_context *ctx, const char *format, ...) {
  if (ctx->rank != 0) return;
  va_list args;
  va_start(args, format);
  print_line(ctx, "warning: ", format, args);
  va_end(args);
}

static void print_duration(double seconds, char *text, size_t size) {
  long s = (long)(seconds + 0.5);
  if (s < 3600)
    snprintf(text, size, "%ld:%02ld", s / 60, s % 60);
  else
    snprintf(text, size, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
}

/* "[2026-11-30 17:53:04] hmc: " */
static void begin_line(const cw_context *ctx) {
  char date[32] = "";
  struct tm local;
  const time_t now = time(NULL);
  if (localtime_r(&now, &local) != NULL) strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &local);
  fprintf(stderr, "[%s] %s: ", date, ctx->progress.what);
}

void cw_progress_begin(cw_context *ctx, const char *what, double from, double total) {
  snprintf(ctx->progress.what, sizeof ctx->progress.what, "%s", what);
  ctx->progress.from = ctx->progress.done = from;
  ctx->progress.total = total;
  ctx->progress.began = ctx->progress.drawn = cw_wall_seconds();
  ctx->progress.visible = false;
  ctx->progress.on = !ctx->quiet && ctx->rank == 0;
  ctx->progress.lines = ctx->progress.on && !isatty(STDERR_FILENO);
  if (!ctx->progress.lines) return;
  begin_line(ctx);
  fprintf(stderr, from > 0 ? "goes on at %.0f of %.0f\n" : "begins, %.0f of %.0f\n", from, total);
}

/* What is left at the pace so far: "3:12"; "-": nothing is known yet. */
static void estimate_rest(const cw_context *ctx, double spent, char left[32]) {
  const double did = ctx->progress.done - ctx->progress.from,
               rest = ctx->progress.total - ctx->progress.done;
  snprintf(left, 32, "-");
  if (did > 0) print_duration(spent * fmax(rest, 0) / did, left, 32);
}

static void draw_bar(cw_context *ctx, const char *left, const char *note) {
  char bar[BAR_WIDTH + 1];
  double share = ctx->progress.total > 0 ? ctx->progress.done / ctx->progress.total : 0;
  if (share > 1) share = 1;
  for (int i = 0; i < BAR_WIDTH; i++) bar[i] = i < (int)(share * BAR_WIDTH) ? '=' : ' ';
  bar[BAR_WIDTH] = '\0';
  fprintf(stderr, "\r\033[K%-18s [%s] %3d%%  %s left  %s", ctx->progress.what, bar,
          (int)(100 * share), left, note);
  fflush(stderr);
  ctx->progress.visible = true;
}

static void print_progress(cw_context *ctx, const char *left, const char *note) {
  begin_line(ctx);
  fprintf(stderr, "%.0f of %.0f, %s left%s%s\n", ctx->progress.done, ctx->progress.total, left,
          note[0] != '\0' ? ", " : "", note);
}

void cw_progress_update(cw_context *ctx, double done, const char *format, ...) {
  if (!ctx->progress.on) return;
  double now = cw_wall_seconds(), spent = now - ctx->progress.began;
  ctx->progress.done = done;
  if (spent < SHOW_AFTER) return;
  if (now - ctx->progress.drawn < (ctx->progress.lines ? LINE_AFTER : REDRAW_AFTER)) return;
  ctx->progress.drawn = now;
  char left[32], note[128];
  va_list args;
  va_start(args, format);
  vsnprintf(note, sizeof note, format, args);
  va_end(args);
  estimate_rest(ctx, spent, left);
  if (ctx->progress.lines)
    print_progress(ctx, left, note);
  else
    draw_bar(ctx, left, note);
}

void cw_progress_end(cw_context *ctx) {
  if (ctx->progress.visible) fputs("\r\033[K", stderr);
  if (ctx->progress.lines) {
    char spent[32];
    print_duration(cw_wall_seconds() - ctx->progress.began, spent, sizeof spent);
    begin_line(ctx);
    fprintf(stderr, "ends, %.0f of %.0f, after %s\n", ctx->progress.done, ctx->progress.total,
            spent);
  }
  ctx->progress.visible = ctx->progress.on = ctx->progress.lines = false;
}
