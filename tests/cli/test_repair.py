"""Replica exchange through flows that repair a defect: two-dimensional U(1), whose partition functions are known with open links and
without them."""
import math

import program
from program import Case

JOB = """\
job: repair
seed: 3
lattice: [8, 8]
theory: {kind: u1, form: defect, beta: 5, factor: 1, edge_1: 2}
ladder: {from: {factor: 0}, rungs: 5}
least_squares: {flow: {layers: [{kind: repair}]}, sampler: heatbath, chains: 16, thermalise: 50, steps: 40, every: 2}
rex: {sampler: heatbath, chains: 32, thermalise: 50, steps: 200, measure: all, way: {steps: 4, flow: least_squares, levels: [{hops: 1}]}}
"""
ALONE = JOB.replace("levels: [{hops: 1}]", "mutations: 0")


def bessel(n, x):
    """I_n(x), the mean of e^(x cos t) cos nt."""
    return sum(math.exp(x * math.cos(2 * math.pi * k / 400)) * math.cos(2 * math.pi * n * k / 400) for k in range(400)) / 400


def ln_ratio(beta, volume, open_plaquettes):
    """ln Z(closed)/Z(open) = ln [sum_n I_n^V / I_0^(V - open)]: where a plaquette has no coupling the charge is not conserved."""
    of = [bessel(n, beta) for n in range(12)]
    return math.log(sum((of[n] / of[0]) ** volume * (2 if n > 0 else 1) for n in range(12))) + open_plaquettes * math.log(of[0])


class Repair(Case):
    def test_exact_ratio(self):
        """Two links that are side by side open three plaquettes."""
        K = []
        for out, job in (("relaxed", JOB), ("alone", ALONE)):
            self.write("job.yaml", job)
            self.good("run", "job.yaml", "--out", out)
            values = {r["name"]: r for r in self.results(out)["results"]}
            r = values["rex.lnZ_ratio"]
            self.assertLess(abs(r["value"] - ln_ratio(5, 64, 3)), 4.5 * r["error"], r)
            self.assertLess(r["error"], 0.05)
            K.append(values["rex.K[0]"])
        self.assertLess(K[0]["value"] + 10 * K[0]["error"], K[1]["value"])

    def test_one_ladder_on_a_patch(self):
        """A chain alone is cut into sub-lattices: it goes on a copy of the links near the defect."""
        self.write("job.yaml", JOB.replace("chains: 32", "chains: 1").replace("steps: 200", "steps: 400"))
        self.good("run", "job.yaml", "--out", "out")
        r = {r["name"]: r for r in self.results("out")["results"]}["rex.lnZ_ratio"]
        self.assertLess(abs(r["value"] - ln_ratio(5, 64, 3)), 4.5 * r["error"], r)

    def test_refusals(self):
        for wrong, words in (
            (JOB.replace("form: defect, beta: 5, factor: 1, edge_1: 2", "beta: 5").replace("factor: 0", "beta: 4"),
             "needs a theory with a defect"),
            (JOB.replace("{kind: repair}", "{kind: repair, edge_1: 3}"), "that of the theory's defect is 2"),
            (JOB.replace("{kind: repair}", "{kind: repair, hops: 9}"), "hops"),
            (JOB.replace("{kind: repair}", "{kind: repair, staples: thick}"), "staples"),
        ):
            self.write("job.yaml", wrong)
            self.bad(("run", "job.yaml", "--out", "out"), words)


if __name__ == "__main__":
    program.main()
