"""Autoregressive models as jobs: importance sampling and Metropolis with any of them, trained or not, against sums over all
configurations of small lattices, done here."""
import itertools
import math
import unittest

import program
from program import Case

BETA, FIELD = 0.35, 0.2

MODELS = {
    "pixelcnn": "{kind: pixelcnn, hidden: [8, 8], kernel: 3, gated: true, residual: true}",
    "made": "{kind: made, hidden: [2], activation: leaky_relu}",
    "frontier": "{kind: frontier, hidden: [8, 8]}",
    "hierarchical": "{kind: hierarchical, hidden: [8], mixture: {point_group: true}}",
    "untrained": "{kind: made, hidden: [2]}",
}

JOB = f"""\
job: spins
seed: 2
lattice: [3, 4]
theory: {{kind: ising, beta: {BETA}, h: {FIELD}}}
cluster: {{chains: 32, thermalise: 50, steps: 400, keep: 3200}}
train: {{batch: 128, steps: 150, warmup: 10, rate: 0.01}}
nis: {{samples: 20000}}
nmcmc: {{chains: 32, steps: 1000}}
forward: {{data: cluster}}
cases:
""" + "".join(f"  {name}: {{model: {model}{', train: {steps: 0}' if name == 'untrained' else ''}}}\n" for name, model in MODELS.items())

FORWARD_KL = """\
job: data
seed: 2
lattice: [4, 4]
theory: {kind: ising, beta: 0.5}
model: {kind: frontier, hidden: [8], mixture: {mirror: true, shifts: 2}}
cluster: {chains: 32, thermalise: 50, steps: 1000, keep: 16000}
train: {loss: forward_kl, batch: 128, steps: 300, warmup: 10, rate: 0.02}
nis: {samples: 20000}
forward: {data: cluster}
"""


def exact(rows, columns, beta, field):
    """ln Z, energy and entropy per site, <m>, by summing over all configurations."""
    n = rows * columns
    weights, energies, spins = [], [], []
    for s in itertools.product((1, -1), repeat=n):
        at = lambda i, j: s[i % rows * columns + j % columns]
        e = -sum(at(i, j) * (at(i + 1, j) + at(i, j + 1)) for i in range(rows) for j in range(columns)) - field * sum(s)
        energies.append(e)
        spins.append(sum(s) / n)
        weights.append(math.exp(-beta * e))
    z = math.fsum(weights)
    energy = math.fsum(w * e for w, e in zip(weights, energies)) / z
    return {"lnZ": math.log(z), "energy": energy / n, "entropy": (math.log(z) + beta * energy) / n,
            "m": math.fsum(w * m for w, m in zip(weights, spins)) / z}


class Exact(Case):
    def run_job(self, job):
        self.write("job.yaml", job)
        self.good("run", "job.yaml", "--out", "out")
        return self.results("out")

    def check(self, results, known, at_most):
        """Every result of a known quantity."""
        seen = set()
        for r in results["results"]:
            quantity = r["name"].rsplit(".", 1)[-1]
            if quantity in known:
                seen.add(quantity)
                with self.subTest(name=r["name"]):
                    self.assertLess(r["error"], at_most)
                    self.assertLess(abs(r["value"] - known[quantity]), 4.5 * r["error"], f"{r['value']} +- {r['error']}, exact {known[quantity]}")
        self.assertEqual(seen, set(known))


class Models(Exact):
    def test_every_kind_is_exact(self):
        known = exact(3, 4, BETA, FIELD)
        found = self.run_job(JOB)
        self.check(found, known, 0.2)
        for name in MODELS:
            flow = found["cases"][name]["flow"]
            with self.subTest(case=name):
                (self.assertLess if name == "untrained" else self.assertGreater)(flow["ess"], 0.9)
                self.assertLess(abs(flow["w_hat"] - 1), 4 * flow["w_hat_error"] + 1e-3)

    def test_training_on_configurations(self):
        found = self.run_job(FORWARD_KL)
        self.check(found, exact(4, 4, 0.5, 0), 0.1)
        self.assertGreater(found["flow"]["ess"], 0.97)

    def test_what_it_is_called(self):
        self.write("job.yaml", FORWARD_KL)
        self.good("run", "job.yaml", "--out", "out")
        text = self.good("show", "out")
        self.assertIn("model     frontier with 8 hidden channels at each site, bonds in the logits, mean of 8 images, ", text)
        self.assertIn("training  forward KL, plain gradient, batch 128, 300 steps", text)
        self.assertIn("network   ESS ", text)


if __name__ == "__main__":
    program.main()
