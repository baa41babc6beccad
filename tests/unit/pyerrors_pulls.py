"""Pulls of pyerrors (https://github.com/fjosw/pyerrors), where it is installed, on the series of test_stats_gamma_long:
  CW_LONG=1 CW_SERIES=series build/test/tests/unit_test_stats_gamma_long;  pyerrors_pulls.py series"""
import math
import sys
from array import array
from collections import defaultdict

import pyerrors

pulls = defaultdict(list)
with open(sys.argv[1], "rb") as file:
    while head := file.read(16):
        decay, n = array("d", head)
        series = pyerrors.Obs([list(array("d", file.read(8 * int(n))))], ["chain"])
        series.gamma_method()
        pulls[decay, int(n)].append(series.value / series.dvalue if series.dvalue > 0 else math.inf)
for (decay, n), all_of in sorted(pulls.items()):
    finite = [p for p in all_of if math.isfinite(p)]
    print(f"{decay:6.2f}  {n:6d}  {math.sqrt(sum(p * p for p in finite) / len(finite)):.3f}  {len(all_of) - len(finite)} without an error")
