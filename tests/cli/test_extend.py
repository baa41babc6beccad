"""`causeway resume DIR`: a run goes on from its folder alone; one that is given more to do gives the bits of one that had so much to do
from the start, also if it dies while it does more; and what cannot change in a run is refused by name."""
import shutil
import signal

import program
from program import SHORT
from test_resume import AFTER, BEFORE, BRIDGE, GAUGE, LADDER, PHI4, SPINS, Interrupted, dump

TRAINING = """\
job: training
seed: 3
checkpoint: 0.5
lattice: [4, 4]
theory: {kind: phi4, form: kappa, kappa: 0.2, lambda: 0.1}
model: {layers: [{kind: affine, repeat: 2, net: {kind: conv, hidden: [3], kernel: 3}}]}
train: {batch: 32, steps: 4, schedule: constant}
cases:
  constant: {}
  plateau: {train: {schedule: plateau, patience: 1}}
"""
FIT = BRIDGE[:BRIDGE.index("rex:")].replace("rounds: 2", "rounds: 1")
DEFECT = """\
job: defect
seed: 3
checkpoint: 0.5
lattice: [4, 4, 2, 4]
theory: {kind: su3, form: defect, beta: 5.8, factor: 1, edge_1: 2}
ladder: {from: {factor: 0}, rungs: 3}
ais: {sampler: heatbath, particles: 8, walks: 2, thermalise: 1, tuning: 0}
smc: {sampler: heatbath, particles: 8, walks: 2, thermalise: 1, tuning: 0}
ptbc: {sampler: heatbath, chains: 1, thermalise: 1, steps: 3, levels: [{margin: 1, sweeps: 2}]}
excursion: {sampler: heatbath, chains: 2, thermalise: 1, steps: 3, from: {factor: 0.5}, way: {steps: 2}}
"""
# A job, and what it is given more of: all that its sections can be given once all of them are done.
JOBS = {
    "phi4": (PHI4, {"hmc.steps": 9, "hmc.keep": 96, "nis.samples": 20000, "nmcmc.steps": 90}),
    "gauge": (GAUGE, {"heatbath.steps": 12, "heatbath.keep": 16, "hmc.steps": 7}),
    "spins": (SPINS, {"spinflip.steps": 9, "nis.samples": 8300, "nmcmc.steps": 47}),
    "ladder": (LADDER, {"snf.walks": 5, "craft.walks": 4, "walk.walks": 6, "rex.steps": 8}),
    "bridge": (BRIDGE, {"rex.steps": 5, "correlated.steps": 7}),
    "defect": (DEFECT, {"ais.walks": 3, "smc.walks": 4, "ptbc.steps": 5, "excursion.steps": 6}),
    "training": (TRAINING, {"train.steps": 7}),
    "fit": (FIT, {"least_squares.rounds": 2}),
}
# Of these the last step may be shorter than the others, and is then continued in a segment of its own.
IN_BATCHES = ("nis.", "nmcmc.")


def sets(more):
    return [word for key, value in more.items() for word in ("--set", f"{key}={value}")]


def arrays(store):
    """What segments hold, but for the jobs of the store and stages whose segments may end elsewhere."""
    copy = store.with_name("compared")
    shutil.copytree(store, copy)
    for path in copy.glob("*.h5"):
        if path.name.startswith(("job.", *IN_BATCHES)):
            path.unlink()
    try:
        return [p.name for p in sorted(copy.glob("*.h5"))], [array.partition("\n}\nHDF5")[0] for array in dump(copy)[1:]]
    finally:
        shutil.rmtree(copy)


class MoreToDo(Interrupted):
    def interrupted(self, number, when, segment, *words):
        extra = {"LD_PRELOAD": str(self.library), "CW_INTERRUPT": f"{int(number)} {when} {segment}"}
        return self.run_program(*words, "--threads", 1, "--quiet", extra=extra)

    def undisturbed(self, *words):
        code, out, err = self.interrupted(0, 0, 0, *words)
        self.assertEqual((code, err), (0, ""), words)
        return out

    def check_alike(self, out, whole):
        self.assertEqual(self.results_of(out), self.results_of(whole))
        self.assertEqual(arrays(self.dir / out / "store"), arrays(self.dir / whole / "store"))


