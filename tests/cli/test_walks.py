"""Walks, replicas and chains of walks as jobs, against integrals done here: two sites of phi^4."""
import math
import unittest

import program
from program import Case

KAPPA, LAMBDA = 0.35, 0.6

FLOW = "flow: {layers: [{kind: affine, repeat: 2, net: {hidden: [4]}}]}, train: {steps: 20, batch: 32, rate: 0.02}"
WALK = "particles: 8, walks: 3000, thermalise: 50, every: 2"
WALKS = f"""\
job: walks
seed: 11
lattice: [2]
theory: {{kind: phi4, form: kappa, kappa: {KAPPA}, lambda: {LAMBDA}}}
ladder: {{from: {{kappa: 0, lambda: 0.3}}, rungs: 3}}
ais: {{{WALK}}}
smc: {{{WALK}, pimh: true}}
snf: {{{WALK}, {FLOW}}}
craft: {{{WALK}, pimh: true, {FLOW}}}
walk: {{stages: [mutate, transport, mutate, retarget, resample, mutate], {WALK}, {FLOW}}}
rex: {{chains: 32, steps: 2000, flow: craft}}
"""


def exact(kappa, lam, power, n=400, end=4.5):
    """Integral of (x^2 + y^2)/2 to the power over two periodic sites, which have two bonds; Simpson's rule."""
    h = 2 * end / n
    weight = [h / 3 * (1 if i in (0, n) else 4 if i % 2 else 2) for i in range(n + 1)]
    x = [-end + h * i for i in range(n + 1)]
    single = [w * math.exp(-(1 - 2 * lam) * a * a - lam * a**4) for w, a in zip(weight, x)]
    return sum(p * q * math.exp(4 * kappa * a * b) * (0.5 * (a * a + b * b)) ** power
               for p, a in zip(single, x) for q, b in zip(single, x))


class Walks(Case):
    def test_against_integrals(self):
        ln_z = math.log(exact(KAPPA, LAMBDA, 0) / exact(0, 0.3, 0))
        phi2 = exact(KAPPA, LAMBDA, 1) / exact(KAPPA, LAMBDA, 0)
        self.write("job.yaml", WALKS)
        self.good("run", "job.yaml", "--out", "out")
        found = {r["name"]: r for r in self.results("out")["results"]}
        for method in ("ais", "smc", "snf", "craft", "walk"):
            self.check(found[f"{method}.lnZ_ratio"], ln_z, 0.02)
            self.check(found[f"{method}.phi2"], phi2, 0.02)
        for chain in ("smc.pimh", "craft.pimh", "rex"):
            self.check(found[f"{chain}.phi2"], phi2, 0.02)
        self.assertGreater(found["craft.ess"]["value"], 1.05 * found["smc.ess"]["value"])
        self.assertLess(found["smc.pimh.acceptance"]["value"], 0.95)

    def check(self, result, known, at_most):
        with self.subTest(name=result["name"]):
            self.assertLess(result["error"], at_most * known)
            self.assertLess(abs(result["value"] - known), 4 * result["error"], f"{result['value']} +- {result['error']}, exact {known}")


if __name__ == "__main__":
    program.main()
