/* Numbers as people of the field write them. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "causeway/report.h"

/* Decimals that show two digits of error: 2 - (digits before the point), after rounding (0.0996 ->
 * 0.10). */
static int decimals_of(double error) {
  char text[32];
  snprintf(text, sizeof text, "%.1e", error);
  int exponent = 0;
  sscanf(strchr(text, 'e') + 1, "%d", &exponent);
  return exponent < 1 ? 1 - exponent : 0;
}

static void format_plain(double value, double error, char *text) {
  int decimals = decimals_of(error);
  if (decimals <= 1)
    snprintf(text, CW_VALUE_TEXT, "%.*f(%.*f)", decimals, value, decimals, error);
  else
    snprintf(text, CW_VALUE_TEXT, "%.*f(%.0f)", decimals, value, error * pow(10, decimals));
}

void cw_format_value(double value, double error, char *text) {
  if (!isfinite(value)) {
    snprintf(text, CW_VALUE_TEXT, "-");
  } else if (!isfinite(error) || error < 0) {
    snprintf(text, CW_VALUE_TEXT, "%.6g", value);
  } else if (error == 0) {
    snprintf(text, CW_VALUE_TEXT, "%.6g(0)", value);
  } else {
    double size = fmax(fabs(value), error);
    int exponent = (int)floor(log10(size));
    bool scaled = exponent < -4 || exponent > 6;
    if (!scaled && error >= 1e-12) {
      format_plain(value, error, text);
      return;
    }
    if (!scaled) exponent = 0;
    double unit = pow(10, exponent);
    if (error / unit < 1e-12) { /* beyond the digits of a double */
      snprintf(text, CW_VALUE_TEXT, "%.12g(%.0e)", value, error);
      return;
    }
    format_plain(value / unit, error / unit, text);
    size_t used = strlen(text);
    snprintf(text + used, CW_VALUE_TEXT - used, "e%+03d", exponent);
  }
}
