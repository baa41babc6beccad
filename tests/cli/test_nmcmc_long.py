"""The scores of test_nmcmc.py over more seeds and longer chains: make check-long, which sets CW_LONG=1."""
import os
import unittest

import program
import test_nmcmc


@unittest.skipUnless(os.environ.get("CW_LONG") == "1", "long")
class BadModelLong(test_nmcmc.BadModel):
    seeds, steps, rms = 48, 3000, (0.7, 1.3)


if __name__ == "__main__":
    program.main()
