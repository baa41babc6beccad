#include <stdio.h>
#include <string.h>

#include "causeway/core.h"

char *cw_join_words(const char *const *words, const char *between, const char *last, char *text,
                    size_t size) {
  enum { ROOM_FOR_DOTS = 4 };
  size_t at = 0;
  text[0] = '\0';
  for (int i = 0; words[i] != NULL; i++) {
    const char *joint = i == 0 ? "" : words[i + 1] != NULL ? between : last;
    size_t need = strlen(joint) + strlen(words[i]);
    if (at + need + strlen(between) + ROOM_FOR_DOTS > size) {
      snprintf(text + at, size - at, "%s...", i > 0 ? between : "");
      return text;
    }
    at += (size_t)snprintf(text + at, size - at, "%s%s", joint, words[i]);
  }
  return text;
}
