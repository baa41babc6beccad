/* Figures by gnuplot: a script into its standard input, an SVG out of its standard output, no shell
 * in between. */
#include <errno.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report/page.h"

extern char **environ;

/* -d: without the user's start-up files. */
static char *const gnuplot_arguments[] = {"gnuplot", "-d", NULL};
static char *const version_arguments[] = {"gnuplot", "--version", NULL};

/* Runs gnuplot with its three streams on open files; returns its exit status, or -1 with errno if
 * it cannot be run. */
static int run_gnuplot(char *const *arguments, FILE *in, FILE *out, FILE *error) {
  posix_spawn_file_actions_t actions;
  pid_t child;
  if ((errno = posix_spawn_file_actions_init(&actions)) != 0) return -1;
  posix_spawn_file_actions_adddup2(&actions, fileno(in), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fileno(out), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fileno(error), STDERR_FILENO);
  int problem = posix_spawnp(&child, arguments[0], &actions, NULL, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  errno = problem;
  if (problem != 0) return -1;
  int status;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* The beginning of a file; "" if it cannot be read. */
static void read_beginning(FILE *file, char *text, size_t size) {
  rewind(file);
  size_t got = fread(text, 1, size - 1, file);
  text[got] = '\0';
}

/* The whole of a file as a string, NULL if it cannot be read. CW_ENOMEM. */
static cw_status read_whole(FILE *file, char **text) {
  *text = NULL;
  long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
  if (size < 0) return CW_OK;
  *text = malloc((size_t)size + 1);
  if (*text == NULL) return CW_ENOMEM;
  read_beginning(file, *text, (size_t)size + 1);
  if (!ferror(file)) return CW_OK;
  free(*text);
  *text = NULL;
  return CW_OK;
}

/* The three files of one run, without names, gone when closed. */
typedef struct {
  FILE *in, *out, *error;
} streams;

static bool open_streams(streams *s) {
  *s = (streams){tmpfile(), tmpfile(), tmpfile()};
  return s->in != NULL && s->out != NULL && s->error != NULL;
}

static void close_streams(streams *s) {
  if (s->in != NULL) fclose(s->in);
  if (s->out != NULL) fclose(s->out);
  if (s->error != NULL) fclose(s->error);
}

/* The range of an axis: [low, high], widened by margins of its length; a range without length by
 * something. */
static void write_range(FILE *out, const char *axis, double low, double high, bool logarithmic,
                        double margin_below, double margin) {
  if (logarithmic) {
    low = log(low);
    high = log(high);
  }
  double length = high - low, least = 1e-9 * fmax(fabs(low), fabs(high));
  if (length <= least)
    margin_below = margin = 0.5, length = fmax(logarithmic ? 1 : 0.2 * fabs(high), 1e-300);
  double from = low - (low == 0 && !logarithmic ? 0 : margin_below * length),
         to = high + margin * length;
  if (high == 0 && length <= 1e-300) to = 1;
  if (logarithmic) {
    from = exp(from);
    to = exp(to);
  }
  fprintf(out, "set %srange [%.9g:%.9g]\n", axis, from, to);
}

/* Labels of a logarithmic axis at 1, 2, 5, 10, ...; over many decades only at powers of ten. */
static void write_log_tics(FILE *out, const char *axis, double low, double high) {
  bool few = high < 300 * low;
  int first = (int)floor(log10(low)), last = (int)ceil(log10(high)), every = (last - first) / 8 + 1;
  fprintf(out, "set %stics (", axis);
  const char *comma = "";
  for (int k = first; k <= last; k += every)
    for (int digit = 1; digit <= 5; digit += digit == 1 ? 1 : 3) {
      if (digit > 1 && !few) continue;
      fprintf(out, "%s'%g' %.9g", comma, digit * pow(10, k), digit * pow(10, k));
      comma = ", ";
    }
  fputs(")\n", out);
}

/* 1, 2 or 5 times a power of ten, at least x. */
static double round_up(double x) {
  const double power = pow(10, floor(log10(x))), digit = x / power;
  return (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10) * power;
}

/* The numbers of each strip at its own height: some of an average one, where there is room; one of those that have
 * none. */
static void write_strip_tics(FILE *out, const cw_figure *f) {
  double length = 0;
  for (int k = 0; k < f->n_strips; k++)
    length += (f->strip[k].high - f->strip[k].low) / f->n_strips;
  const double room = (f->y_max - f->y_min) / 16; /* for letters */
  double above = -INFINITY;                       /* where there is some again */
  const double step = round_up(fmax(fmax(length / 4, room), 1e-12));
  const char *comma = "";
  fputs("set ytics (", out);
  for (int k = 0; k < f->n_strips; k++) {
    const double low = f->strip[k].low, high = f->strip[k].high, shift = f->strip[k].shift;
    const double first = ceil(low / step - 1e-9), last = floor(high / step + 1e-9);
    if (first > last) fprintf(out, "%s'%.3g' %.9g", comma, low, low + shift), comma = ", ";
    for (double i = first; i <= last; i++) {
      if (i * step + shift < above) continue;
      fprintf(out, "%s'%.6g' %.9g", comma, i * step == 0 ? 0.0 : i * step, i * step + shift);
      above = i * step + shift + room;
      comma = ", ";
    }
  }
  fputs(")\n", out);
}

/* The scales. A logarithmic axis without a factor of 3 on it has no room for labels and becomes
 * linear. */
static void write_axes(FILE *out, const cw_figure *f) {
  bool log_x = f->log_x && f->x_max > 3 * f->x_min, log_y = f->log_y && f->y_max > 3 * f->y_min;
  double length = f->x_max - f->x_min;
  bool from_zero = f->has_steps && !log_y && f->y_min >= 0;
  if (log_x) {
    fputs("set logscale x\n", out);
    write_log_tics(out, "x", f->x_min, f->x_max);
  } else if (f->has_points && f->is_whole && length > 0.5 && length < 13) {
    fputs("set xtics 1\n", out); /* distances, not halves of them */
  }
  if (log_y) {
    fputs("set logscale y\n", out);
    write_log_tics(out, "y", f->y_min, f->y_max);
  }
  if (f->n_strips > 1) write_strip_tics(out, f);
  const double margin = f->has_points || f->n_bars > 0 ? 0.04 : 0;
  write_range(out, "x", f->x_min, f->x_max, log_x, f->n_bars > 0 ? 0 : margin, margin);
  if (f->n_bars > 0) {
    fprintf(out, "unset ytics\nset border 1\nset yrange [0:%d]\n", f->n_bars);
    return;
  }
  write_range(out, "y", from_zero ? 0 : f->y_min, f->y_max, log_y, 0.05, 0.05);
}

static void write_script(FILE *out, const cw_figure *figure) {
  enum { HEIGHT = 390, AROUND_BARS = 80, HEIGHT_OF_BAR = 40 };
  const int height = figure->n_bars > 0 ? AROUND_BARS + HEIGHT_OF_BAR * figure->n_bars : HEIGHT;
  fprintf(out, "set terminal svg size 620,%d dynamic noenhanced font 'sans-serif,15'\n", height);
  fputs("set encoding utf8\n"
        "set border 3 lw 1\n"
        "set tics nomirror out scale 0.5\n"
        "set grid lw 1 lc rgb '#8a8f98' dt (2,5)\n"
        "set key above left horizontal reverse Left samplen 1.5\n"
        "set style fill transparent solid 0.22 noborder\n",
        out);
  write_axes(out, figure);
  fputs(figure->axes.text, out);
  fputs(figure->data.text, out);
  fputs("plot ", out);
  fputs(figure->plot.text, out);
  fputc('\n', out);
}

/* Cuts the XML prologue and lets the lines and letters that gnuplot draws black follow the colour
 * of the page's text. *svg NULL: it is no SVG. CW_ENOMEM. */
static cw_status make_inline(const char *xml, char **svg) {
  static const char black[2][8] = {"\"black\"", "'black'"};
  const char *c = strstr(xml, "<svg");
  if (c == NULL) return CW_OK;
  char *to = *svg = malloc(2 * strlen(c) + 1); /* currentColor is less than twice as long */
  if (to == NULL) return CW_ENOMEM;
  while (*c != '\0') {
    bool hit = strncmp(c, black[0], 7) == 0 || strncmp(c, black[1], 7) == 0;
    if (hit) {
      to += sprintf(to, "%ccurrentColor%c", *c, *c);
      c += 7;
    } else {
      *to++ = *c++;
    }
  }
  *to = '\0';
  return CW_OK;
}

/* The SVG that gnuplot wrote; *svg NULL: there is none. */
static cw_status take_figure(cw_context *ctx, FILE *out, char **svg) {
  char *xml;
  cw_status st = read_whole(out, &xml);
  if (st == CW_OK && xml != NULL) st = make_inline(xml, svg);
  free(xml);
  return st == CW_OK ? CW_OK : cw_fail(ctx, st, "no memory for a figure");
}

/* One line on why there is no figure, from what gnuplot said. */
static void explain(streams *s, int status, int problem, char why[80]) {
  if (status < 0) {
    snprintf(why, 80, "%s",
             problem == ENOENT ? "Figure left out: gnuplot is not installed."
                               : "Figure left out: gnuplot cannot be started.");
    return;
  }
  char said[1000];
  read_beginning(s->error, said, sizeof said);
  const char *line = strstr(said, "line ");
  snprintf(why, 80, "Figure left out: gnuplot failed (%.40s).", line != NULL ? line : "no message");
  why[strcspn(why, "\n")] = '\0';
}

cw_status cw_figure_draw(cw_context *ctx, cw_figure *figure, char **svg, char *why) {
  *svg = NULL;
  CW_TRY(cw_text_flush(ctx, &figure->data));
  CW_TRY(cw_text_flush(ctx, &figure->axes));
  CW_TRY(cw_text_flush(ctx, &figure->plot));
  if (figure->n_points == 0) {
    snprintf(why, 80, "No data to draw.");
    return CW_OK;
  }
  streams s;
  if (!open_streams(&s)) {
    close_streams(&s);
    snprintf(why, 80, "Figure left out: no temporary file can be made.");
    return CW_OK;
  }
  write_script(s.in, figure);
  if (fflush(s.in) != 0 || ferror(s.in)) { /* half a script may draw half a figure */
    close_streams(&s);
    snprintf(why, 80, "Figure left out: its script cannot be written.");
    return CW_OK;
  }
  rewind(s.in);
  int status = run_gnuplot(gnuplot_arguments, s.in, s.out, s.error), problem = errno;
  cw_status st = status == 0 ? take_figure(ctx, s.out, svg) : CW_OK;
  if (st == CW_OK && *svg == NULL) explain(&s, status, problem, why);
  close_streams(&s);
  return st;
}

void cw_gnuplot_version(char *text, size_t size) {
  streams s;
  text[0] = '\0';
  if (open_streams(&s) && run_gnuplot(version_arguments, s.in, s.out, s.error) == 0) {
    read_beginning(s.out, text, size);
    text[strcspn(text, "\n")] = '\0';
  }
  close_streams(&s);
}
