"""Stores that are not whole and disks without room: exit 2, one clear line on stderr, and nothing written or harmed."""
import ctypes
import os
import re
import resource
import shutil
import signal
import subprocess

import program
from program import SHORT, Case, tree

LIBC = ctypes.CDLL(None, use_errno=True)


class Stores(Case):
    """Every reader refuses a store that is not whole, and a run does not touch one that is not its own."""

    def setUp(self):
        super().setUp()
        self.write("job.yaml", SHORT + "chain: {nodes: 4, chains: 16, thermalise: 20, steps: 40}\n")
        self.good("run", "job.yaml", "--out", "out")
        self.segments = sorted((self.dir / "out/store").glob("chain.*.h5"))
        self.assertEqual(len(self.segments), 4)  # one per node

    def refused_everywhere(self, *parts):
        before = tree(self.dir / "out")
        for words in (["show", "out"], ["show", "out", "--json"], ["report", "out"],
                      ["run", "job.yaml", "--out", "out", "--resume"]):
            self.bad(words, *parts)
        self.assertEqual(tree(self.dir / "out"), before)

    def test_truncated(self):
        path = self.segments[1]
        data = path.read_bytes()
        for size in (0, 1, 7, len(data) // 2, len(data) - 1):
            path.write_bytes(data[:size])
            self.refused_everywhere(path.name)

    def test_flipped_byte(self):
        path = self.segments[-1]
        data = path.read_bytes()
        for at in (0, 9, len(data) // 3, len(data) // 2, len(data) - 20, len(data) - 1):
            path.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1:])
            self.refused_everywhere(path.name)

    def test_what_is_before_a_damaged_last_segment(self):
        """The message says how it is shown, and resumed to the same bits."""
        self.good("run", "job.yaml", "--out", "long", "--quiet", "--set", "checkpoint=0.5", extra=self.ticking_clock())
        store, whole, results = self.dir / "long/store", tree(self.dir / "long/store"), self.results("long")
        for name in ("chain.000003.h5", max(n for n in whole if n.startswith("hmc."))):
            data = whole[name]
            (store / name).write_bytes(data[:200] + bytes([data[200] ^ 1]) + data[201:])
            message = self.bad(["resume", "long"], name, "last of its stage")
            self.bad(["show", "long"], name, "last of its stage")
            subprocess.run(re.search(r"mv '[^']+' '[^']+'", message)[0], shell=True, cwd=self.dir, check=True)
            self.assertIn("missing", self.good("show", "long"))
            self.good("resume", "long", "--quiet", extra=self.ticking_clock())
            (store / f"{name}.damaged").unlink()
            now = tree(store)
            self.assertEqual(list(now), list(whole))
            whole[name] = now[name]  # but for the seconds that it took: see the results
            self.assertEqual(now, whole)
            self.assertEqual(self.results("long"), results)
        for name in sorted(n for n in whole if n.startswith("hmc."))[-2:]:
            (store / name).rename(store / f"{name}.damaged")
        self.bad(["resume", "long"], "the checkpoint of 'hmc' does not fit the job")  # its state is gone
        middle = store / "hmc.000003.h5"
        middle.write_bytes(middle.read_bytes()[:-1])
        self.assertNotIn("last of its stage", self.bad(["show", "long"], middle.name))

    def test_segment_missing(self):
        self.segments[1].unlink()
        self.refused_everywhere("'chain'", "missing")

    def test_segments_exchanged(self):
        a, b = (p.read_bytes() for p in self.segments[:2])
        self.segments[0].write_bytes(b)
        self.segments[1].write_bytes(a)
        self.refused_everywhere(self.segments[0].name)

    def test_another_job(self):
        before = tree(self.dir / "out")
        words = ["run", "job.yaml", "--out", "out"]
        self.bad(words, "holds results already", "--resume", "--out")
        self.bad([*words, "--resume", "--seed", "4"], "seed: the run in 'out' has 3, asked for is 4")
        self.assertEqual(tree(self.dir / "out"), before)

    def test_nothing_there(self):
        (self.dir / "empty").mkdir()
        (self.dir / "empty2/store").mkdir(parents=True)
        for command in ("show", "report"):
            self.bad([command, "nowhere"], "'nowhere/store': No such file")
            self.bad([command, "empty"], "'empty/store': No such file")
            self.bad([command, "empty2"], "empty2/store")
            self.bad([command, "job.yaml"], "'job.yaml/store': Not a directory")


