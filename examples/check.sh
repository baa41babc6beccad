#!/bin/sh
# check.sh PROGRAM VALUE ERROR: PROGRAM must print '... = v +- e ...' within four standard deviations of VALUE,
# with an error small enough to mean something (1 % of VALUE).
set -eu
"$1" | awk -v value="$2" -v error="$3" '
  { print; v = e = ""; for (i = 1; i < NF; i++) { if ($i == "=") v = $(i + 1); if ($i == "+-") e = $(i + 1) } }
  END {
    if (v == "" || e + 0 <= 0) { print "no result"; exit 1 }
    z = (v - value) / sqrt(e * e + error * error)
    printf "expected %s(%s): %.1f sigma\n", value, error, z
    exit !(z * z <= 16 && e <= 0.01 * value)
  }'
