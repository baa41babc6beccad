"""Model files: export from a run, info, jobs that start from them, and what is refused."""
import json
import math
from pathlib import Path

import program
from program import Case

SHIPPED = Path(__file__).resolve().parents[2] / "models"

FIT = """\
job: fit
seed: 5
checkpoint: 0.05
lattice: [4, 4]
theory: {kind: u1, beta: 3}
ladder: {from: {beta: 2}, rungs: 3}
least_squares: {sampler: heatbath, chains: 8, thermalise: 10, steps: 40, flow: {layers: [{kind: residual}]}}
"""
USE = """\
job: use
seed: 6
checkpoint: 0.05
lattice: [4, 4]
theory: {kind: u1, beta: 3}
ladder: {from: {beta: 2}, rungs: 3}
least_squares: {rounds: 0, sampler: heatbath, flow: {layers: [{kind: residual}], start: {model: fit.h5}}}
rex: {sampler: heatbath, chains: 8, thermalise: 10, steps: 200, way: {steps: 1, flow: least_squares}}
"""
REAL = """\
job: real
seed: 5
lattice: [4, 4]
theory: {kind: phi4, form: kappa, kappa: 0.3, lambda: 0.1}
ladder: {from: {kappa: 0.2}, rungs: 3}
snf: {particles: 64, walks: 4, flow: {layers: [{kind: affine, repeat: 2, net: {hidden: [3]}}, {kind: scale}]}, train: {steps: 60, batch: 64}}
craft: {particles: 64, walks: 4, flow: {layers: [{kind: scale}]}, train: {steps: 20, batch: 64}}
"""
FROM_RUN = ("--set", "least_squares.flow.start={run: fit}")


class Models(Case):
    def setUp(self):
        super().setUp()
        self.write("fit.yaml", FIT)
        self.write("use.yaml", USE)
        self.good("run", "fit.yaml", "--out", "fit")
        self.good("export", "fit", "fit.h5")

    def info(self, name):
        return json.loads(self.good("info", name, "--json"))

    def refused(self, path_value, *parts):
        self.bad(("run", "use.yaml", "--out", "bad", "--set", path_value), *parts)
        self.assertEqual(self.segments("bad"), [])

    def test_info_is_what_the_run_found(self):
        found, numbers = self.info("fit.h5"), {r["name"]: r for r in self.results("fit")["results"]}
        self.assertEqual((found["theory"], found["form"], found["lattice"], found["section"]), ("u1", "isotropic", [4, 4], "least_squares"))
        self.assertEqual(found["job"], (self.dir / "fit/job.yaml").read_text())
        self.assertIn("kind: residual", found["flow"])
        self.assertEqual([(f["from"], f["to"], f["positions"]) for f in found["flows"]],
                         [({"beta": 2}, {"beta": 2.5}, [0, 0.5]), ({"beta": 2.5}, {"beta": 3}, [0.5, 1])])
        for k, flow in enumerate(found["flows"]):
            self.assertEqual(flow["configurations"], 320)
            for name in ("rho", "K", "K_without", "acceptance", "acceptance_without"):
                self.assertEqual(flow[name], {key: numbers[f"least_squares.{name}[{k}]"][key] for key in ("value", "error")})
            self.assertAlmostEqual(flow["K_per_site"]["value"], flow["K"]["value"] / 16, 12)
            for larger, times in zip(flow["acceptance_on_larger"], (2, 4, 16)):
                self.assertEqual(larger["sites"], 16 * times)
                self.assertAlmostEqual(larger["value"], math.erfc(math.sqrt(times * flow["K"]["value"]) / 2), 12)
        words = self.good("info", "fit.h5")
        for part in ("u1, form isotropic", "4 x 4 (16 sites)", "flow 1, from {beta: 2.5} to {beta: 3}", "on 16 x the sites", "seed: 5"):
            self.assertIn(part, words)

    def test_same_bits_as_from_the_run(self):
        for out, words in (("model", ()), ("run", FROM_RUN)):
            self.good("run", "use.yaml", "--out", out, *words)
        self.assertEqual(self.results("model")["results"], self.results("run")["results"])
        self.assertIn("start     flows of least_squares as those of model fit.h5\n", self.good("show", "model"))
        self.good("run", "use.yaml", "--out", "larger", "--set", "lattice=[6, 4]")
        self.good("run", "use.yaml", "--out", "part", "--set", "ladder={from: {beta: 2.5}, rungs: 2}")
        self.good("run", "use.yaml", "--out", "fitted", "--set", "least_squares.rounds=1", "--set", "least_squares.steps=60",
                  "--set", "least_squares.chains=8", "--set", "least_squares.thermalise=10")
        self.assertIn("least_squares.rho[1]", [r["name"] for r in self.results("fitted")["results"]])
        self.good("export", "model", "again.h5")
        self.assertEqual([f["theta"] for f in self.info("again.h5")["flows"]], [f["theta"] for f in self.info("fit.h5")["flows"]])

    def test_a_resumed_run_does_not_need_the_file(self):
        self.good("run", "use.yaml", "--out", "whole")
        self.good("run", "use.yaml", "--out", "part")
        for name in self.segments("part"):
            if name.startswith("rex"):
                (self.dir / "part/store" / name).unlink()
        (self.dir / "fit.h5").unlink()
        self.good("run", "use.yaml", "--out", "part", "--resume")
        self.assertEqual(self.results("part")["results"], self.results("whole")["results"])
        self.bad(("run", "use.yaml", "--out", "fresh"), "cannot open 'fit.h5'")

    def test_refusals(self):
        self.refused("theory.kind=su2", "expected flows of theory 'su2'", "'u1'", "'fit.h5'")
        self.refused("theory.beta=4", "expected a flow from {beta: 2} to {beta: 3}", "found {beta: 2} to {beta: 2.5}")
        self.refused("ladder.rungs=2", "expected a flow from {beta: 2} to {beta: 3}")
        self.refused("least_squares.flow.layers[0].steps=4", "other layers", "expected steps 4, found 2")
        self.refused("lattice=[4, 4, 4]", "expected flows in 3 dimensions, found 2")
        self.refused("least_squares.flow.start.model=fit/store/least_squares.000000.h5", "is not a model of causeway")
        self.bad(("run", "use.yaml", "--out", "b", "--set", "least_squares.flow.start.run=fit"), "there is a 'run' or a 'case' too")
        self.bad(("run", "use.yaml", "--out", "b", "--set", "least_squares.flow.start=null"), "least_squares.rounds", "needs 'flow.start'")
        self.assertFalse((self.dir / "b").exists())

    def test_damaged_files(self):
        good = (self.dir / "fit.h5").read_bytes()
        for bad, part in ((good[:-1], "damaged"), (good[:900] + bytes([good[900] ^ 1]) + good[901:], "checksum"), (good[:30], "truncated")):
            (self.dir / "fit.h5").write_bytes(bad)
            self.bad(("info", "fit.h5"), "'fit.h5' is", part)
            self.refused("seed=7", "'fit.h5' is", part)

    def test_options(self):
        self.bad(("export", "fit", "fit.h5"), "'fit.h5' exists; --overwrite")
        self.good("export", "fit", "fit.h5", "--overwrite")
        self.bad(("export", "fit"), "usage: causeway export RUN OUT")
        self.bad(("export", "fit", "x.h5", "--case", "a"), "--case: the run has no 'a'")
        self.bad(("export", "fit", "x.h5", "--stage", "rex"), "--stage: the run has no 'rex'")
        self.bad(("export", "nowhere", "x.h5"), "nowhere")
        self.bad(("info", "fit.h5", "--lattice", "4,4,4,4"), "--lattice: is for configurations, and 'fit.h5' is a model")
        self.write("short.yaml", program.SHORT)
        self.good("run", "short.yaml", "--out", "short")
        self.bad(("export", "short", "x.h5"), "trained no flows")


