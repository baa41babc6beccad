/* causeway list: what the registries hold, and the jobs and models that ship. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/commands.h"
#include "app/job/job.h"
#include "app/plan/method.h"
#include "causeway/configuration.h"
#include "causeway/model.h"
#include "causeway/observe.h"
#include "causeway/sampler.h"

static void print_params(const cw_param *p) {
  for (; p && p->name; p++) {
    char preset[CW_DOUBLE_TEXT] = "required";
    if (p->numbers == CW_FLAG && !isnan(p->preset))
      snprintf(preset, sizeof preset, "%s", p->preset != 0 ? "true" : "false");
    else if (!isnan(p->preset))
      cw_format_double(p->preset, preset);
    printf("      %-12s %-10s %s\n", p->name, preset, p->help);
  }
}

static void list_theories(void) {
  for (int i = 0; cw_theories[i]; i++) {
    const cw_theory_ops *t = cw_theories[i];
    printf("%s: %s (%s)\n", t->name, t->title, t->source);
    for (int f = 0; t->forms[f]; f++) {
      printf("    form %s\n", t->forms[f]);
      print_params(t->params[f]);
    }
  }
}

static void print_choices(const char *const *keys, const char *const *const *words) {
  for (int k = 0; keys && keys[k]; k++) {
    printf("      %-12s", keys[k]);
    for (int w = 0; words[k][w]; w++) printf("%s%s", w ? "|" : " ", words[k][w]);
    printf("\n");
  }
}

static void list_samplers(void) {
  for (int i = 0; cw_samplers[i]; i++) {
    const cw_sampler_ops *s = cw_samplers[i];
    printf("%s: %s (%s)\n", s->name, s->title, s->source);
    print_choices(s->choices_name, s->choices);
    print_params(s->params);
  }
}

static void list_layers(void) {
  for (int i = 0; cw_layers[i]; i++) {
    const cw_layer_kind *kind = cw_layers[i];
    printf("%s: %s (%s)\n", kind->ops->name, kind->ops->title, kind->ops->source);
    print_choices(kind->choices_name, kind->choices);
    print_params(kind->params);
    if (kind->net) printf("      %-12s %-10s %s\n", "net", "section", "network that conditions it");
  }
}

static void list_autoregressives(void) {
  for (int i = 0; cw_autoregressives[i]; i++)
    printf("%s: %s (%s)\n", cw_autoregressives[i]->name, cw_autoregressives[i]->title,
           cw_autoregressives[i]->source);
}

static void list_observables(void) {
  for (int i = 0; cw_observables[i]; i++) {
    printf("%s: %s%s\n", cw_observables[i]->name, cw_observables[i]->title,
           cw_observables[i]->standard ? "" : " (only if section measure names it)");
    print_params(cw_observables[i]->params);
    for (const cw_quantity *q = cw_observables[i]->quantities; q->name; q++)
      printf("    %-16s [%s] %s\n", q->name, q->units, q->help);
  }
}

static void print_numbers(const int *n, const char *unit) {
  for (int i = 0; n[i] != 0; i++) printf("%s%d", i > 0 ? "|" : " ", n[i]);
  printf(" %s", unit);
}

static void print_written(const cw_format *f) {
  printf("      %-12s", "written");
  if (f->write == NULL) {
    printf(" no\n");
    return;
  }
  print_numbers(f->precision, "bits,");
  print_numbers(f->rows, "rows");
  for (int k = 0; f->ending[k] != NULL; k++)
    printf("%s %s", k == 0 ? "; names that end in" : " or", f->ending[k]);
  printf("\n");
}

static void print_kinds(const cw_format *f) {
  printf("      %-12s", "holds");
  for (int k = 0; k <= CW_SITE_SPIN; k++)
    if (f->kinds & 1u << k) printf(" %s", cw_kind((cw_field_kind)k)->name);
  printf("%s\n", f->any_dim ? "; 1 to 4 dimensions" : "");
}

static void list_formats(void) {
  for (int i = 0; cw_formats[i]; i++) {
    const cw_format *f = cw_formats[i];
    printf("%s: %s (%s)\n", f->name, f->title, f->source);
    print_written(f);
    print_kinds(f);
    printf("      %-12s", "checks");
    for (int k = 0; cw_check_names()[k] != NULL; k++)
      if (f->checks & 1u << k) printf(" %s", cw_check_names()[k]);
    if (f->sealed) printf(" seal");
    printf("\n");
  }
}

/* The sections of methods; those of samplers are listed with their parameters. */
static void list_methods(void) {
  for (int i = 0; cw_methods[i]; i++)
    for (int k = 0; cw_methods[i]->kind(k).name != NULL; k++)
      printf("%s: %s (section of jobs, method %s)\n", cw_methods[i]->kind(k).name,
             cw_methods[i]->kind(k).title, cw_methods[i]->name);
}

