"""A run that dies or is stopped at any commit of its store, and is resumed, leaves the store of one that was left alone. No clocks: the
process is interrupted by interrupt.c, which counts segments. (At random moments: test_resume_long.py.)"""
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import program
from program import SHORT, Case, results

BEFORE, AFTER = 0, 1  # the segment becomes complete

# Every step of every section is a segment of its own: two or more of each kind of section.
PHI4 = """\
job: tiny
seed: 3
checkpoint: 0.5
lattice: [4, 4]
theory: {kind: phi4, form: kappa, kappa: 0.2, lambda: 0.1}
model:
  layers: [{kind: affine, repeat: 2, net: {kind: conv, hidden: [3], kernel: 3}}, {kind: scale}]
hmc: {chains: 16, thermalise: 3, steps: 6, keep: 64}
train: {batch: 32, steps: 5}
nis: {samples: 8200}
nmcmc: {chains: 16, thermalise: 16, steps: 40}
forward: {data: hmc}
chain: {nodes: 3, chains: 16, thermalise: 2, steps: 4}
"""
# A group of observables that is measured every other time only; a sampler that is tuned while it thermalises.
GAUGE = """\
job: gauge
seed: 3
checkpoint: 0.5
lattice: [4, 2, 2, 4]
theory: {kind: su3, beta: 5.7}
heatbath: {chains: 4, thermalise: 2, steps: 6, keep: 8}
hmc: {chains: 3, thermalise: 3, steps: 4, start: cold, md_steps: 4, target: 0.8}
measure:
  gradient_flow: {every: 2, time: 0.5, points: 4}
"""
# On the way to the couplings of the target and after.
SPINS = """\
job: spins
seed: 3
checkpoint: 0.5
lattice: [4, 4]
theory: {kind: ising, beta: 0.4}
model: {kind: frontier, hidden: [5], mixture: {mirror: true, point_group: true}}
cluster: {chains: 16, thermalise: 2, steps: 6, keep: 64}
spinflip: {chains: 16, thermalise: 2, steps: 4}
train: {batch: 32, steps: 6, warmup: 2, anneal: 4}
nis: {samples: 8200}
nmcmc: {chains: 16, start: data, steps: 40}
forward: {data: cluster}
"""
# Walks, the flows that they train, and replicas that are carried by these.
LADDER = """\
job: ladder
seed: 3
checkpoint: 0.5
lattice: [4, 4]
theory: {kind: phi4, form: kappa, kappa: 0.3, lambda: 0.1}
ladder: {from: {kappa: 0.2}, rungs: 3}
snf: {particles: 32, walks: 3, reverse: true, thermalise: 2, tuning: 2, flow: {layers: [{kind: affine, net: {hidden: [3]}}]}, train: {steps: 4, batch: 32}}
craft: {particles: 32, walks: 3, pimh: true, thermalise: 2, tuning: 2, flow: {layers: [{kind: scale}]}, train: {steps: 4, batch: 32}}
walk: {moves: [mutate, retarget, resample], particles: 32, walks: 3, thermalise: 2, tuning: 2}
rex: {chains: 16, steps: 5, thermalise: 2, flow: craft}
"""
# Flows of links, fitted in two rounds, in a way of replicas and for derivatives.
BRIDGE = """\
job: bridge
seed: 3
checkpoint: 0.5
lattice: [4, 4]
theory: {kind: u1, beta: 1.5}
ladder: {from: {beta: 1}, rungs: 3}
least_squares: {sampler: heatbath, chains: 8, thermalise: 0, steps: 2, rounds: 2, folds: 2, flow: {layers: [{kind: residual}]}}
rex: {sampler: heatbath, chains: 3, steps: 3, thermalise: 1, way: {steps: 2, flow: least_squares}}
correlated: {sampler: heatbath, chains: 3, steps: 3, thermalise: 1, to: {beta: 1.6}, flow: least_squares}
"""
# Three blocks of a megabyte and one sampler, which all of them tune.
LARGE = """\
job: large
seed: 3
checkpoint: 1e6
lattice: [64, 32]
theory: {kind: u1, beta: 2}
hmc: {chains: 40, thermalise: 3, steps: 3, md_steps: 3, target: 0.8}
cases:
  one: {}
  two: {theory: {beta: 2.5}}
"""


