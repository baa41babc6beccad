"""A run that is killed or interrupted at any moment and resumed gives the results of one that was left alone."""
import random
import re
import signal
import time

import program
from program import JOB, Case

KILLS = 20


class Resume(Case):
    def setUp(self):
        super().setUp()
        self.write("job.yaml", JOB)
        start = time.monotonic()
        self.good("run", "job.yaml", "--out", "whole", "--threads", 1)
        self.seconds = time.monotonic() - start
        self.whole = self.results("whole")

    def run_and_signal(self, out, number, delay):
        """True if the signal found the run alive; then its exit code and stderr."""
        process = self.start("run", "job.yaml", "--out", out, "--threads", 1, "--resume")
        time.sleep(delay)
        process.send_signal(number)
        _, err = process.communicate()
        return process.returncode, err

    def check_resumes(self, out):
        self.good("run", "job.yaml", "--out", out, "--threads", 1, "--resume")
        self.assertEqual(self.results(out), self.whole)
        for name in ("results.json", "report.html", "job.yaml"):
            self.assertTrue((self.dir / out / name).is_file())
        self.assertEqual([p for p in (self.dir / out / "store").iterdir() if not p.name.endswith(".h5") and p.stat().st_size], [])

    def test_kill(self):
        seed = time.time_ns()
        draw = random.Random(seed)
        kills = 0
        for i in range(3 * KILLS):
            if kills == KILLS:
                break
            delay = draw.uniform(0.01, 1) * self.seconds
            with self.subTest(seed=seed, trial=i, delay=delay):
                code, _ = self.run_and_signal(f"out{i}", signal.SIGKILL, delay)
                kills += code == -signal.SIGKILL
                self.check_resumes(f"out{i}")
        self.assertEqual(kills, KILLS)

    def test_kill_again_and_again(self):
        for _ in range(200):
            code, _ = self.run_and_signal("out", signal.SIGKILL, 0.25 * self.seconds)
            if code == 0:
                break
        self.check_resumes("out")

    def test_stop(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            out = number.name
            for part in range(1, 20):
                code, err = self.run_and_signal(out, number, 0.3 * self.seconds)
                if code != 130:
                    break
                self.assertRegex(err, r"\Aerror: stopped in stage '[^']+' after step \d+ of \d+; --resume goes on from there\n\Z")
            self.assertGreater(part, 1, "the first signal found no run")
            self.assertEqual((code, err), (0, ""), "in the end the signal comes too late")
            self.check_resumes(out)

    def test_a_stop_loses_nothing(self):
        """What the message says was done is in the store."""
        code, err = self.run_and_signal("out", signal.SIGINT, 0.5 * self.seconds)
        self.assertEqual(code, 130)
        stage = re.search(r"stage '([^']+)'", err).group(1).replace("/", "+")
        self.assertTrue(list((self.dir / "out/store").glob(f"{stage}.*.h5")))
        self.good("show", "out")


class Segments(Case):
    def test_checkpoints_leave_no_trace(self):
        self.write("job.yaml", JOB)
        for seconds in ("0.01", "1000"):
            self.good("run", "job.yaml", "--out", seconds, "--set", f"checkpoint={seconds}")
        few, many = (len(list((self.dir / s / "store").glob("*.h5"))) for s in ("1000", "0.01"))
        self.assertLess(few, many)
        self.assertEqual(self.results("0.01"), self.results("1000"))

    def test_resume_of_a_finished_run_and_of_nothing(self):
        self.write("job.yaml", JOB)
        self.good("run", "job.yaml", "--out", "out", "--resume")
        before = {p.name: p.read_bytes() for p in (self.dir / "out/store").iterdir()}
        self.good("run", "job.yaml", "--out", "out", "--resume")
        self.assertEqual({p.name: p.read_bytes() for p in (self.dir / "out/store").iterdir()}, before)


if __name__ == "__main__":
    program.main()
