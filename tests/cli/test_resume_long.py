"""A run that is killed or interrupted at random moments and resumed gives the results of one that was left alone: make check-long, which
sets CW_LONG=1. At every segment, without clocks: test_resume.py."""
import os
import random
import re
import signal
import time
import unittest

import program
from program import GAUGE, JOB, LADDER, SPINS, Case

KILLS = 20

# Long enough, at a checkpoint every hundredth of a second, for several within each stage: only then a resumed run takes up
# what it was doing, and does not begin the stage again.
LONG = (JOB.replace("checkpoint: 0.05", "checkpoint: 0.01").replace("thermalise: 100, steps: 400", "thermalise: 200, steps: 1000")
        .replace("steps: 40,", "steps: 500,").replace("20000", "50000").replace("steps: 320", "steps: 960"))


@unittest.skipUnless(os.environ.get("CW_LONG") == "1", "long")
class Resume(Case):
    job, kills = LONG, KILLS
    stages = ("one/hmc", "one/train", "one/nis", "one/nmcmc", "one/chain")

    def setUp(self):
        super().setUp()
        self.write("job.yaml", self.job)
        start = time.monotonic()
        self.good("run", "job.yaml", "--out", "whole", "--threads", 1)
        self.seconds = time.monotonic() - start
        self.whole = self.results("whole")
        for stage in self.stages:
            self.assertIn(f"{stage.replace('/', '+')}.000001.h5", self.segments("whole"), "too fast to be interrupted")

    def start_run(self, out):
        return self.start("run", "job.yaml", "--out", out, "--threads", 1, "--quiet", "--resume")

    def await_segments(self, process, out, n):
        """Waits until the running process has written n more segments, or is done."""
        goal = len(self.segments(out)) + n
        while process.poll() is None and len(self.segments(out)) < goal:
            time.sleep(0.002)

    def check_resumes(self, out):
        self.good("run", "job.yaml", "--out", out, "--threads", 1, "--resume")
        self.assertEqual(self.results(out), self.whole)
        for name in ("results.json", "report.html", "job.yaml"):
            self.assertTrue((self.dir / out / name).is_file())
        stray = [p for p in (self.dir / out / "store").iterdir() if p.suffix != ".h5" and p.stat().st_size > 0]
        self.assertEqual(stray, [])

    def test_kill(self):
        seed = time.time_ns()
        draw = random.Random(seed)
        kills = trials = 0
        while kills < self.kills:
            delay = draw.uniform(0, 1) * self.seconds
            trials += 1
            with self.subTest(seed=seed, trial=trials, delay=delay):
                process = self.start_run(f"out{trials}")
                time.sleep(delay)
                process.kill()
                process.communicate()
                kills += process.returncode == -signal.SIGKILL
                self.check_resumes(f"out{trials}")
            self.assertLess(trials, 5 * self.kills)

    def test_kill_again_and_again(self):
        code = None
        while code != 0:
            process = self.start_run("out")
            self.await_segments(process, "out", 5)
            process.kill()
            process.communicate()
            code = process.returncode
            self.assertIn(code, (0, -signal.SIGKILL))
        self.check_resumes("out")

    def test_stop(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            out, codes = number.name, []
            while codes[-1:] != [0]:
                process = self.start_run(out)
                self.await_segments(process, out, 10)
                process.send_signal(number)
                _, err = process.communicate()
                codes.append(process.returncode)
                self.assertIn(codes[-1], (0, 130))
                if codes[-1] == 130:
                    self.assertRegex(err, r"\Aerror: stopped in stage '[^']+' after step \d+ of \d+; causeway resume (?:[^ ]+) goes on\n\Z")
                    self.check_nothing_lost(out, err)
                else:
                    self.assertEqual(err, "")
            self.assertGreater(len(codes), 2)
            self.check_resumes(out)

    def check_nothing_lost(self, out, err):
        """What the message says was done is in the store."""
        stage = re.search(r"stage '([^']+)'", err).group(1).replace("/", "+")
        self.assertTrue(any(name.startswith(stage + ".") for name in self.segments(out)))
        self.good("show", out)


@unittest.skipUnless(os.environ.get("CW_LONG") == "1", "long")
class ResumeGauge(Resume):
    """Links, their starts, and a group of observables that is measured every fourth time only."""

    job, kills = GAUGE.replace("[4, 4, 4, 4]", "[4, 2, 4, 4]").replace("checkpoint: 0.05", "checkpoint: 0.01"), 5
    stages = ("hmc", "heatbath")


@unittest.skipUnless(os.environ.get("CW_LONG") == "1", "long")
class ResumeSpins(Resume):
    """Autoregressive models, on the way to the couplings of their target and after."""

    job, kills = SPINS, 8
    stages = ("cluster", "train", "nis", "nmcmc")


@unittest.skipUnless(os.environ.get("CW_LONG") == "1", "long")
class ResumeLadder(Resume):
    """Walks, the flows that they train, and replicas that are carried by these."""

    job, kills = LADDER, 8
    stages = ("snf.train", "snf", "craft.train", "craft", "rex")


if __name__ == "__main__":
    program.main()
