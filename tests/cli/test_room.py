"""What a job takes is told by `run --plan` before any of it is taken, and a job for which there is no room is refused by the key to change."""
import os
import re
import resource
import subprocess
import time

import program
from program import SHORT, Case

UNITS = {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "PB": 1e15}
LARGE = """\
job: large
lattice: [256, 256]
theory: {kind: phi4, form: kappa, kappa: 0.2, lambda: 0.1}
ladder: {from: {kappa: 0.19}, rungs: 3}
"""
SECTIONS = {
    "hmc": "{chains: 16, thermalise: 1, steps: 2, md_steps: 2}",
    "rex": "{chains: 16, thermalise: 1, steps: 1, md_steps: 2}",
    "ais": "{particles: 16, thermalise: 1, walks: 2, tuning: 0}",
    "chain": "{nodes: 2, chains: 16, thermalise: 1, steps: 1}",
}


def few_gigabytes():
    """For a child: it may take 4 GiB of memory."""
    resource.setrlimit(resource.RLIMIT_AS, (1 << 32, 1 << 32))


class Room(Case):
    def plan(self, *words):
        """{stage: (memory, checkpoint, disk)} in bytes."""
        rows = {}
        for line in self.good("run", "job.yaml", "--plan", *words).splitlines()[1:-1]:
            name, *rest = re.split(r" {2,}", line.strip())
            rows[name] = [float(n) * UNITS[unit] for n, unit in (text.split() for text in rest)]
        return rows

    def test_the_plan_is_what_a_run_takes(self):
        """At least: no more than the run takes, and not half of it."""
        for name, section in SECTIONS.items():
            job = LARGE if name in ("rex", "ais") else LARGE.replace("ladder:", "#")
            self.write("job.yaml", job + f"{name}: {section}\n")
            memory, checkpoint, disk = self.plan()[name]
            with self.subTest(name):
                process = subprocess.Popen(self.command("run", "job.yaml", "--out", name, "--quiet", "--threads", 1), cwd=self.dir,
                                           env={"PATH": "/nonexistent", "OMP_WAIT_POLICY": "passive"}, stdout=subprocess.DEVNULL)
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
                self.assertEqual(process.returncode, 0)
                taken = usage.ru_maxrss * 1024
                self.assertLess(memory, 1.2 * taken)
                self.assertGreater(memory, 0.5 * taken)
                self.assertGreaterEqual(1.01 * checkpoint, {"hmc": 1, "rex": 3, "ais": 1, "chain": 0}[name] * 256 * 256 * 16 * 8)
                stored = sum(p.stat().st_size for p in (self.dir / name / "store").iterdir())
                self.assertLess(stored, 1.1 * disk + 30000)

    def test_nothing_is_written(self):
        self.write("job.yaml", SHORT)
        rows = self.plan("--out", "out")
        self.assertEqual(list(rows), ["hmc", "in all"])
        self.assertEqual(rows["hmc"], rows["in all"])
        self.assertEqual(self.plan("--set", "hmc.keep=160")["hmc"][2] - rows["hmc"][2], 160 * 16 * 8 // 1000 * 1e3)
        self.assertEqual([p.name for p in self.dir.iterdir()], ["job.yaml"])

    def refused(self, key, what, *sets, **options):
        began = time.monotonic()
        words = [word for change in sets for word in ("--set", change)]
        message = self.bad(["run", "job.yaml", "--out", "out", *words], f"error: {key}: ", what, **options)
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual([p.name for p in self.dir.iterdir()], ["job.yaml"])
        return message

    def test_no_memory(self):
        self.write("job.yaml", SHORT)
        self.refused("lattice", "of memory", "lattice=[32768,32768]", "hmc.chains=4", preexec_fn=few_gigabytes)
        self.refused("hmc.chains", "4.3 GB are left", "lattice=[1024,1024]", "hmc.chains=256", preexec_fn=few_gigabytes)

    def test_no_memory_for_what_was_kept(self):
        self.write("job.yaml", SHORT + "forward: {data: hmc}\nmodel: {layers: [{kind: scale}]}\n")
        self.refused("hmc.keep", "of memory", "lattice=[256,256]", "hmc.steps=200", "hmc.keep=3200", preexec_fn=few_gigabytes)

    def test_no_memory_for_a_search(self):
        """causeway tune makes no checkpoints, and looks before the first trial."""
        self.write("job.yaml", LARGE + "rex: {chains: 256, thermalise: 1, steps: 20, md_steps: 1}\n")
        self.bad(["tune", "job.yaml", "--set", "lattice=[1024,1024]"], "error: rex.chains: ", "of memory", "4.3 GB are left", preexec_fn=few_gigabytes)

    def test_no_disk(self):
        """More than any disk holds: petabytes of rows, of kept configurations, of checkpoints."""
        self.write("job.yaml", SHORT)
        self.refused("hmc.steps", "of disk", "hmc.chains=1000000", "hmc.steps=1000000000")
        self.refused("hmc.keep", "of disk", "lattice=[1024,1024]", "hmc.chains=1", "hmc.keep=1000000000", "hmc.steps=1000000000")


if __name__ == "__main__":
    program.main()