class Extended(MoreToDo):
    def make(self, name):
        job, more = JOBS[name]
        self.write("job.yaml", job)
        self.undisturbed("run", "job.yaml", "--out", "short")
        # of each case, as `resume --set` has it
        cases = [line.split(":")[0].strip() for line in job.partition("cases:\n")[2].splitlines()]
        changes = {f"{'cases.' + c + '.' if c else ''}{k}": v for c in cases or [""] for k, v in more.items()}
        self.undisturbed("run", "short/job.yaml", "--out", "long", *sets(changes))
        self.assertNotEqual(self.segments("short"), self.segments("long"))
        return more

    def check_job(self, name):
        more = self.make(name)
        shutil.copytree(self.dir / "short", self.dir / "out")
        self.undisturbed("resume", "out", *sets(more))
        self.check_alike("out", "long")
        before = program.tree(self.dir / "out/store")
        self.assertIn("is finished", self.undisturbed("resume", "out"))
        self.assertEqual(program.tree(self.dir / "out/store"), before)
        for when in (BEFORE, AFTER) if name == "phi4" else (AFTER,):
            self.die_while_extending(f"dies{when}", when, more)

    def die_while_extending(self, out, when, more):
        """Every process writes one segment more than the last; only until the store has its new job is it told what more is wanted."""
        shutil.copytree(self.dir / "short", self.dir / out)
        code, deaths = None, 0
        while code != 0:
            told = "job.000001.h5" in self.segments(out)
            code, _, err = self.interrupted(signal.SIGKILL, when, 2 - when, "resume", out, *([] if told else sets(more)))
            self.assertEqual(err, "")
            deaths += code == -signal.SIGKILL
            self.assertLess(deaths, 200)
        self.assertGreater(deaths, 2)
        self.check_alike(out, "long")


for job_name in JOBS:
    setattr(Extended, f"test_{job_name}", lambda self, job_name=job_name: self.check_job(job_name))


