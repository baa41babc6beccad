"""What the program says of itself: list, --help, --version, check; and the files that a run leaves behind."""
import os
import re
import subprocess
import unittest
from pathlib import Path

import program
from program import SHORT, Case

SOURCE = Path(__file__).resolve().parents[2]
COMMANDS = ("run", "resume", "tune", "show", "compare", "report", "list", "info", "convert", "measure", "export", "check")


def registered(path):
    """Names in a .def list, of which every line but comments is CW_KIND(name)."""
    text = re.sub(r"/\*.*?\*/", "", (SOURCE / path).read_text(), flags=re.S)
    return re.findall(r"^CW_[A-Z]+\((\w+)\)$", text, flags=re.M)


class Words(Case):
    def test_list_holds_every_registry(self):
        everything = self.good("list")
        for what, path in (("theories", "src/theory/theories.def"), ("samplers", "src/sampler/samplers.def"),
                           ("layers", "src/model/layers.def"), ("observables", "src/observe/observables.def"),
                           ("formats", "src/ensemble/gauge/formats.def")):
            names = registered(path)
            self.assertTrue(names, path)
            text = self.good("list", what)
            self.assertEqual(re.findall(r"^(\w+): ", text, flags=re.M), names)
            self.assertIn(text, everything)
            self.assertIn(f"{what}\n", everything)

    def test_list_of_methods_holds_every_section(self):
        text = self.good("list", "methods")
        methods = re.findall(r", method (\w+)\)$", text, flags=re.M)
        self.assertEqual(list(dict.fromkeys(methods)), registered("src/app/methods/methods.def"))
        self.assertEqual(re.findall(r"^(\w+): .*, method mcmc\)$", text, flags=re.M), registered("src/sampler/samplers.def") + ["excursion"])

    def test_list_of_observables_holds_every_result(self):
        self.write("job.yaml", SHORT)
        self.good("run", "job.yaml", "--out", "out")
        text = self.good("list", "observables")
        names = {r["name"].removeprefix("hmc.").split("[")[0] for r in self.results("out")["results"]}
        for name in names - {"acceptance", "exp_mdH"}:
            self.assertRegex(text, rf"(?m)^    {name} +\[")

    def test_list_of_jobs(self):
        (self.dir / "jobs").mkdir()
        self.write("jobs/a.yaml", SHORT)
        self.write("jobs/b.txt", "")
        self.assertEqual(self.good("list", "jobs"), "jobs/a.yaml\n")
        (self.dir / "models").mkdir()
        self.write("models/c.h5", "")
        self.assertEqual(self.good("list", "models"), "models/c.h5\n")

    def test_help(self):
        text = self.good("--help")
        self.assertEqual(self.good("-h"), text)
        self.assertEqual(self.good("help"), text)
        for command in COMMANDS:
            self.assertIn(f"causeway {command}", text)
            for option in ("--help", "-h"):
                own = self.good(command, option)
                self.assertIn(f"usage: causeway {command}", own)
                for word in re.findall(r"--[a-z]+", own):
                    self.assertIn(word, text)

    def test_completion(self):
        """What bash offers is what the help says."""
        def offers(*words):
            line = " ".join(f"'{w}'" for w in words)
            script = (f"source {SOURCE}/completions/causeway; compopt() {{ :; }}; COMP_WORDS=('{program.PROGRAM}' {line}); "
                      f"COMP_CWORD={len(words)}; _causeway; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
            return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True).stdout.split()
        self.assertEqual(offers("re"), ["resume", "report"])
        self.assertEqual(offers("run", "job.yaml", "--se"), ["--seed", "--set"])
        self.assertEqual(offers("tune", "job.yaml", "--for", ""), ["rungs", "swaps", "tunnelling"])
        self.assertEqual(offers("list", "sam"), ["samplers"])
        self.assertEqual(offers("run", "jo"), [])

    def test_version(self):
        version = re.search(r'#define CW_VERSION "(.*)"', (SOURCE / "include/causeway/core.h").read_text()).group(1)
        self.assertEqual(self.good("--version"), f"causeway {version}\n")
        self.assertRegex((SOURCE / "CMakeLists.txt").read_text(), rf"project\(causeway VERSION {re.escape(version)} ")


class SelfTest(Case):
    @unittest.skipUnless(os.environ.get("CW_LONG") == "1", "long")
    def test_check(self):
        lines = self.good("check").splitlines()
        self.assertGreaterEqual(len(lines), 6)
        for line in lines:
            self.assertRegex(line, r"^\S.{19} ok     +\d+\.\d s  \S")
        self.assertEqual(list(self.dir.iterdir()), [])

    def test_check_can_fail(self):
        """Where there is no temporary directory the store cannot be tried; the other checks still run, and are right."""
        code, out, err = self.run_program("check", "--threads", "1", extra={"TMPDIR": "/nonexistent"})
        self.assertEqual(code, 2)
        *lines, last = out.splitlines()
        self.assertGreaterEqual(len(lines), 8)
        for line in lines:
            self.assertRegex(line, r"^\S.{19} ok     +\d+\.\d s  \S")
        self.assertRegex(last, r"^store {15} FAILED +\d\.\d s  cannot make a directory in '/nonexistent'")
        self.assertEqual(list(self.dir.iterdir()), [])
        self.assertRegex(err, r"\Aerror: 1 of \d checks failed\n\Z")


class Outputs(Case):
    figures = True

    def test_files_of_a_run(self):
        self.write("job.yaml", SHORT)
        out = self.good("run", "job.yaml")
        self.assertEqual(out, "results: causeway show runs/short\nreport:  runs/short/report.html\n")
        self.assertEqual(sorted(p.name for p in (self.dir / "runs/short").iterdir()), ["job.yaml", "report.html", "results.json", "store"])
        self.assertEqual(program.results((self.dir / "runs/short/results.json").read_text()), self.results("runs/short"))
        page = (self.dir / "runs/short/report.html").read_text()
        self.assertNotRegex(page, r"""(?i)(src|href)=["']?(https?:)?//""", "the page needs no network")

    def test_resolved_job_is_a_job(self):
        """The job that a run leaves behind has every default in it, and gives the same results."""
        self.write("job.yaml", SHORT)
        self.good("run", "job.yaml", "--out", "a", "--seed", 8, "--set", "hmc.steps=30")
        self.assertIn("md_steps: 10", (self.dir / "a/job.yaml").read_text())
        self.good("run", "a/job.yaml", "--out", "b")
        self.assertEqual(self.results("a"), self.results("b"))
        self.assertEqual((self.dir / "a/job.yaml").read_text(), (self.dir / "b/job.yaml").read_text())


if __name__ == "__main__":
    program.main()