def without_override():
    """For a child: takes from root the right to pass over the permissions of files. It stays root, who owns the files and reaches
    the program wherever it lies. Other users have no such right, and prctl refuses them."""
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        LIBC.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP: exec gives no more than what is left


def small_files():
    """For a child: no file may grow beyond 16 KiB."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))


class Disks(Case):
    def setUp(self):
        super().setUp()
        self.write("job.yaml", SHORT)

    def test_out_is_a_file(self):
        self.write("out", "precious\n")
        self.bad(["run", "job.yaml", "--out", "out"], "'out'")
        self.bad(["run", "job.yaml", "--out", "out/deep/er"], "'out'")
        self.assertEqual((self.dir / "out").read_text(), "precious\n")

    def test_unwritable_directory(self):
        (self.dir / "closed").mkdir(mode=0o555)
        probe = subprocess.run(["test", "-w", self.dir / "closed"], preexec_fn=without_override)
        if probe.returncode == 0:
            self.skipTest("this user may write anywhere, and cannot give that up")
        self.bad(["run", "job.yaml", "--out", "closed"], "closed", "Permission denied", preexec_fn=without_override)
        self.bad(["run", "job.yaml", "--out", "closed/out"], "closed", "Permission denied", preexec_fn=without_override)
        self.assertEqual(list((self.dir / "closed").iterdir()), [])

    def words(self, directory):
        return ["run", "job.yaml", "--out", directory, "--set", "checkpoint=0.01", "--set", "hmc.steps=4000"]

    def check_nothing_else(self, directory):
        left = [p.name for p in (self.dir / directory / "store").iterdir()]
        self.assertEqual([n for n in left if not n.startswith(("hmc.", "."))], [], "stray files")

    def test_file_size_limit(self):
        """A run that is out of room says so, keeps what it had and goes on where there is room."""
        self.bad(self.words("out"), "cannot write", preexec_fn=small_files)
        self.check_nothing_else("out")
        self.good(*self.words("out"), "--resume")

    def test_full_disk(self):
        disk = self.dir / "disk"
        disk.mkdir()
        if LIBC.mount(b"tmpfs", str(disk).encode(), b"tmpfs", 0, b"size=8m") != 0:
            self.skipTest("no tmpfs can be mounted here")
        self.addCleanup(LIBC.umount2, str(disk).encode(), 2)
        process = self.start(*self.words("disk/out"), "--quiet")
        while process.poll() is None and not (disk / "out/job.yaml").exists():
            os.sched_yield()
        with self.assertRaises(OSError), open(disk / "other", "wb", buffering=0) as other:  # another program fills it
            while True:
                self.assertGreater(other.write(bytes(1024)), 0)
        _, err = process.communicate()
        self.assertEqual(process.returncode, 2)
        self.assertRegex(err, r"\Aerror: cannot write [^\n]+: No space left on device\n\Z")
        self.check_nothing_else("disk/out")
        self.bad([*self.words("disk/out"), "--resume"], "hmc.steps: the job takes ", "of disk at least")
        shutil.copytree(disk / "out", self.dir / "roomy")
        self.good(*self.words("roomy"), "--resume")

    def test_full_standard_output(self):
        self.good("run", "job.yaml", "--out", "out")
        with open("/dev/full", "w") as full:
            done = subprocess.run([program.PROGRAM, "show", "out"], cwd=self.dir, stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"\Aerror: [^\n]+\n\Z")

    def test_two_runs_in_one_directory(self):
        words = ["run", "job.yaml", "--out", "out", "--set", "hmc.steps=1000000", "--set", "checkpoint=0.01"]
        first = self.start(*words)
        try:
            while not (self.dir / "out/store").exists() or not any((self.dir / "out/store").iterdir()):
                self.assertIsNone(first.poll())
                os.sched_yield()
            self.bad([*words, "--resume"], "out/store")
        finally:
            first.send_signal(signal.SIGKILL)
            first.communicate()


if __name__ == "__main__":
    program.main()
