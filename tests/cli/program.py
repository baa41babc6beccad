"""Driving the real program: every test_*.py here is run as `python3 test_X.py PROGRAM` (tests/CMakeLists.txt)."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

# Lines of progress, for log files: every program here runs without a terminal.
PROGRESS = r"(?m)^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] [^ ]+: .*\n"

PROGRAM = ""  # set by main

# A second of every stage, in two cases; a checkpoint every twentieth of a second.
JOB = """\
job: tiny
seed: 3
checkpoint: 0.05
lattice: [4, 4]
theory: {kind: phi4, form: kappa, kappa: 0.2, lambda: 0.1}
model:
  prior: {kind: normal, sigma: 0.8}
  layers:
    - {kind: affine, repeat: 4, net: {kind: conv, hidden: [4], kernel: 3}}
    - {kind: scale}
hmc: {chains: 32, thermalise: 100, steps: 400, keep: 320}
train: {batch: 64, steps: 40, rate: 0.005}
nis: {samples: 20000}
nmcmc: {chains: 32, thermalise: 100, steps: 320}
forward: {data: hmc}
chain: {nodes: 4, chains: 32, thermalise: 100, steps: 100}
cases:
  one: {}
  two: {theory: {kappa: 0.25}, nmcmc: {start: data, thermalise: 0}}
"""

# The least that leaves a store behind: a tenth of a second.
SHORT = """\
job: short
seed: 3
lattice: [4, 4]
theory: {kind: phi4, form: m2, m2: -4, lambda: 8}
hmc: {chains: 16, thermalise: 20, steps: 40}
"""

# Gauge fields: two samplers, a group of observables that is measured now and then, kept configurations.
GAUGE = """\
job: gauge
seed: 3
checkpoint: 0.05
lattice: [4, 4, 4, 4]
theory: {kind: su3, beta: 5.7}
heatbath: {chains: 4, thermalise: 10, steps: 80, keep: 8}
hmc: {chains: 3, thermalise: 6, steps: 30, start: cold, md_steps: 6, target: 0}
measure:
  gradient_flow: {every: 4, time: 1, points: 5}
expect:
  plaquette: {value: 0.55, error: 0.01, source: somewhere}
"""


SPINS = """\
job: spins
seed: 3
checkpoint: 0.01
lattice: [6, 4]
theory: {kind: ising, beta: 0.4}
model: {kind: frontier, hidden: [12], mixture: {mirror: true, point_group: true}}
cluster: {chains: 20, thermalise: 50, steps: 1600, keep: 160}
train: {batch: 96, steps: 900, warmup: 10, anneal: 500}
nis: {samples: 80000}
nmcmc: {chains: 30, start: data, steps: 1200}
forward: {data: cluster}
"""


LADDER = """\
job: ladder
seed: 3
checkpoint: 0.01
lattice: [4, 4]
theory: {kind: phi4, form: kappa, kappa: 0.3, lambda: 0.1}
ladder: {from: {kappa: 0.2}, rungs: 5}
snf: {particles: 64, walks: 40, reverse: true, flow: {layers: [{kind: affine, net: {hidden: [3]}}]}, train: {steps: 60, batch: 48}}
craft: {particles: 64, walks: 60, pimh: true, flow: {layers: [{kind: scale}]}, train: {steps: 60, batch: 48}}
walk: {moves: [mutate, retarget, resample], particles: 64, walks: 40}
rex: {chains: 20, steps: 400, flow: craft}
"""


def results(text):
    """What `show --json` printed, without what may differ between two equal runs."""
    document = json.loads(text)
    del document["timing"], document["version"]
    return document


class Case(unittest.TestCase):
    """A test in a directory of its own, which is gone afterwards."""

    maxDiff = None
    figures = False  # whether the program finds gnuplot, which takes longer than our small runs

    def setUp(self):
        self.dir = Path(tempfile.mkdtemp(prefix="causeway-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def write(self, name, text):
        path = self.dir / name
        path.write_text(text)
        return path

    def command(self, *words):
        return [PROGRAM, *map(str, words)]

    def start(self, *words, extra=None, **options):
        """extra: more environment variables; options: of subprocess.Popen."""
        environment = dict(os.environ, OMP_WAIT_POLICY="passive", **(extra or {}))
        if not self.figures:
            environment["PATH"] = "/nonexistent"
        return subprocess.Popen(self.command(*words), cwd=self.dir, env=environment, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, **options)

    def run_program(self, *words, **options):
        """(exit code, stdout, stderr)"""
        process = self.start(*words, **options)
        out, err = process.communicate(timeout=100)
        return process.returncode, out, re.sub(PROGRESS, "", err)

    def good(self, *words, **options):
        """Runs what must succeed; its output."""
        code, out, err = self.run_program(*words, **options)
        self.assertEqual((code, err), (0, ""), words)
        return out

    def bad(self, words, *parts, code=2, **options):
        """Runs what must fail with one line on stderr that holds all of parts, and nothing on stdout."""
        got, out, err = self.run_program(*words, **options)
        self.assertEqual(got, code, f"{words}: {err}")
        self.assertEqual(out, "", words)
        self.assertRegex(err, r"\Aerror: [^\n]+\n\Z", words)
        for part in parts:
            self.assertIn(part, err, words)
        return err

    def ticking_clock(self):
        """Environment of a program whose clock goes on by a second whenever it is looked at."""
        return {"LD_PRELOAD": str(interrupt_library(self.dir))}

    def segments(self, directory):
        """Names of the segments in a run's store."""
        return sorted(p.name for p in (self.dir / directory / "store").glob("*.h5"))

    def results(self, directory):
        return results(self.good("show", directory, "--json"))


def interrupt_library(directory):
    """interrupt.c, compiled into a directory."""
    library = Path(directory) / "interrupt.so"
    source = Path(__file__).with_name("interrupt.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    return library


def tree(directory):
    """{path: bytes} of every file below a directory."""
    return {str(p.relative_to(directory)): p.read_bytes() for p in sorted(Path(directory).rglob("*")) if p.is_file()}


def main():
    global PROGRAM
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} PROGRAM")
    PROGRAM = str(Path(sys.argv[1]).resolve())
    unittest.main(module="__main__", argv=sys.argv[:1], verbosity=1)