class Trained(Case):
    """Flows of reals that walks trained, in cases."""

    def test_walks(self):
        self.write("real.yaml", REAL + "cases: {a: {}, b: {seed: 6}}\n")
        self.good("run", "real.yaml", "--out", "real")
        self.bad(("export", "real", "snf.h5"), "say which by --case (it has: a, b)")
        self.bad(("export", "real", "snf.h5", "--case", "b"), "say which by --stage (it has: snf, craft)")
        self.good("export", "real", "snf.h5", "--case", "b", "--stage", "snf")
        found = json.loads(self.good("info", "snf.h5", "--json"))
        self.assertEqual((found["case"], found["section"]), ("b", "snf"))
        for flow in found["flows"]:
            self.assertEqual(flow["configurations"], 60 * 64)
            self.assertIsNone(flow["rho"]["value"])
            self.assertAlmostEqual(flow["acceptance"]["value"], math.erfc(math.sqrt(flow["K"]["value"]) / 2), 12)
        self.write("use.yaml", REAL)
        keep = ("--set", "craft=null", "--set", "snf.train.steps=0")
        self.good("run", "use.yaml", "--out", "model", *keep, "--set", "snf.flow.start.model=snf.h5")
        self.good("run", "use.yaml", "--out", "run", *keep, "--set", "snf.flow.start={run: real, case: b}")
        self.assertEqual(self.results("model")["results"], self.results("run")["results"])
        self.bad(("run", "use.yaml", "--out", "x", *keep, "--set", "snf.flow.start.model=snf.h5", "--set", "snf.flow.layers[0].net.hidden=[4]"),
                 "of layer 0 its network is another")


class Shipped(Case):
    """What ships is read, and is of the job beside it, on another lattice."""

    def test_models(self):
        files = sorted(SHIPPED.glob("*.h5"))
        self.assertTrue(files)
        table = (SHIPPED / "README.md").read_text()
        for file in files:
            found = json.loads(self.good("info", file, "--json"))
            self.assertIn(f"| `{file.name}` |", table)
            self.assertLess(file.stat().st_size, 100000)
            self.good("run", file.with_suffix(".yaml"), "--out", file.stem, "--set", "least_squares.rounds=0",
                      "--set", f"least_squares.flow.start.model={file}", "--set", f"lattice={[4] * len(found['lattice'])}")
            self.good("export", file.stem, "again.h5", "--overwrite")
            again = json.loads(self.good("info", "again.h5", "--json"))
            for a, b in zip(again["flows"], found["flows"], strict=True):
                for key in ("from", "to", "theta"):
                    self.assertEqual(a[key], b[key])


if __name__ == "__main__":
    program.main()
