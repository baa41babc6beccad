"""A case whose model starts from the trained parameters of an earlier case of the same run (model.start.case without a run): it has the bits
of one that starts from another run, is resumed to the same bits, and what cannot be is refused before anything runs."""
import re
import signal

import program
from test_extend import MoreToDo

JOB = """\
job: carried
seed: 3
checkpoint: 0.5
lattice: [4, 4]
theory: {kind: phi4, form: kappa, kappa: 0.1, lambda: 0.022}
model:
  prior: {kind: free, mass2: 1}
  layers: [{kind: affine, repeat: 4, z2: true, net: {kind: conv, hidden: [4], kernel: 3}}, {kind: scale}]
train: {batch: 64, steps: 6, warmup: 2, rate: 0.02, schedule: constant}
nis: {samples: 8200}
cases:
  first: {}
  second: {theory: {kappa: 0.12}, model: {start: {case: first}}}
  larger: {lattice: [8, 6], theory: {kappa: 0.12}, train: null, model: {start: {case: second}}}
"""
ALONE = ("--set", "cases=null", "--set", "theory.kappa=0.12")
WALKS = """\
job: walks
seed: 3
checkpoint: 0.5
lattice: [4, 4]
theory: {kind: phi4, form: kappa, kappa: 0.2, lambda: 0.1}
ladder: {from: {kappa: 0.1}, rungs: 3}
snf: {particles: 32, walks: 2, thermalise: 2, tuning: 2, flow: {layers: [{kind: affine, net: {hidden: [3]}}]}, train: {steps: 3, batch: 32}}
cases:
  small: {}
  large: {lattice: [6, 4], snf: {train: {steps: 0}, flow: {start: {case: small}}}}
"""


