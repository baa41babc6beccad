#include "app/cli/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/job/job.h"

enum { MAX_OPTIONS = 16 };

static cw_status unknown_option(cw_context *ctx, const char *command, const char *word,
                                const cw_option *options) {
  const char *known[MAX_OPTIONS + 1] = {NULL};
  char list[400];
  for (int i = 0; options[i].word != NULL && i < MAX_OPTIONS; i++) known[i] = options[i].word;
  if (known[0] == NULL)
    return cw_fail(ctx, CW_EINVAL, "%s: unknown option '%.60s' (there are none)", command, word);
  const char *near = cw_nearest(word, known);
  if (near != NULL)
    return cw_fail(ctx, CW_EINVAL, "%s: unknown option '%.60s'; did you mean '%s'?", command, word,
                   near);
  cw_list_words(known, list, sizeof list);
  return cw_fail(ctx, CW_EINVAL, "%s: unknown option '%.60s' (known: %s)", command, word, list);
}

static cw_status take_value(cw_context *ctx, const char *command, const cw_option *o,
                            const char *value) {
  if (o->value == NULL) return CW_OK;
  if (o->most == 0) {
    *o->value = value;
    return CW_OK;
  }
  if (*o->n == o->most)
    return cw_fail(ctx, CW_EINVAL, "%s: more than %d %s", command, o->most, o->word);
  o->value[(*o->n)++] = value;
  return CW_OK;
}

cw_status cw_options_read(cw_context *ctx, const char *command, int argc, char **argv,
                          const cw_option *options, const char *wanted, const char **place,
                          int n_places, int *n) {
  *n = 0;
  for (int i = 0; i < argc; i++) {
    const char *word = argv[i];
    if (word[0] != '-') {
      if (*n == n_places)
        return cw_fail(ctx, CW_EINVAL, "%s: expected %s, found '%.60s' too", command, wanted, word);
      place[(*n)++] = word;
      continue;
    }
    const cw_option *o = options;
    while (o->word != NULL && strcmp(o->word, word) != 0) o++;
    if (o->word == NULL) return unknown_option(ctx, command, word, options);
    if (o->flag != NULL) {
      *o->flag = true;
    } else {
      if (i + 1 == argc) return cw_fail(ctx, CW_EINVAL, "%s: %s needs a value", command, word);
      CW_TRY(take_value(ctx, command, o, argv[++i]));
    }
  }
  return CW_OK;
}

cw_status cw_options_lattice(cw_context *ctx, const char *command, const char *text,
                             cw_lattice *lat) {
  const char *at = text;
  long left = CW_MAX_SITES;
  *lat = (cw_lattice){.dim = 4};
  for (int mu = 0; mu < 4; mu++) {
    char *end;
    long extent = at[0] >= '0' && at[0] <= '9' ? strtol(at, &end, 10) : 0;
    if (extent < 1 || extent > left || *end != (mu < 3 ? ',' : '\0'))
      return cw_fail(ctx, CW_EINVAL,
                     "%s: --lattice: expected X,Y,Z,T with 1 to %ld sites in all, found '%.60s'",
                     command, CW_MAX_SITES, text);
    lat->extent[mu] = (int)extent;
    left /= extent;
    at = end + 1;
  }
  return CW_OK;
}

cw_status cw_options_choice(cw_context *ctx, const char *command, const char *option,
                            const char *text, const char *const *choices, int *choice) {
  char list[200];
  for (int i = 0; choices[i] != NULL; i++)
    if (strcmp(choices[i], text) == 0) {
      *choice = i;
      return CW_OK;
    }
  cw_list_words(choices, list, sizeof list);
  return cw_fail(ctx, CW_EINVAL, "%s: %s: expected one of %s, found '%.60s'", command, option, list,
                 text);
}

/* The word of n characters at text. */
static cw_status add_bit(cw_context *ctx, const char *command, const char *option, const char *text,
                         size_t n, const char *const *names, unsigned *bits) {
  char word[64], list[200];
  snprintf(word, sizeof word, "%.*s", (int)(n < sizeof word ? n : sizeof word - 1), text);
  for (int k = 0; names[k] != NULL; k++)
    if (strcmp(names[k], word) == 0) {
      *bits |= 1u << k;
      return CW_OK;
    }
  const char *near = cw_nearest(word, names);
  if (near != NULL)
    return cw_fail(ctx, CW_EINVAL, "%s: %s: unknown word '%s'; did you mean '%s'?", command, option,
                   word, near);
  cw_list_words(names, list, sizeof list);
  return cw_fail(ctx, CW_EINVAL, "%s: %s: unknown word '%s' (known: %s)", command, option, word,
                 list);
}

cw_status cw_options_bits(cw_context *ctx, const char *command, const char *option,
                          const char *text, const char *const *names, unsigned *bits) {
  *bits = 0;
  for (;;) {
    size_t n = strcspn(text, ",");
    CW_TRY(add_bit(ctx, command, option, text, n, names, bits));
    if (text[n] == '\0') return CW_OK;
    text += n + 1;
  }
}

cw_status cw_options_count(cw_context *ctx, const char *command, const char *option,
                           const char *text, long *count) {
  char *end;
  const long most = 1000000000000; /* more than any disk holds; strtol saturates above it */
  long n = text[0] >= '0' && text[0] <= '9' ? strtol(text, &end, 10) : -1;
  if (n < 0 || n > most || *end != '\0')
    return cw_fail(ctx, CW_EINVAL, "%s: %s: expected a number from 0, found '%.60s'", command,
                   option, text);
  *count = n;
  return CW_OK;
}