def dump(store):
    """Every array of every segment, as h5dump prints it; but for the time that it took."""
    text = subprocess.run(["h5dump", "-m", "%.17g", *sorted(p.name for p in store.glob("*.h5"))], cwd=store, check=True,
                          capture_output=True, text=True).stdout
    arrays = re.split(r"(?m)^   DATASET ", text)
    assert len(arrays) > 20 and "HDF5 \"" in arrays[0], text[:1000]
    return [array for array in arrays if not array.startswith('"timing.')]


def states(store):
    """{stage: whether each of its segments holds a state, which is more than numbers that count}."""
    found = {}
    for path in sorted(store.glob("*.h5")):
        text = subprocess.run(["h5dump", "-n", path.name], cwd=store, check=True, capture_output=True, text=True).stdout
        found.setdefault(path.name[:-len(".000000.h5")], []).append(re.search(r"/state\.(?!step|rows|pieces)", text) is not None)
    return found


class Interrupted(Case):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.mkdtemp(prefix="causeway-")
        cls.addClassCleanup(shutil.rmtree, directory)
        cls.library = program.interrupt_library(directory)
        cls.kept = Path(directory) / "whole"  # a run that was left alone

    def run_until(self, out, number, when, segment, *options):
        """(exit code, message) of a run that a signal meets at a segment."""
        extra = {"LD_PRELOAD": str(self.library), "CW_INTERRUPT": f"{int(number)} {when} {segment}"}
        code, _, err = self.run_program("run", "job.yaml", "--out", out, "--threads", 1, "--quiet", "--resume", *options, extra=extra)
        return code, err

    def results_of(self, out):
        return results((self.dir / out / "results.json").read_text())

    def check_whole(self, out):
        self.assertEqual(self.results_of(out), self.results_of("whole"))
        self.assertEqual(sorted(p.name for p in (self.dir / out).iterdir()), sorted(p.name for p in (self.dir / "whole").iterdir()))
        self.assertEqual([p.name for p in (self.dir / out / "store").iterdir() if p.suffix != ".h5" and p.stat().st_size > 0], [])

    def check_same_store(self, out):
        self.check_whole(out)
        self.assertEqual(self.segments(out), self.segments("whole"))
        arrays = dump(self.dir / out / "store")
        self.assertEqual(len(arrays), len(self.whole))
        for one, other in zip(arrays, self.whole):
            self.assertEqual(one, other)