class Refused(MoreToDo):
    def refused(self, change, why, out="out"):
        """One line: key, what the run has, what was asked for, why; and nothing is touched."""
        before = program.tree(self.dir / out)
        key, _, value = change.partition("=")
        self.bad(["resume", out, "--set", change], f"{key}: the run in '{out}' has ", f"asked for is {value}: ", why)
        self.assertEqual(program.tree(self.dir / out), before)

    def test_what_a_run_keeps(self):
        self.write("job.yaml", PHI4)
        self.undisturbed("run", "job.yaml", "--out", "out")
        for change, why in (("theory.kappa=0.3", "another directory"), ("seed=4", "another directory"),
                            ("lattice=[6, 6]", "another directory"), ("hmc.chains=32", "another directory"),
                            ("hmc.thermalise=4", "another directory"), ("chain.steps=8", "another directory"),
                            ("hmc.steps=5", "cannot become less"), ("nis.samples=8199", "cannot become less"),
                            ("train.steps=6", "'nis' has begun"), ("hmc.steps=9", "'keep' is 96"),
                            ("hmc.steps=7", "equal distances"), ("measure.scalar.every=2", "'hmc' has begun to measure"),
                            ("model.layers[0].repeat=3", "another directory"), ("train=null", "another directory")):
            with self.subTest(change):
                if change == "train=null":
                    self.bad(["resume", "out", "--set", change], "train: the run in 'out' has a mapping, asked for is none")
                else:
                    self.refused(change, why)
        self.bad(["run", "job.yaml", "--out", "out", "--resume", "--set", "theory.kappa=0.3"], "theory.kappa", "0.2", "0.3")

    def test_what_others_took(self):
        """Kept configurations that a training took, those that chains start from, and rates that fall over all steps."""
        job = PHI4.replace("train: {batch: 32", "train: {loss: forward_kl, data: hmc, batch: 32")
        self.write("job.yaml", job)
        self.undisturbed("run", "job.yaml", "--out", "out")
        self.bad(["resume", "out", "--set", "hmc.steps=9", "--set", "hmc.keep=96"], "hmc.", "'train' has begun")
        self.write("job.yaml", SPINS)
        self.undisturbed("run", "job.yaml", "--out", "spins")
        self.bad(["resume", "spins", "--set", "cluster.steps=12", "--set", "cluster.keep=128"], "'nmcmc' has begun")
        self.write("job.yaml", TRAINING.replace("schedule: constant", "schedule: cosine"))
        self.undisturbed("run", "job.yaml", "--out", "falling")
        self.bad(["resume", "falling", "--set", "cases.constant.train.steps=7"], "cases.constant.train.steps", "cosine")
        self.write("job.yaml", LADDER.replace("{kind: scale}", "{kind: affine, net: {hidden: [3]}}"))
        self.undisturbed("run", "job.yaml", "--out", "ladder")
        self.refused("craft.train.steps=6", "begun", "ladder")

    def test_flows_are_trained_longer_before_they_are_used(self):
        self.write("job.yaml", LADDER.replace("train: {steps: 4", "train: {schedule: constant, steps: 4"))
        code, _, _ = self.interrupted(signal.SIGKILL, AFTER, 3, "run", "job.yaml", "--out", "out")
        self.assertEqual((code, self.segments("out")), (-signal.SIGKILL, [f"snf.train.00000{k}.h5" for k in range(3)]))
        more = sets({"snf.train.steps": 6})
        self.undisturbed("run", "out/job.yaml", "--out", "long", *more)
        self.undisturbed("resume", "out", *more)
        self.check_alike("out", "long")

    def test_what_says_nothing_about_bits(self):
        self.write("job.yaml", SHORT + "about: one\nexpect: {phi2: {value: 1, error: 1}}\n")
        self.undisturbed("run", "job.yaml", "--out", "out")
        segments = [s for s in self.segments("out")]
        before = self.results_of("out")
        self.undisturbed("resume", "out", "--set", "about=two", "--set", "checkpoint=3", "--set", "expect.phi2.value=2")
        after = self.results_of("out")
        self.assertEqual([s for s in self.segments("out") if not s.startswith("job.")], segments)
        self.assertNotEqual(before, after)
        self.assertIn("about: two", (self.dir / "out/job.yaml").read_text())

    def test_measurements_of_what_has_not_begun(self):
        job = TRAINING[:TRAINING.index("cases:")] + "ladder: {from: {kappa: 0.1}, rungs: 3}\nrex: {chains: 16, thermalise: 1, steps: 8}\n"
        self.write("job.yaml", job)
        code, _, _ = self.interrupted(signal.SIGKILL, AFTER, 1, "run", "job.yaml", "--out", "out")
        self.assertEqual((code, self.segments("out")), (-signal.SIGKILL, ["train.000000.h5"]))
        more = sets({"measure.scalar.every": 2, "rex.steps": 12})
        self.undisturbed("resume", "out", *more)
        self.undisturbed("run", "job.yaml", "--out", "long", *more)
        self.check_alike("out", "long")
        self.refused("measure.scalar.every=4", "'rex' has begun to measure")

    def test_before_there_is_a_segment(self):
        """job.yaml is there from the start, and is enough."""
        self.write("job.yaml", PHI4)
        code, _, _ = self.interrupted(signal.SIGKILL, BEFORE, 1, "run", "job.yaml", "--out", "out", "--set", "hmc.steps=7")
        self.assertEqual((code, self.segments("out")), (-signal.SIGKILL, []))
        (self.dir / "job.yaml").unlink()
        self.undisturbed("resume", "out")
        self.assertIn("hmc.000009.h5", self.segments("out"))  # 3 + 7 steps

    def test_nothing_there(self):
        self.bad(["resume", "nowhere"], "there is no run in 'nowhere'")
        self.bad(["resume"], "which directory")
        self.bad(["resume", "a", "b"], "one directory")
        self.bad(["resume", "a", "--resum"], "unknown option")
        self.assertEqual(list(self.dir.iterdir()), [])


if __name__ == "__main__":
    program.main()
