"""Stores that are not whole and disks without room: exit 2, one clear line on stderr, and nothing written or harmed."""
import ctypes
import os
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

    def check_survives(self, directory, **options):
        """A run that is out of room says so, keeps what it had and goes on where there is room."""
        words = ["run", "job.yaml", "--out", directory, "--set", "checkpoint=0.01", "--set", "hmc.steps=4000"]
        self.bad(words, "cannot write", **options)
        left = [p.name for p in (self.dir / directory / "store").iterdir()]
        self.assertEqual([n for n in left if not n.startswith(("hmc.", "."))], [], "stray files")
        return words

    def test_file_size_limit(self):
        words = self.check_survives("out", preexec_fn=small_files)
        self.good(*words, "--resume")

    def test_full_disk(self):
        disk = self.dir / "disk"
        disk.mkdir()
        if LIBC.mount(b"tmpfs", str(disk).encode(), b"tmpfs", 0, b"size=256k") != 0:
            self.skipTest("no tmpfs can be mounted here")
        self.addCleanup(LIBC.umount2, str(disk).encode(), 2)
        words = self.check_survives("disk/out")
        self.bad([*words, "--resume"], "No space left")
        shutil.copytree(disk / "out", self.dir / "roomy")
        words[words.index("disk/out")] = "roomy"
        self.good(*words, "--resume")

    def test_full_standard_output(self):
        self.good("run", "job.yaml", "--out", "out")
        with open("/dev/full", "w") as full:
            done = subprocess.run([program.PROGRAM, "show", "out"], cwd=self.dir, stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"\Aerror: [^\n]+\n\Z")

    def test_two_runs_in_one_directory(self):
        words = ["run", "job.yaml", "--out", "out", "--set", "hmc.steps=100000000", "--set", "checkpoint=0.01"]
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
