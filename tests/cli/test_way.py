"""Replica exchange with a way between rungs: the free field on 4 x 4, of which everything is known."""
import math

import program
from program import Case

JOB = """\
job: way
seed: 5
lattice: [4, 4]
theory: {kind: phi4, form: kappa, kappa: 0.22, lambda: 0}
ladder: {from: {kappa: 0.02}, rungs: 2}
rex: {sampler: hmc, chains: 48, thermalise: 200, steps: 1500, measure: all, way: {steps: 3, power: 0.8}}
"""

# Two halves of a stochastic flow from each replica to the next: flows, and sampler steps on the rungs between.
FLOWS = """\
job: way
seed: 6
lattice: [4, 4]
theory: {kind: phi4, form: kappa, kappa: 0.22, lambda: 0}
ladder: {from: {kappa: 0.02}, positions: [0, 0.3, 0.55, 0.8, 1]}
snf:
  sampler: hmc
  particles: 64
  walks: 4
  flow: {layers: [{kind: affine, repeat: 2, net: {hidden: [4]}}]}
  train: {steps: 150, batch: 256}
rex: {sampler: hmc, chains: 48, thermalise: 200, steps: 1500, measure: all, way: {steps: 2, flow: snf}}
"""


def phi2(kappa):
    """Mean square of the field: that of its modes with energy 1 - 2 kappa sum cos p, each 1/(2 energy)."""
    cosines = [math.cos(2 * math.pi * k / 4) for k in range(4)]
    return sum(0.5 / (1 - 2 * kappa * (a + b)) for a in cosines for b in cosines) / 16


def ln_ratio(kappa, other):
    """ln Z(other)/Z(kappa) of the free field."""
    cosines = [math.cos(2 * math.pi * k / 4) for k in range(4)]
    return -0.5 * sum(math.log((1 - 2 * other * (a + b)) / (1 - 2 * kappa * (a + b))) for a in cosines for b in cosines)