class Chain(MoreToDo):
    def setUp(self):
        super().setUp()
        self.write("job.yaml", JOB)

    def change(self, old, new, *parts):
        """A job that is refused; the line is that of the case."""
        self.assertIn(old, JOB)
        text = JOB.replace(old, new)
        self.write("changed.yaml", text)
        line = 1 + next(i for i, row in enumerate(text.splitlines()) if new.strip() in row)
        self.bad(("run", "changed.yaml", "--out", "changed"), f"changed.yaml:{line}: ", "model.start", *parts)
        self.assertFalse((self.dir / "changed").exists())

    def case(self, out, name):
        return self.results(out)["cases"][name]["flow"]

    def test_starts_where_the_other_ended(self):
        """Parameters come unchanged: training of no step from them gives the weights of the model that was trained, at other couplings those
        of one that starts from another run, and on another lattice a better model than one that starts anew."""
        self.good("run", "job.yaml", "--out", "one", "--set", "cases={first: {}}")
        self.good("run", "job.yaml", "--out", "chain", "--set", "cases.same={train: null, model: {start: {case: first}}}")
        self.good("run", "job.yaml", "--out", "apart", "--set", "cases.second.model.start={run: one, case: first}")
        self.assertEqual(self.case("chain", "second"), self.case("apart", "second"))
        self.assertEqual(self.case("chain", "larger"), self.case("apart", "larger"))
        trained, same = self.case("chain", "first"), self.case("chain", "same")
        self.assertLess(abs(trained["lnZ"] - same["lnZ"]), 5 * (trained["lnZ_error"] + same["lnZ_error"]))
        self.assertLess(abs(trained["ess"] - same["ess"]), 0.03)
        self.good("run", "job.yaml", "--out", "fresh", "--set", "cases.larger.model.start=null")
        self.assertGreater(self.case("chain", "larger")["ess"], 1.2 * self.case("fresh", "larger")["ess"])

    def test_says_from_which_case(self):
        self.good("run", "job.yaml", "--out", "out")
        self.assertRegex(self.good("show", "out"), r"start +parameters of case first\n")
        self.assertIn("started from those of the case first", re.sub(r"\s+", " ", (self.dir / "out/report.html").read_text()))

    def test_resumed_to_the_same_bits(self):
        self.undisturbed("run", "job.yaml", "--out", "whole")
        code, deaths = None, 0
        while code != 0:
            code, _, err = self.interrupted(signal.SIGKILL, 1, 1, "run", "job.yaml", "--out", "out", "--resume")
            self.assertEqual(err, "")
            deaths += code == -signal.SIGKILL
            self.assertLess(deaths, 100)
        self.assertGreater(deaths, 10)
        self.check_alike("out", "whole")

    def test_what_cannot_be_is_refused(self):
        first, second = "  first: {}\n", "model: {start: {case: first}}"
        self.change(first, "  first: {model: {start: {case: first}}}\n", "case 'first' cannot start from itself")
        self.change(first, "  first: {model: {start: {case: second}}}\n", "case 'second' comes later")
        self.change(second, "model: {start: {case: frist}}", "no earlier case 'frist'; did you mean 'first'?")
        self.change("start: {case: second}", "start: {case: nowhere}", "no earlier case 'nowhere' (earlier are: first, second)")
        self.change(second, "model: {start: {}}", "run")
        self.change(second, "model: {start: {csae: first}}", "'csae'")
        self.change(second, "model: {start: {case: first}, layers: [{kind: affine, net: {hidden: [4]}}]}", "the parameters of case 'first' are of a model with other 'layers'")
        last = ("--set", "cases.last={train: null, model: {start: {case: larger}}}")
        self.bad(("run", "job.yaml", "--out", "a", *last), "model.start.case: case 'larger' has no training of a model")
        self.bad(("run", "job.yaml", "--out", "a", *ALONE, "--set", "model.start.case=first"), "the job has no cases")

    def test_dense_networks_stay_at_their_lattice(self):
        dense = ("--set", "model.layers[0].net={kind: dense, hidden: [4]}")
        self.bad(("run", "job.yaml", "--out", "a", *dense), "are of another lattice, and networks of kind 'dense' stay at theirs")
        self.good("run", "job.yaml", "--out", "b", *dense, "--set", "cases.larger=null")

    def test_flows_of_a_ladder(self):
        self.write("job.yaml", WALKS)
        self.good("run", "job.yaml", "--out", "here")
        self.good("run", "job.yaml", "--out", "small", "--set", "cases={small: {}}")
        self.good("run", "job.yaml", "--out", "apart", "--set", "cases.large.snf.flow.start={run: small, case: small}")
        self.assertEqual(self.results("here")["cases"], self.results("apart")["cases"])
        self.assertIn("flows of snf as those of case small", self.good("show", "here"))
        self.bad(("run", "job.yaml", "--out", "a", "--set", "cases.large.ladder.rungs=4"), "snf.flow.start.case: case 'small' has 2 flows, this one 3")

    def test_growth_ends_where_another_case_began(self):
        """Each of the cases trains and does nothing else, so that only the next one can mind."""
        self.write("job.yaml", JOB.replace("nis: {samples: 8200}\n", "").replace("  larger", "  not_run"). replace("train: null, ", ""))
        more = ("--set", "cases.first.train.steps=8")
        self.undisturbed("run", "job.yaml", "--out", "whole", *more)
        # dies when the first training is done, and before the second begins
        self.interrupted(signal.SIGKILL, 1, 6, "run", "job.yaml", "--out", "out")
        self.assertFalse(any(name.startswith("second") for name in self.segments("out")))
        self.undisturbed("resume", "out", *more)
        self.check_alike("out", "whole")
        err = self.bad(("resume", "out", "--set", "cases.first.train.steps=9"), "cases.first.train.steps", "case 'second', which starts from it, has begun")
        self.assertIn("the run in 'out' has 8, asked for is 9", err)
        self.undisturbed("resume", "out", "--set", "cases.not_run.train.steps=9")


if __name__ == "__main__":
    program.main()