class Resume(Interrupted):
    job = PHI4
    stages = ("hmc", "train", "nis", "nmcmc", "forward", "chain")

    def setUp(self):
        super().setUp()
        self.write("job.yaml", self.job)
        if not self.kept.exists():
            self.run_alone()
        shutil.copytree(self.kept, self.dir / "whole")

    def run_alone(self):
        self.assertEqual(self.run_until("whole", 0, 0, 0), (0, ""))
        type(self).whole = dump(self.dir / "whole/store")
        self.assertEqual({name.split(".0")[0] for name in self.segments("whole")}, set(self.stages))
        for stage in self.stages:
            self.assertIn(f"{stage}.000001.h5", self.segments("whole"), "no segment to resume from")
        held = states(self.dir / "whole/store")
        for stage, segments in held.items():
            if any(segments):
                self.assertEqual(segments, [False] * (len(segments) - 2) + [True, True], stage)
        self.assertTrue(any(any(segments) for segments in held.values()))
        (self.dir / "whole").rename(self.kept)

    def die_at_every_segment(self, out, when, segment):
        """Every process completes one segment and dies just after it, or just before the next is complete."""
        n = 0
        while True:
            code, err = self.run_until(out, signal.SIGKILL, when, segment)
            if code == 0:
                break
            n += 1
            self.assertEqual((code, err), (-signal.SIGKILL, ""))
            self.assertEqual(len(self.segments(out)), n)
        self.check_same_store(out)
        return n

    def test_death_after_every_segment(self):
        self.assertEqual(self.die_at_every_segment("out", AFTER, 1), len(self.segments("whole")))

    def test_death_before_every_segment(self):
        self.assertEqual(self.run_until("out", signal.SIGKILL, BEFORE, 1)[0], -signal.SIGKILL)
        self.assertEqual(self.segments("out"), [])
        self.assertEqual(self.die_at_every_segment("out", BEFORE, 2), len(self.segments("whole")) - 1)

    def stop_at_every_segment(self, out, number, *options):
        """The stages in which a signal stopped the run, each at a step of its own."""
        stopped = []
        while True:
            code, err = self.run_until(out, number, AFTER, 1, *options)
            if code == 0:
                self.assertEqual(err, "")
                return stopped
            self.assertEqual(code, 130)
            found = re.fullmatch(r"error: stopped in stage '([^']+)' after step (\d+) of \d+; causeway resume (?:[^ ]+) goes on\n", err)
            self.assertIsNotNone(found, err)
            stopped.append(found[1])
            self.assertLessEqual(len(stopped), len(self.segments("whole")), "it does not get on")
            self.assertTrue(any(name.startswith(found[1].replace("/", "+") + ".0") for name in self.segments(out)))
            self.assertIn(found[1], self.good("show", out))

    def test_stop_in_the_middle(self):
        """SIGTERM while a segment is written: it is the last one."""
        stopped = self.stop_at_every_segment("out", signal.SIGTERM)
        self.assertGreater(len(stopped), len(self.segments("whole")) / 3)
        self.check_same_store("out")

    def test_checkpoints_leave_no_trace(self):
        self.assertEqual(self.run_until("out", 0, 0, 0, "--set", "checkpoint=1e6"), (0, ""))
        self.assertLess(len(self.segments("out")), len(self.segments("whole")) / 2)
        self.assertEqual(self.results_of("out"), self.results_of("whole"))

    def test_stop_writes_a_checkpoint(self):
        """With checkpoints a lifetime apart, what a stopped run did is in the store only if stopping wrote it."""
        stopped = self.stop_at_every_segment("out", signal.SIGINT, "--set", "checkpoint=1e6")
        self.assertGreaterEqual(len(stopped), len(self.stages) / 2)
        self.assertLess(len(self.segments("out")), len(self.segments("whole")))
        self.check_whole("out")


class ResumeGauge(Resume):
    job, stages = GAUGE, ("heatbath", "hmc")


class ResumeSpins(Resume):
    job, stages = SPINS, ("cluster", "spinflip", "train", "nis", "nmcmc", "forward")


class ResumeLadder(Resume):
    job, stages = LADDER, ("snf.train", "snf", "craft.train", "craft", "walk", "rex")


class ResumeBridge(Resume):
    job, stages = BRIDGE, ("least_squares", "rex", "correlated")


class LeftSteps(Interrupted):
    """Blocks of a megabyte: a step is left after some of them, and taken up by other threads, so in blocks of other shapes."""

    def holds_a_part(self, out, segment):
        """Does a segment of a store hold a part of a step?"""
        text = subprocess.run(["h5dump", "-n", segment], cwd=self.dir / out / "store", check=True, capture_output=True, text=True).stdout
        return "/state.left" in text

    def check_left(self, job, threads):
        """A signal at the end of the first stage: the first step of the second is left."""
        self.write("job.yaml", job)
        sampler = "hmc" if "hmc" in job else "heatbath"
        self.good("run", "job.yaml", "--quiet", "--out", f"whole{threads}", "--threads", 1)
        extra = {"LD_PRELOAD": str(self.library), "CW_INTERRUPT": f"{int(signal.SIGTERM)} {AFTER} 1"}
        out = f"out{threads}"
        code, _, err = self.run_program("run", "job.yaml", "--quiet", "--out", out, "--threads", threads[0], extra=extra)
        self.assertEqual((code, err), (130, f"error: stopped in stage 'two/{sampler}' after step 0 of 6; causeway resume {out} goes on\n"))
        self.assertTrue(self.holds_a_part(out, f"two+{sampler}.000000.h5"))
        self.good("show", out)
        self.good("resume", out, "--quiet", "--threads", threads[1])
        self.assertFalse(self.holds_a_part(out, f"two+{sampler}.000001.h5"))
        self.assertEqual(self.results_of(out)["results"], self.results_of(f"whole{threads}")["results"])

    def test_a_step_that_tunes(self):
        self.check_left(LARGE, "12")

    def test_a_step_that_is_measured(self):
        self.check_left(LARGE.replace("thermalise: 3, steps: 3", "thermalise: 0, steps: 6"), "14")

    def test_a_heat_bath(self):
        self.check_left(LARGE.replace("hmc", "heatbath").replace("md_steps: 3, target: 0.8", "overrelax: 1"), "21")


