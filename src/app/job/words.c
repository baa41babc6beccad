/* Numbers as text that reads back the same, and the nearest of known words. */
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "app/job/tree.h"

enum { LONGEST = 64 };

static int smaller(int a, int b) { return a < b ? a : b; }

/* Edits (insert, delete, replace, swap of neighbours) between two words of at most LONGEST letters:
 * Damerau-Levenshtein in the restricted form, where no part is edited twice (F. J. Damerau, CACM 7
 * (1964) 171; optimal string alignment). */
static int edit_distance(const char *a, const char *b) {
  int na = (int)strlen(a), nb = (int)strlen(b);
  int rows[3][LONGEST + 1];
  int *before = rows[0], *last = rows[1], *now = rows[2];
  for (int j = 0; j <= nb; j++) last[j] = j;
  for (int i = 1; i <= na; i++) {
    now[0] = i;
    for (int j = 1; j <= nb; j++) {
      int ca = tolower((unsigned char)a[i - 1]), cb = tolower((unsigned char)b[j - 1]);
      now[j] = smaller(smaller(last[j], now[j - 1]) + 1, last[j - 1] + (ca != cb));
      if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
          cb == tolower((unsigned char)a[i - 2]))
        now[j] = smaller(now[j], before[j - 2] + 1);
    }
    int *free_row = before;
    before = last;
    last = now;
    now = free_row;
  }
  return last[nb];
}

const char *cw_nearest(const char *word, const char *const *known) {
  const char *best = NULL;
  size_t length = strlen(word);
  if (length > LONGEST) return NULL;
  int limit = length <= 3 ? 1 : length <= 7 ? 2 : 3, best_distance = limit + 1;
  for (int i = 0; known[i] != NULL; i++) {
    if (strlen(known[i]) > LONGEST) continue;
    int distance = edit_distance(word, known[i]);
    if (distance < best_distance && distance < (int)length) {
      best_distance = distance;
      best = known[i];
    }
  }
  return best;
}

void cw_list_words(const char *const *known, char *text, size_t size) {
  cw_join_words(known, ", ", ", ", text, size);
}

void cw_format_double(double value, char *text) {
  if (fabs(value) < 1e15 && value == nearbyint(value)) { /* 100, not 1e+02 */
    snprintf(text, CW_DOUBLE_TEXT, "%.0f", value);
    return;
  }
  for (int digits = 1; digits <= DBL_DECIMAL_DIG; digits++) {
    snprintf(text, CW_DOUBLE_TEXT, "%.*g", digits, value);
    if (strtod(text, NULL) == value) return;
  }
}
