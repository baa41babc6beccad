"""causeway measure: observables of configurations in files, which must be those of the run that kept them, bit by bit, with the
errors of the same chain; what is missing, damaged or of another theory is named, and the rest measured."""
import json
import resource
import signal

import hdf5_files
import program
from configuration_files import Files, Links, ildg, nersc, openqcd

N = 20
JOB = """\
job: kept
lattice: [2, 4, 2, 6]
theory: {kind: su2, beta: 2.3}
heatbath: {chains: 1, thermalise: 4, steps: 20, keep: 20}
measure:
  gradient_flow: {every: 3, time: 0.5, points: 4}
expect:
  plaquette: {value: 0.6, error: 0.1, source: nobody}
"""
OTHERS = {
    "u1": "job: u1\nlattice: [4, 6]\ntheory: {kind: u1, beta: 2}\nheatbath: {chains: 1, thermalise: 2, steps: 12, keep: 12}\n",
    "phi4": "job: phi4\nlattice: [6, 4]\ntheory: {kind: phi4, m2: -4, lambda: 8}\nhmc: {chains: 1, thermalise: 2, steps: 12, keep: 12}\n",
    "ising": "job: ising\nlattice: [4, 2, 3]\ntheory: {kind: ising, beta: 0.2}\ncluster: {chains: 1, thermalise: 2, steps: 12, keep: 12}\n",
}


class Measure(Files):
    def keep(self, job, n, ending="h5", folder="conf", name="run"):
        """A run, and its configurations as folder/c0.ENDING, c1, ..."""
        self.write(f"{name}.yaml", job)
        self.good("run", f"{name}.yaml", "--out", name, "--quiet", "--threads", 1)
        (self.dir / folder).mkdir()
        for i in range(n):
            self.good("convert", name, f"{folder}/c{i}.{ending}", "--config", i)

    def measured(self, *words):
        return json.loads(self.good("measure", *words, "--json", "--threads", 1))

    def partly(self, *words):
        """(stdout, lines of stderr) where some files cannot be measured."""
        code, out, err = self.run_program("measure", *words)
        self.assertEqual(code, 2, err)
        return out, err.splitlines()

    def segment_rows(self, run, stage, array):
        """The rows of an array of all segments of a run."""
        h5 = hdf5_files.Library()
        rows = []
        for path in sorted((self.dir / run / "store").glob(f"{stage}.*.h5")):
            shape, numbers = h5.read_array(path, array)
            width = len(numbers) // max(shape[0], 1)
            rows += [numbers[i * width:(i + 1) * width] for i in range(shape[0])]
        return rows

    def check_estimates(self, document, run, stage):
        """All results have the bits of those of the run's stage, value, error and autocorrelation time."""
        theirs = {r["name"].split(".", 1)[1]: r for r in self.results(run)["results"] if r["name"].startswith(stage + ".")}
        ours = {r["name"].split(".", 1)[1]: r for r in document["results"]}
        self.assertEqual(set(ours), set(theirs) - {"acceptance", "exp_mdH"})
        for name, r in ours.items():
            for key in ("value", "error", "error2", "tau_int", "tau_int_error", "n"):
                self.assertEqual(r[key], theirs[name][key], (name, key))


