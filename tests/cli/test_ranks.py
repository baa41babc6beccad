"""For the program with MPI (build/test/tests/causeway_mpi): the same results on any number of ranks, and one line where there are too many."""
import os
import shutil
import subprocess
import unittest

import program
from program import GAUGE, JOB, SHORT, SPINS, Case

# Containers: root is allowed, there may be fewer cores than ranks, no ssh, and no shared address space.
OPEN_MPI = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1",
            "OMPI_MCA_plm_rsh_agent": "sh", "OMPI_MCA_btl_vader_single_copy_mechanism": "none"}


# tools/check_ranks compares the stores of smaller jobs of every kind.
long = unittest.skipUnless(os.environ.get("CW_LONG") == "1", "long")


class Ranks(Case):
    def mpirun(self, ranks, *words):
        command = [shutil.which("mpirun"), "-n", str(ranks), *self.command(*words)]
        environment = dict(os.environ, OMP_WAIT_POLICY="passive", **OPEN_MPI)
        return subprocess.run(command, cwd=self.dir, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=100)

    @long
    def test_same_results(self):
        for loss in ("reverse_kl", "forward_kl"):
            self.write("job.yaml", JOB)
            options = ["--threads", 1, "--set", f"train.loss={loss}"]
            self.good("run", "job.yaml", "--out", f"{loss}1", *options)
            for ranks in (1, 2):
                done = self.mpirun(ranks, "run", "job.yaml", "--out", f"{loss}.{ranks}", *options)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(self.results(f"{loss}.{ranks}"), self.results(f"{loss}1"))

    @long
    def test_spins(self):
        self.write("job.yaml", SPINS.replace("steps: 1600, keep: 160", "steps: 160, keep: 160").replace("steps: 900", "steps: 60")
                   .replace("anneal: 500", "anneal: 30").replace("80000", "8000").replace("steps: 1200", "steps: 120"))
        self.good("run", "job.yaml", "--out", "one", "--threads", 1)
        done = self.mpirun(2, "run", "job.yaml", "--out", "two", "--threads", 1)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.results("two"), self.results("one"))

    @long
    def test_gauge_fields(self):
        """Fewer chains of links than a block has lanes, dealt one by one."""
        self.write("job.yaml", GAUGE.replace("steps: 80", "steps: 16").replace("steps: 30", "steps: 6"))
        self.good("run", "job.yaml", "--out", "one", "--threads", 1)
        for ranks in (1, 2, 3):
            done = self.mpirun(ranks, "run", "job.yaml", "--out", str(ranks), "--threads", 1)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.results(str(ranks)), self.results("one"))

    def test_resume_on_other_ranks(self):
        """A checkpoint of two ranks is one of a single rank."""
        self.write("job.yaml", JOB)
        self.good("run", "job.yaml", "--out", "whole", "--threads", 1)
        self.good("run", "job.yaml", "--out", "out", "--threads", 1)
        for name in self.segments("out"):
            if name.startswith("two+") or name.startswith("one+nmcmc"):
                (self.dir / "out/store" / name).unlink()
        done = self.mpirun(2, "run", "job.yaml", "--out", "out", "--threads", 1, "--resume")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.results("out"), self.results("whole"))

    def errors(self, done):
        self.assertEqual(done.returncode, 2, done.stderr)
        return [line for line in done.stderr.splitlines() if line.startswith("error:")]

    def test_too_many_ranks(self):
        self.write("job.yaml", SHORT)
        lines = self.errors(self.mpirun(2, "run", "job.yaml", "--out", "out"))
        self.assertEqual(lines, ["error: 16 chains are 1 blocks of 16, too few for 2 ranks"])

    def test_files_are_for_one_rank(self):
        self.write("job.yaml", SHORT)
        lines = self.errors(self.mpirun(2, "measure", "nowhere", "--job", "job.yaml", "--threads", 1))
        self.assertEqual(lines, ["error: measure: runs on one rank, not on 2"])
        lines = self.errors(self.mpirun(2, "run", "job.yaml", "--out", "out", "--set", "hmc=null", "--set", "files={paths: [nowhere]}", "--threads", 1))
        self.assertEqual(lines, ["error: section 'files' measures one configuration at a time, on one rank: found 2 ranks"])

    def test_bad_input_is_told_once(self):
        lines = self.errors(self.mpirun(2, "run", "nowhere.yaml"))
        self.assertEqual(lines, ["error: cannot open 'nowhere.yaml': No such file or directory"])
        self.write("job.yaml", SHORT.replace("lambda", "lamda"))
        self.assertEqual(len(self.errors(self.mpirun(2, "run", "job.yaml", "--out", "out"))), 1)


if __name__ == "__main__":
    program.main()