static bool ends_in(const char *name, const char *ending) {
  size_t n = strlen(name), k = strlen(ending);
  return n > k && strcmp(name + n - k, ending) == 0;
}

static int is_job(const struct dirent *e) { return ends_in(e->d_name, ".yaml"); }
static int is_model(const struct dirent *e) { return ends_in(e->d_name, ".h5"); }

/* Files of the folder here, or else of the installation. */
static void list_files(const char *here, const char *installed,
                       int (*filter)(const struct dirent *)) {
  const char *const places[] = {here, installed, NULL};
  for (int i = 0; places[i]; i++) {
    struct dirent **entry = NULL;
    int n = scandir(places[i], &entry, filter, alphasort);
    for (int k = 0; k < n; k++) {
      printf("%s/%s\n", places[i], entry[k]->d_name);
      free(entry[k]);
    }
    free(entry);
    if (n > 0) return;
  }
}

static void list_jobs(void) { list_files("jobs", CW_DATA_DIR "/jobs", is_job); }
static void list_models(void) { list_files("models", CW_DATA_DIR "/models", is_model); }

typedef struct {
  const char *name;
  void (*print)(void);
} listing;

static const listing listings[] = {{"theories", list_theories},
                                   {"methods", list_methods},
                                   {"samplers", list_samplers},
                                   {"layers", list_layers},
                                   {"autoregressive", list_autoregressives},
                                   {"observables", list_observables},
                                   {"formats", list_formats},
                                   {"jobs", list_jobs},
                                   {"models", list_models}};
enum { N_LISTINGS = sizeof listings / sizeof *listings };

static const char *const *names_of_listings(const char **names) {
  for (int i = 0; i < N_LISTINGS; i++) names[i] = listings[i].name;
  names[N_LISTINGS] = NULL;
  return names;
}

static cw_status unknown_listing(cw_context *ctx, const char *word) {
  const char *names[N_LISTINGS + 1], *near = cw_nearest(word, names_of_listings(names));
  char known[200];
  if (near != NULL)
    return cw_fail(ctx, CW_EINVAL, "list: unknown '%s'; did you mean '%s'?", word, near);
  cw_list_words(names, known, sizeof known);
  return cw_fail(ctx, CW_EINVAL, "list: unknown '%s' (known: %s)", word, known);
}

cw_status cw_command_list(cw_context *ctx, int argc, char **argv) {
  const char *names[N_LISTINGS + 1];
  char known[200];
  if (argc > 1)
    return cw_fail(ctx, CW_EINVAL, "usage: causeway list [%s]",
                   cw_join_words(names_of_listings(names), "|", "|", known, sizeof known));
  bool found = argc == 0;
  for (int i = 0; i < N_LISTINGS; i++) {
    if (argc == 1 && strcmp(argv[0], listings[i].name) != 0) continue;
    if (argc == 0) printf("%s%s\n", i ? "\n" : "", listings[i].name);
    listings[i].print();
    found = true;
  }
  return found ? CW_OK : unknown_listing(ctx, argv[0]);
}
