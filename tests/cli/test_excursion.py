"""Excursions: the free field on 4 x 4 and U(1) on 6 x 6, of which everything is known; threads, resumption and refusals."""
import math

import program
import test_resume
from program import Case
from test_way import phi2

FREE = """\
job: away
seed: 5
lattice: [4, 4]
theory: {kind: phi4, form: kappa, kappa: 0.22, lambda: 0}
excursion: {sampler: hmc, chains: 48, thermalise: 200, steps: 1000, from: {kappa: 0.12}, way: {steps: 4, power: 0.8}, dwell: {steps: 2}}
"""

# Topology that local updates hardly change.
LINKS = """\
job: sectors
seed: 6
lattice: [6, 6]
theory: {kind: u1, form: defect, beta: 6, factor: 1, edge_1: 1}
excursion:
  sampler: heatbath
  chains: 64
  thermalise: 100
  steps: 400
  heatbath: 1
  overrelax: 1
  from: {factor: 0}
  each: 2
  way: {steps: 8, power: 0.7, levels: [{hops: 2}]}
  dwell: {steps: 4, hops: 2}
"""

# Every step is a segment of the store.
RESUMED = """\
job: resumed
seed: 7
checkpoint: 0.5
lattice: [4, 4]
theory: {kind: u1, form: defect, beta: 2, factor: 1, edge_1: 1}
heatbath: {chains: 16, thermalise: 2, steps: 6}
excursion: {sampler: heatbath, chains: 20, thermalise: 2, steps: 6, every: 2, keep: 20, from: {factor: 0}, way: {steps: 3, levels: [{hops: 1}]}, dwell: {steps: 1}}
"""


def mean_charge2(beta, volume):
    """<Q^2> on a torus of so many plaquettes: their angles are independent but for a sum of 2 pi Q (plaquette angles in
    (-pi, pi]): P(Q) is the density of the sum of volume angles at 2 pi Q."""
    n = 4000
    angle = [-math.pi + 2 * math.pi * (k + 0.5) / n for k in range(n)]
    weight = [math.exp(beta * (math.cos(a) - 1)) for a in angle]
    total = sum(weight)

    def density(q):  # by the characteristic function, real and even
        step, out, m = 0.02, 0.0, 0
        while True:
            t = (m + 0.5) * step
            f = sum(w * math.cos(t * a) for a, w in zip(angle, weight)) / total
            if m > 10 and abs(f) < 0.7:
                return out
            out += f ** volume * math.cos(2 * math.pi * q * t) * step
            m += 1

    p = [density(q) for q in range(5)]
    return 2 * sum(q * q * p[q] for q in range(1, 5)) / (p[0] + 2 * sum(p[1:]))


class Excursion(Case):
    def values(self, job, *options):
        self.write("job.yaml", job)
        self.good("run", "job.yaml", "--out", "out", "--quiet", *options)
        return {r["name"]: r for r in self.results("out")["results"]}

    def test_free_field_for_any_number_of_threads(self):
        found = []
        for threads in ("1", "2"):
            self.write("job.yaml", FREE)
            self.good("run", "job.yaml", "--out", threads, "--threads", threads)
            found.append(self.results(threads))
        self.assertEqual(*found)
        values = {r["name"]: r for r in found[0]["results"]}
        r = values["excursion.phi2"]
        self.assertLess(abs(r["value"] - phi2(0.22)), 4.5 * r["error"], r)
        self.assertLess(r["error"], 0.01 * r["value"])
        self.assertTrue(0.3 < values["excursion.acceptance"]["value"] < 0.99)

    def test_sectors(self):
        values = self.values(LINKS)
        exact = mean_charge2(6, 36)
        r = values["excursion.q2"]
        self.assertLess(abs(r["value"] - exact), 4.5 * r["error"], (r, exact))
        self.assertLess(r["error"], 0.1 * exact)
        self.assertLess(r["tau_int"], 10)  # of local updates: hundreds of steps

    def test_refusals(self):
        for wrong, words in (
            (FREE.replace(", way: {steps: 4, power: 0.8}", ""), "job.yaml:5: excursion: missing key 'way'"),
            (FREE.replace("from: {kappa: 0.12}, ", ""), "job.yaml:5: excursion: missing key 'from'"),
            (FREE.replace("dwell: {steps: 2}", "dwell: {steps: 2, hops: 1}"), "sampler 'hmc' cannot be restricted to a set of links"),
            (FREE.replace("power: 0.8", "flow: snf"), "unknown key 'flow'"),
            (FREE.replace("kappa: 0.12", "kapa: 0.12"), "did you mean 'kappa'"),
            (FREE.replace("dwell: {steps: 2}", "translate: 3"), "excursion.translate"),
            (LINKS.replace("factor: 1,", "factor: 0.5,").replace("  each: 2\n", "  each: 2\n  translate: true\n"), "cannot be translated"),
            (FREE.replace("steps: 1000", "steps: 1000000000"), "more than 2^32 sampler steps"),
        ):
            self.assertNotIn(wrong, (FREE, LINKS))
            self.write("job.yaml", wrong)
            self.bad(("run", "job.yaml", "--out", "out"), words)


class Resume(test_resume.Resume):
    job, stages = RESUMED, ("heatbath", "excursion")


if __name__ == "__main__":
    program.main()
