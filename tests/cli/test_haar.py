"""Walks from Haar's measure by flows of links: U(1) on 4 x 4, of which everything is known."""
import math
import shutil

import program
from program import Case

BETA, WEAK, SITES = 3.0, 1.2, 16

JOB = f"""\
job: haar
seed: 3
lattice: [4, 4]
theory: {{kind: u1, beta: {BETA}}}
ladder: {{from: {{beta: 0}}, rungs: 2}}
snf: {{sampler: heatbath, heatbath: 1, overrelax: 0, particles: 64, walks: 40, thermalise: 1, every: 1, tuning: 0, mutations: 0, FLOW}}
"""
SNAKE = f"pimh: true, flow: {{layers: [{{kind: snake, beta: {BETA}}}]}}"

MODEL = f"""\
job: haar
seed: 5
lattice: [4, 4]
theory: {{kind: u1, beta: {BETA}}}
model: {{layers: [{{kind: snake, beta: {BETA}}}]}}
nis: {{samples: 4096}}
nmcmc: {{chains: 16, thermalise: 16, steps: 256}}
"""

# Flows that another section fits, with and without sampler steps after each of them.
FITTED = f"""\
job: haar
seed: 4
lattice: [4, 4]
theory: {{kind: u1, beta: {WEAK}}}
ladder: {{from: {{beta: 0}}, rungs: 9}}
least_squares: {{sampler: heatbath, flow: {{layers: [{{kind: residual}}]}}, chains: 16, thermalise: 20, steps: 40}}
snf: {{sampler: heatbath, particles: 64, walks: 40, thermalise: 2, every: 1, tuning: 0, mutations: 0, flow: least_squares}}
craft: {{sampler: heatbath, particles: 64, walks: 40, thermalise: 2, every: 1, tuning: 0, flow: least_squares}}
"""


def exact(beta):
    """ln Z, <cos P> and <Q^2> from Z(theta) = sum_n c_n(theta)^V, Q = sum arg P/(2 pi)."""
    points = [2 * math.pi * (i + 0.5) / 400 - math.pi for i in range(400)]
    z = cosine = charge = 0
    for n in range(-12, 13):
        # c_n and its first two derivatives by theta at 0; its mean cosine
        c = c_cos = c2 = c1 = 0
        for p in points:
            w = math.exp(beta * math.cos(p)) / 400
            c += w * math.cos(n * p)
            c_cos += w * math.cos(n * p) * math.cos(p)
            c1 += w * p / (2 * math.pi) * math.sin(n * p)  # d/dtheta of Re e^{i (theta/(2 pi) - n) p}
            c2 -= w * (p / (2 * math.pi)) ** 2 * math.cos(n * p)
        z += c**SITES
        cosine += c ** (SITES - 1) * c_cos
        charge -= SITES * c ** (SITES - 1) * c2 + SITES * (SITES - 1) * c ** (SITES - 2) * c1**2
    return math.log(z), cosine / z, charge / z


class Haar(Case):
    def check(self, values, section, beta):
        for name, value in zip(("lnZ", "plaquette", "q2"), exact(beta)):
            r = values[f"{section}.{name}"]
            self.assertLess(abs(r["value"] - value), 4.5 * r["error"], (section, r, value))

    def ran_with(self, threads, *fewer):
        self.good("run", "job.yaml", "--out", "out", "--threads", threads, *(word for key in fewer for word in ("--set", key)))
        found = self.results("out")
        shutil.rmtree(self.dir / "out")
        return found

    def ran(self, job, *fewer):
        """Values of a run; with fewer steps, which is enough for bits to differ, it is the same with one thread and two."""
        self.write("job.yaml", job)
        self.assertEqual(self.ran_with(1, *fewer), self.ran_with(2, *fewer))
        return {r["name"]: r for r in self.ran_with(1)["results"]}

    def test_weights_are_exact_whatever_the_flow_is_made_for(self):
        good = self.ran(JOB.replace("FLOW", SNAKE), "snf.walks=4")
        bad = self.ran(JOB.replace("FLOW", SNAKE.replace(f"beta: {BETA}", "beta: 1.2, far: 2")), "snf.walks=4")
        for values in (good, bad):
            self.check(values, "snf", BETA)
        self.assertGreater(good["snf.ess"]["value"], 0.97)
        self.assertLess(bad["snf.ess"]["value"], 0.5)
        self.assertGreater(good["snf.pimh.acceptance"]["value"], bad["snf.pimh.acceptance"]["value"])
        self.assertLess(abs(good["snf.pimh.q2"]["value"] - exact(BETA)[2]), 4.5 * good["snf.pimh.q2"]["error"])

    def test_models_of_links(self):
        values = self.ran(MODEL, "nis.samples=512", "nmcmc.steps=32")
        ln_z, plaquette, q2 = exact(BETA)
        for name, value in (("nis.plaquette", plaquette), ("nis.q2", q2), ("nmcmc.plaquette", plaquette), ("nmcmc.q2", q2), ("lnZ", ln_z)):
            r = values[name]
            self.assertLess(abs(r["value"] - value), 4.5 * r["error"], (name, r, value))
        self.assertGreater(values["nmcmc.acceptance"]["value"], 0.9)

    def test_flows_of_another_section(self):
        values = self.ran(FITTED, "snf.walks=4", "craft.walks=4")
        for section in ("snf", "craft"):
            self.check(values, section, WEAK)
        bare = self.ran(FITTED.replace("mutations: 0, flow: least_squares}", "mutations: 0}").replace("snf:", "ais:"), "ais.walks=4", "craft.walks=4")
        self.check(bare, "craft", WEAK)
        self.assertGreater(values["snf.ess"]["value"], 5 * bare["ais.ess"]["value"])

    def test_refusals(self):
        for job, words in (
            (FITTED.replace("flow: least_squares", "flow: none"), "expected layers, or a section with flows between rungs"),
            (FITTED.replace("flow: least_squares", "flow: least_squars"), "did you mean 'least_squares'"),
            (JOB.replace("FLOW", "flow: least_squares"), "snf.flow: "),
            (JOB.replace("FLOW", SNAKE + ", train: {steps: 5}"), "layer 'snake' has no derivatives to train flows by"),
            (JOB.replace("[4, 4]", "[4, 4, 4]").replace("FLOW", SNAKE), "layer 'snake' is for two dimensions"),
            (FITTED.replace("kind: residual", "kind: snake"), "layer 'snake' has no gradients of single configurations"),
        ):
            self.write("job.yaml", job)
            self.bad(("run", "job.yaml", "--out", "out"), words)


if __name__ == "__main__":
    program.main()