class Rows(Measure):
    def test_bits_of_the_run(self):
        self.keep(JOB, N)
        document = self.measured("conf", "--job", "run.yaml")
        self.check_estimates(document, "run", "heatbath")
        self.assertEqual([r["file"] for r in document["files"]], [f"conf/c{i}.h5" for i in range(N)])  # 9 before 10
        rows = self.segment_rows("run", "heatbath", "primary")
        self.assertEqual(len(rows), N)
        for r, row in zip(document["files"], rows):
            self.assertEqual(list(r["primaries"]["gauge_4d"].values()), row)
        flow = self.segment_rows("run", "heatbath", "primary.gradient_flow")
        ours = [list(r["primaries"]["gradient_flow"].values()) for r in document["files"] if "gradient_flow" in r["primaries"]]
        self.assertEqual((len(ours), ours), (N // 3, flow))

    def test_every_theory(self):
        for kind, job in OTHERS.items():
            with self.subTest(kind=kind):
                self.keep(job, 12, folder=f"conf-{kind}", name=kind)
                document = self.measured(f"conf-{kind}", "--job", f"{kind}.yaml")
                stage = job.split("\n")[3].split(":")[0]
                self.check_estimates(document, kind, stage)
                rows = self.segment_rows(kind, stage, "primary")
                self.assertEqual([[x for g in r["primaries"].values() for x in g.values()] for r in document["files"]], rows)

    def test_every_format(self):
        """Bits of links of 64 bits; another format of the same links has the same rows."""
        self.keep(JOB, 3, "ildg")
        for i in range(3):
            self.good("convert", f"conf/c{i}.ildg", f"c{i}.nersc")
        one, other = self.measured("conf", "--job", "run.yaml"), self.measured("c0.nersc", "c1.nersc", "c2.nersc", "--job", "run.yaml")
        self.assertEqual([r["primaries"] for r in one["files"]], [r["primaries"] for r in other["files"]])
        self.assertEqual([list(r["primaries"]["gauge_4d"].values()) for r in one["files"]],
                         self.segment_rows("run", "heatbath", "primary")[:3])

    def test_files_as_they_are(self):
        """Links that an independent script made: its plaquette, to the last digits."""
        links = Links.random((2, 2, 2, 4), seed=7)
        self.put("links", openqcd(links))
        self.write("job.yaml", "lattice: [2, 2, 2, 4]\ntheory: {kind: su3, beta: 6}\njob: x\n")
        document = self.measured("links", "--job", "job.yaml")
        self.assertAlmostEqual(document["files"][0]["values"]["plaquette"], links.plaquettes()[0], delta=1e-14)

    def test_table(self):
        self.keep(JOB, 8)
        files = [f"conf/c{i}.h5" for i in (1, 0, 7, 6, 5, 4, 3, 2)]
        out = self.good("measure", *files, "--job", "run.yaml")
        lines = out.splitlines()
        self.assertEqual([line.split()[0] for line in lines[:9]], ["file", *files])
        self.assertIn("plaquette", lines[0])
        self.assertIn("\nFiles\n", out)
        self.assertIn("files.plaquette ", out)

    def test_threads(self):
        self.keep(JOB, 3)
        one, two = (json.loads(self.good("measure", "conf", "--job", "run.yaml", "--json", "--threads", n))["files"] for n in (1, 2))
        self.assertEqual(one, two)


class Missing(Measure):
    def test_one_is_truncated(self):
        self.keep(JOB, N)
        data = (self.dir / "conf/c7.h5").read_bytes()
        whole = self.measured("conf", "--job", "run.yaml")["files"]
        self.put("conf/c7.h5", data[:len(data) // 2])
        out, err = self.partly("conf", "--job", "run.yaml", "--json")
        self.assertEqual(len(err), 2)
        self.assertTrue(err[0].startswith("warning: not measured: 'conf/c7.h5': "), err[0])
        self.assertEqual(err[1], f"error: measure: 1 of {N} files could not be measured")
        document = json.loads(out)
        self.assertEqual([(r["file"], r["primaries"]["gauge_4d"]) for r in document["files"]],
                         [(r["file"], r["primaries"]["gauge_4d"]) for r in whole[:7] + whole[8:]])
        self.assertEqual(document["refused"], ["conf/c7.h5"])
        self.assertEqual(document["missing"], [f"Files lack 1 of {N}: 'conf/c7.h5'"])
        out, err = self.partly("conf", "--job", "run.yaml")
        self.assertEqual(len([line for line in out.splitlines() if line.startswith("conf/")]), N - 1)
        self.assertIn(f"missing   Files lack 1 of {N}: 'conf/c7.h5'\n", out)

    def test_every_kind_of_refusal(self):
        self.keep(JOB, 8)
        self.put("other.nersc", nersc(Links.random((2, 4, 2, 6), group="su3")))
        self.put("small.ildg", ildg(Links.random((2, 2, 2, 4), group="su2"), 64))
        links = Links.random((2, 4, 2, 6), group="su2")
        links.u[1, 3, 0, 2][0][0][0] = complex(float("nan"), 0)
        self.put("nan.ildg", ildg(links, 64))
        self.put("noise", b"no configuration at all")
        out, err = self.partly("conf/c0.h5", "other.nersc", "small.ildg", "nan.ildg", "noise", "nowhere.h5",
                               *(f"conf/c{i}.h5" for i in range(1, 8)), "--job", "run.yaml", "--json")
        for line, part in zip(err, ("'other.nersc': expected SU(2), found SU(3) in DATATYPE",
                                    "'small.ildg': expected a lattice 2x4x2x6, found 2x2x2x4", "'nan.ildg': expected finite numbers",
                                    "'noise': expected a configuration", "cannot open 'nowhere.h5'")):
            self.assertTrue(line.startswith("warning: not measured: "), line)
            self.assertIn(part, line)
        document = json.loads(out)
        self.assertEqual([r["file"] for r in document["files"]], [f"conf/c{i}.h5" for i in range(8)])
        self.assertEqual(len(document["refused"]), 5)
        self.assertIn("and 2 others", document["missing"][0])

    def test_none_is_left(self):
        self.write("job.yaml", JOB)
        code, out, err = self.run_program("measure", "nowhere", "--job", "job.yaml")
        self.assertEqual((code, out), (2, ""))
        self.assertTrue(err.endswith("error: measure: 1 of 1 files could not be measured\n"), err)

    def test_ignored_checks(self):
        links = Links.random((2, 4, 2, 6), group="su2")
        self.put("a.nersc", nersc(links, CHECKSUM="1234"))
        self.put("b.nersc", nersc(links))
        self.write("job.yaml", JOB)
        out, err = self.partly("a.nersc", "b.nersc", "--job", "job.yaml")
        self.assertIn("wrong CHECKSUM", err[0])
        code, out, err = self.run_program("measure", "a.nersc", *["b.nersc"] * 9, "--job", "job.yaml", "--ignore-checks", "checksum")
        self.assertEqual(code, 0)
        self.assertIn("wrong CHECKSUM", err)
        self.assertIn("WARNING   Files: of 1 of the files checks failed, which were ignored.\n", out)


class Requests(Measure):
    def setUp(self):
        super().setUp()
        self.keep(JOB, 12)

    def order(self, *words):
        return [r["file"] for r in self.measured(*words, "--job", "run.yaml")["files"]]

    def test_lists(self):
        self.write("list.txt", "# the second first\nconf/c1.h5\n\n  \nconf/c0.h5  \r\n")
        self.assertEqual(self.order("--list", "list.txt"), ["conf/c1.h5", "conf/c0.h5"])
        self.assertEqual(self.order("conf/c2.h5", "--list", "list.txt"), ["conf/c2.h5", "conf/c1.h5", "conf/c0.h5"])
        self.assertEqual(self.order("conf/", "conf/c0.h5"), [*(f"conf/c{i}.h5" for i in range(12)), "conf/c0.h5"])
        (self.dir / "it's [odd], {this}: \"one\"").mkdir()
        (self.dir / "conf/c2.h5").rename(self.dir / "it's [odd], {this}: \"one\"/#c é.h5")
        self.assertEqual(self.order("it's [odd], {this}: \"one\""), ["it's [odd], {this}: \"one\"/#c é.h5"])

    def test_store(self):
        out = self.good("measure", "conf", "--job", "run.yaml", "--out", "out")
        self.assertTrue(out.endswith(self.good("show", "out")), out)
        self.assertTrue((self.dir / "out/report.html").exists())
        self.assertEqual(json.loads((self.dir / "out/results.json").read_text())["results"], self.results("out")["results"])
        self.bad(["measure", "conf", "--job", "run.yaml", "--out", "out"], "--resume")
        self.assertEqual(self.good("measure", "conf", "--job", "run.yaml", "--out", "out", "--resume"), out)
        self.good("run", "out/job.yaml", "--out", "again", "--quiet")
        self.assertEqual(self.results("again"), self.results("out"))

    def test_resume(self):
        words = ("measure", "conf", "--job", "run.yaml", "--json", "--set", "checkpoint=0.5")
        whole = json.loads(self.good(*words, "--out", "out", extra=self.ticking_clock()))
        names = self.segments("out")
        self.assertEqual(len(names), 12)
        for name in names[1:]:
            (self.dir / "out/store" / name).unlink()
        again = json.loads(self.good(*words, "--out", "out", "--resume"))
        self.assertEqual((again["files"], again["results"]), (whole["files"], whole["results"]))

    def test_nothing_is_left_behind(self):
        (self.dir / "tmp").mkdir()
        self.good("measure", "conf", "--job", "run.yaml", extra={"TMPDIR": str(self.dir / "tmp")})
        self.assertEqual(list((self.dir / "tmp").iterdir()), [])

    def test_stopped(self):
        """Where the results were in a temporary directory, which is gone, no command goes on with them; elsewhere one does."""
        words = ("measure", "conf", "--job", "run.yaml", "--json", "--set", "checkpoint=0.5", "--threads", 1)
        stop = {"LD_PRELOAD": str(program.interrupt_library(self.dir)), "CW_INTERRUPT": f"{int(signal.SIGINT)} 1 3"}
        self.bad(words, "measure: stopped, and nothing is kept; with --out DIR it goes on", code=130, extra=stop)
        self.bad((*words, "--out", "out"), "causeway resume out goes on", code=130, extra=stop)
        self.good("resume", "out", "--quiet")
        self.good(*words, "--out", "whole")
        self.assertEqual(self.results("out")["results"], self.results("whole")["results"])

    def test_no_room(self):
        self.bad(["measure", "conf", "--job", "run.yaml", "--out", "out", "--set", "lattice=[64, 64, 64, 64]"], "of memory at least",
                 preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (10**9, 10**9)))
        self.assertFalse((self.dir / "out").exists())

    def test_cases(self):
        self.write("cases.yaml", JOB + "cases:\n  a: {}\n  b: {measure: null}\n")
        self.bad(["measure", "conf", "--job", "cases.yaml"], "--case", "a, b")
        self.bad(["measure", "conf", "--job", "cases.yaml", "--case", "c"], "--case", "'c'")
        self.bad(["measure", "conf", "--job", "run.yaml", "--case", "c"], "the job has no cases")
        names = [{r["name"] for r in self.measured("conf", "--job", "cases.yaml", "--case", c)["results"]} for c in "ab"]
        self.assertIn("files.t0", names[0] - names[1])
        self.assertLess(names[1], names[0])

    def test_samplers_do_not_count(self):
        self.write("odd.yaml", JOB.replace("chains: 1", "chians: -1"))
        self.assertEqual(self.measured("conf", "--job", "odd.yaml")["files"], self.measured("conf", "--job", "run.yaml")["files"])
        self.write("odd.yaml", JOB.replace("measure:", "mesure:"))
        self.bad(["measure", "conf", "--job", "odd.yaml"], "unknown key 'mesure'; did you mean 'measure'?")

    def test_refusals(self):
        (self.dir / "empty").mkdir()
        self.write("none.txt", "# nothing\n")
        for words, part in (([], "which files?"), (["conf"], "--job JOB.yaml is needed"),
                            (["empty", "--job", "run.yaml"], "there are no files in 'empty'"),
                            (["--list", "none.txt", "--job", "run.yaml"], "'none.txt' names no files"),
                            (["--list", "nowhere", "--job", "run.yaml"], "cannot open 'nowhere'"),
                            (["conf", "--job", "nowhere"], "nowhere"),
                            (["conf", "--job", "run.yaml", "--resume"], "say --out DIR"),
                            (["conf", "--job", "run.yaml", "--jsno"], "did you mean '--json'?"),
                            (["conf", "--job", "run.yaml", "--ignore-checks", "cheksum"], "did you mean 'checksum'?"),
                            (["a\nb", "--job", "run.yaml"], "a control character in the name of a file"),
                            (["conf", "--job", "run.yaml", "--set", "measure.gradient_flow.every=0"], "gradient_flow.every")):
            self.bad(["measure", *words], part)

    def test_section(self):
        """Section `files` of a job of its own."""
        self.write("job.yaml", JOB.replace("heatbath: {chains: 1, thermalise: 4, steps: 20, keep: 20}", f"files: {{paths: {json.dumps([f'conf/c{i}.h5' for i in range(12)])}}}"))
        self.good("run", "job.yaml", "--out", "out", "--quiet")
        self.assertIn("files.plaquette", [r["name"] for r in self.results("out")["results"]])
        for section, part in (("{}", "paths"), ("{paths: []}", "files.paths"), ("{paths: [[1]]}", "expected a text"),
                              ("{paths: [x], ignore_checks: [all]}", "unknown check 'all'"), ("{pahts: [x]}", "did you mean 'paths'?")):
            self.write("bad.yaml", f"job: x\nlattice: [4]\ntheory: {{kind: phi4, m2: 1, lambda: 0}}\nfiles: {section}\n")
            self.bad(["run", "bad.yaml", "--out", "bad"], part)

    def test_many(self):
        """As many as a job has room for; each file is there by its name."""
        self.write("list.txt", "conf/c0.h5\nconf/c1.h5\n" * 1500)
        document = self.measured("--list", "list.txt", "--job", "run.yaml", "--set", "measure=null")
        self.assertEqual(len(document["files"]), 3000)
        self.write("list.txt", "conf/c0.h5\n" * 8001)
        self.bad(["measure", "--list", "list.txt", "--job", "run.yaml"], "more than 8000 files at a time")


if __name__ == "__main__":
    program.main()