class Way(Case):
    def check_threads(self, *options):
        """Bits that differ after a few steps differ after all that follow."""
        found = []
        for threads in ("1", "2"):
            self.good("run", "job.yaml", "--out", threads, "--threads", threads, "--set", "rex.thermalise=10", "--set", "rex.steps=40", *options)
            found.append(self.results(threads))
        self.assertEqual(*found)

    def check_ratio(self, values):
        r = values["rex.lnZ_ratio"]
        self.assertLess(abs(r["value"] - ln_ratio(0.02, 0.22)), 4.5 * r["error"], r)
        self.assertLess(r["error"], 0.01)

    def test_exact_values_on_both_rungs_for_any_number_of_threads(self):
        self.write("job.yaml", JOB)
        self.check_threads()
        self.good("run", "job.yaml", "--out", "way")
        values = {r["name"]: r for r in self.results("way")["results"]}
        for name, kappa in (("rex.rung0", 0.02), ("rex", 0.22)):
            r = values[f"{name}.phi2"]
            self.assertLess(abs(r["value"] - phi2(kappa)), 4.5 * r["error"], (name, r, phi2(kappa)))
            self.assertLess(r["error"], 0.01 * r["value"])
        self.check_ratio(values)
        self.write("job.yaml", JOB.replace("sampler: hmc", "sampler: cluster"))
        self.good("run", "job.yaml", "--out", "cluster")
        r = {r["name"]: r for r in self.results("cluster")["results"]}["rex.phi2"]
        self.assertLess(abs(r["value"] - phi2(0.22)), 4.5 * r["error"], (r, phi2(0.22)))
        self.write("job.yaml", JOB.replace(", way: {steps: 3, power: 0.8}", ""))
        self.good("run", "job.yaml", "--out", "plain")
        plain = {r["name"]: r for r in self.results("plain")["results"]}
        self.check_ratio(plain)
        gained, error = (f(values["rex.swap_acceptance[0]"], plain["rex.swap_acceptance[0]"])
                         for f in (lambda a, b: a["value"] - b["value"], lambda a, b: math.hypot(a["error"], b["error"])))
        self.assertGreater(gained, 5 * error)

    def test_work_on_chosen_rungs(self):
        """Three times the steps on the first rung alone: exact on both, its own tau_int shorter, the other's as it was."""
        plain = JOB.replace(", way: {steps: 3, power: 0.8}", ", length: 0.3").replace("kappa: 0.02", "kappa: 0.21")
        found = {}
        for name, text in (("once", plain), ("thrice", plain.replace("measure: all", "measure: all, multiples: [3, 1]"))):
            self.write("job.yaml", text)
            self.good("run", "job.yaml", "--out", name)
            found[name] = {r["name"]: r for r in self.results(name)["results"]}
            for rung, kappa in (("rex.rung0", 0.21), ("rex", 0.22)):
                r = found[name][f"{rung}.phi2"]
                self.assertLess(abs(r["value"] - phi2(kappa)), 4.5 * r["error"], (name, rung, r))
        self.assertLess(found["thrice"]["rex.rung0.phi2"]["tau_int"], 0.8 * found["once"]["rex.rung0.phi2"]["tau_int"])
        self.write("job.yaml", JOB.replace("measure: all", "measure: all, multiples: [3, 1, 1]"))
        self.bad(("run", "job.yaml", "--out", "out"), "multiples: 3 numbers for 2 replicas")

    def test_flows_on_the_way(self):
        self.write("job.yaml", FLOWS)
        self.check_threads("--set", "snf.train.steps=5")
        self.good("run", "job.yaml", "--out", "flows")
        values = {r["name"]: r for r in self.results("flows")["results"]}
        for name, kappa in (("rex.rung0", 0.02), ("rex.rung2", 0.13), ("rex", 0.22)):
            r = values[f"{name}.phi2"]
            self.assertLess(abs(r["value"] - phi2(kappa)), 4.5 * r["error"], (name, r, phi2(kappa)))
            self.assertLess(r["error"], 0.01 * r["value"])
        self.check_ratio(values)
        self.assertNotIn("rex.rung1.phi2", values)
        self.assertNotIn("rex.swap_acceptance[2]", values)
        self.write("job.yaml", FLOWS.replace("way: {steps: 2, flow: snf}", "way: {steps: 2, power: 1}").replace("[0, 0.3, 0.55, 0.8, 1]", "[0, 0.55, 1]"))
        self.good("run", "job.yaml", "--out", "switch", "--set", "snf=null")
        without = {r["name"]: r["value"] for r in self.results("switch")["results"]}
        for pair in (0, 1):
            name = f"rex.swap_acceptance[{pair}]"
            self.assertGreater(values[name]["value"], without[name] + 5 * values[name]["error"])

    def test_refusals(self):
        for wrong, words in (
            (JOB.replace("steps: 3, ", ""), "job.yaml:6: rex.way: missing key 'steps'"),
            (JOB.replace("power: 0.8", "levels: [{margin: 1}]"), "sampler 'hmc' cannot be restricted to a set of links"),
            (JOB.replace("power: 0.8", "powr: 0.8"), "unknown key 'powr'"),
            (FLOWS.replace("steps: 2,", "steps: 3,"), "rex.way.steps: replicas on every so many rungs: expected a divisor of 4"),
            (FLOWS.replace("steps: 2,", "steps: 2, power: 0.7,"), "rex.way.power: with flows a way stops on the rungs of the ladder"),
            (FLOWS.replace("flow: snf}", "flow: sfn}"), "did you mean 'snf'"),
            (FLOWS.replace("way: {", "flow: snf, way: {"), "not by both"),
            (JOB.replace("steps: 1500", "steps: 1000000000"), "more than 2^32 sampler steps"),
        ):
            self.write("job.yaml", wrong)
            self.bad(("run", "job.yaml", "--out", "out"), words)


if __name__ == "__main__":
    program.main()