class Progress(Interrupted):
    def lines(self, out, *options):
        """What a run says about its progress, without the dates, in a world where whoever looks at the clock finds it a second on."""
        process = self.start("run", "job.yaml", "--out", out, "--threads", 1, *options, extra=self.ticking_clock())
        _, err = process.communicate(timeout=100)
        self.assertEqual(re.sub(program.PROGRESS, "", err), "")
        return re.sub(r"(?m)^\[[^]]*\] ", "", err).splitlines()

    def test_lines_for_log_files(self):
        """When a stage begins, every minute, when it ends; nothing for a quiet run."""
        self.write("job.yaml", SHORT + "chain: {nodes: 2, chains: 16, thermalise: 2, steps: 2}\n")
        self.assertEqual(self.lines("quiet", "--quiet"), [])
        lines = self.lines("out", "--set", "checkpoint=1e6")
        self.assertEqual(lines[0], "hmc: begins, 0 of 60")
        self.assertRegex(lines[1], r"^hmc: \d+ of 60, \d+:\d\d left$")
        ends = lines.index("chain: begins, 0 of 2")
        self.assertRegex(lines[ends - 1], r"^hmc: ends, 60 of 60, after \d+:\d\d$")
        self.assertRegex(lines[-1], r"^chain: ends, 2 of 2, after \d:\d\d$")
        done = [int(re.match(r"hmc: (\d+) of", line)[1]) for line in lines[1:ends - 1]]
        self.assertEqual(done, sorted(set(done)))
        self.assertIn(len(done), (1, 2, 3))

    def test_what_goes_on_says_where(self):
        self.write("job.yaml", SHORT)
        self.run_until("out", signal.SIGKILL, AFTER, 3, "--set", "checkpoint=0.5")
        self.assertEqual(self.lines("out", "--resume", "--set", "checkpoint=1e6")[0], "hmc: goes on at 3 of 60")


class Hangup(Interrupted):
    def test_checkpoint_at_the_end_of_a_terminal(self):
        self.write("job.yaml", SHORT)
        code, err = self.run_until("out", signal.SIGHUP, AFTER, 2, "--set", "checkpoint=0.5")
        self.assertEqual((code, err), (130, "error: stopped in stage 'hmc' after step 2 of 60; causeway resume out goes on\n"))
        self.assertEqual(len(self.segments("out")), 2)
        self.good("resume", "out", "--quiet")
        self.run_until("whole", 0, 0, 0)
        self.assertEqual(self.results_of("out")["results"], self.results_of("whole")["results"])

    def test_nohup(self):
        self.write("job.yaml", SHORT)
        ignore = lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self.good("run", "job.yaml", "--out", "out", "--quiet", preexec_fn=ignore,
                  extra={"LD_PRELOAD": str(self.library), "CW_INTERRUPT": f"{int(signal.SIGHUP)} 1 1"})


class Finished(Case):
    def test_resume_of_a_finished_run_and_of_nothing(self):
        self.write("job.yaml", SHORT)
        self.good("run", "job.yaml", "--out", "out", "--resume")
        before = {p.name: p.read_bytes() for p in (self.dir / "out/store").iterdir()}
        self.assertIn("is finished", self.good("run", "job.yaml", "--out", "out", "--resume"))
        self.assertEqual({p.name: p.read_bytes() for p in (self.dir / "out/store").iterdir()}, before)


if __name__ == "__main__":
    program.main()
