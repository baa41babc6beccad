/* The log and the progress bar. */
#define _POSIX_C_SOURCE 200809L
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "core/context.h"

enum { BAR_WIDTH = 24 };
static const double SHOW_AFTER = 0.5, REDRAW_AFTER = 0.1; /* seconds */

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

void cw_progress_begin(cw_context *ctx, const char *what, double total) {
  snprintf(ctx->progress.what, sizeof ctx->progress.what, "%s", what);
  ctx->progress.total = total;
  ctx->progress.began = ctx->progress.drawn = cw_wall_seconds();
  ctx->progress.visible = false;
  ctx->progress.on = !ctx->quiet && ctx->rank == 0 && isatty(STDERR_FILENO);
}

static void print_duration(double seconds, char *text, size_t size) {
  long s = (long)(seconds + 0.5);
  if (s < 3600)
    snprintf(text, size, "%ld:%02ld", s / 60, s % 60);
  else
    snprintf(text, size, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
}

void cw_progress_update(cw_context *ctx, double done, const char *format, ...) {
  if (!ctx->progress.on) return;
  double now = cw_wall_seconds(), spent = now - ctx->progress.began;
  if (spent < SHOW_AFTER || now - ctx->progress.drawn < REDRAW_AFTER) return;
  ctx->progress.drawn = now;
  double share = ctx->progress.total > 0 ? done / ctx->progress.total : 0;
  if (share > 1) share = 1;
  char bar[BAR_WIDTH + 1], left[32] = "-", note[128];
  for (int i = 0; i < BAR_WIDTH; i++) bar[i] = i < (int)(share * BAR_WIDTH) ? '=' : ' ';
  bar[BAR_WIDTH] = '\0';
  if (share > 0) print_duration(spent * (1 - share) / share, left, sizeof left);
  va_list args;
  va_start(args, format);
  vsnprintf(note, sizeof note, format, args);
  va_end(args);
  fprintf(stderr, "\r\033[K%-18s [%s] %3d%%  %s left  %s", ctx->progress.what, bar,
          (int)(100 * share), left, note);
  fflush(stderr);
  ctx->progress.visible = true;
}

void cw_progress_end(cw_context *ctx) {
  if (ctx->progress.visible) fputs("\r\033[K", stderr);
  ctx->progress.visible = ctx->progress.on = false;
}
