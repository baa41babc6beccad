"""Walks, replicas and chains of walks as jobs, against integrals and sums done here: two sites of phi^4, nine spins."""
import itertools
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
walk: {{moves: [mutate, transport, mutate, retarget, resample, mutate], {WALK}, {FLOW}}}
rex: {{chains: 32, steps: 2000, flow: craft}}
"""

RUNGS = """\
job: rungs
seed: 5
rex: {sampler: SAMPLER, chains: 64, thermalise: 50, steps: 2000, measure: all}
"""


def action(kappa, lam, a, b):
    """Of two periodic sites, which have two bonds."""
    return -4 * kappa * a * b + (1 - 2 * lam) * (a * a + b * b) + lam * (a**4 + b**4)


def mean(kappa, lam, f, n=200, end=4.5):
    """Z and the mean of f(x, y) over two sites; Simpson's rule."""
    h = 2 * end / n
    weight = [h / 3 * (1 if i in (0, n) else 4 if i % 2 else 2) for i in range(n + 1)]
    x = [-end + h * i for i in range(n + 1)]
    points = [(a, b, p * q * math.exp(-action(kappa, lam, a, b))) for p, a in zip(weight, x) for q, b in zip(weight, x)]
    z = sum(w for _, _, w in points)
    return z, sum(w * f(a, b) for a, b, w in points) / z


def phi2(a, b):
    return 0.5 * (a * a + b * b)


def nine_spins(beta, field):
    """Energy per site and specific heat on 3 x 3, by enumeration."""
    z = first = second = 0
    for s in itertools.product((1, -1), repeat=9):
        bonds = sum(s[3 * i + j] * (s[3 * ((i + 1) % 3) + j] + s[3 * i + (j + 1) % 3]) for i in range(3) for j in range(3))
        e = -bonds - field * sum(s)
        w = math.exp(-beta * e)
        z, first, second = z + w, first + w * e, second + w * e * e
    return first / z / 9, beta**2 * (second / z - (first / z) ** 2) / 9


class Exact(Case):
    def found(self, job):
        self.write("job.yaml", job)
        self.good("run", "job.yaml", "--out", "out")
        return {r["name"]: r for r in self.results("out")["results"]}

    def check(self, result, known, at_most):
        with self.subTest(name=result["name"]):
            self.assertLess(result["error"], at_most * abs(known))
            self.assertLess(abs(result["value"] - known), 4 * result["error"], f"{result['value']} +- {result['error']}, exact {known}")


class Walks(Exact):
    def test_against_integrals(self):
        z, mean_phi2 = mean(KAPPA, LAMBDA, phi2)
        ln_z = math.log(z / mean(0, 0.3, phi2)[0])
        found = self.found(WALKS)
        for method in ("ais", "smc", "snf", "craft", "walk"):
            self.check(found[f"{method}.lnZ_ratio"], ln_z, 0.02)
            self.check(found[f"{method}.phi2"], mean_phi2, 0.02)
        for chain in ("smc.pimh", "craft.pimh", "rex"):
            self.check(found[f"{chain}.phi2"], mean_phi2, 0.02)
        self.assertGreater(found["craft.ess"]["value"], 1.05 * found["smc.ess"]["value"])
        self.assertLess(found["smc.pimh.acceptance"]["value"], 0.95)


class Rungs(Exact):
    """Quantities that couplings go into are those of the rung where they were measured."""

    def test_action(self):
        found = self.found(RUNGS.replace("SAMPLER", "hmc") + f"theory: {{kind: phi4, form: kappa, kappa: {KAPPA}, lambda: {LAMBDA}}}\n"
                           "lattice: [2]\nladder: {from: {kappa: 0, lambda: 0.3}, rungs: 3}\n")
        for t, rung in ((0, "rex.rung0"), (0.5, "rex.rung1"), (1, "rex")):
            at = (t * KAPPA, 0.3 + t * (LAMBDA - 0.3))
            self.check(found[f"{rung}.energy"], 0.5 * mean(*at, lambda a, b: action(*at, a, b))[1], 0.03)

    def test_energy_and_heat_of_spins(self):
        last = nine_spins(0.4, 0.1)[0]
        found = self.found(RUNGS.replace("SAMPLER", "spinflip") + "theory: {kind: ising, beta: 0.4, h: 0.1}\nlattice: [3, 3]\n"
                           "ladder: {from: {beta: 0.1, h: 0.7}, rungs: 3}\n"
                           f"expect: {{energy: {{value: {last}}}}}\n")
        for t, rung in ((0, "rex.rung0"), (0.5, "rex.rung1"), (1, "rex")):
            energy, heat = nine_spins(0.1 + 0.3 * t, 0.7 - 0.6 * t)
            self.check(found[f"{rung}.energy"], energy, 0.02)
            self.check(found[f"{rung}.specific_heat"], heat, 0.02)
        self.assertEqual([name for name, r in found.items() if "expected" in r], ["rex.energy"])


class Doubtful(Case):
    def test_weights_of_integrals_are_warned_of(self):
        """Nothing in a walk measures how far the Jacobians of a continuous flow are off; those of other layers are exact."""
        job = ("job: doubt\nseed: 1\nlattice: [4, 4]\ntheory: {kind: phi4, form: m2, m2: -1, lambda: 2}\nladder: {from: {m2: 1, lambda: 0}, rungs: 3}\n"
               "craft: {sampler: hmc, particles: 64, walks: 20, flow: {layers: [LAYER]}, train: {steps: 2, batch: 64}}\n")
        for layer, warned in (("{kind: continuous, steps: 3, features: 4, harmonics: 4, range: 2}", True), ("{kind: scale}", False)):
            self.write("job.yaml", job.replace("LAYER", layer))
            self.good("run", "job.yaml", "--out", f"out-{warned}", "--quiet")
            found = [w for w in self.results(f"out-{warned}")["warnings"] if "|det J| of layer 'continuous' is an integral" in str(w)]
            self.assertEqual(len(found), warned)


if __name__ == "__main__":
    program.main()
