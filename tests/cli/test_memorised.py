"""Forward KL on few configurations: what a flow learned by heart is measured on those that it never saw, and said."""
import unittest

import program
from program import Case

JOB = """\
job: memory
lattice: [4, 4]
theory: {kind: phi4, form: m2, m2: -2, lambda: 1}
model: {layers: [{kind: affine, repeat: 6, net: {kind: dense, hidden: [32]}}]}
hmc: {chains: 16, thermalise: 200, steps: 4000, keep: KEEP}
train: {loss: forward_kl, data: hmc, batch: 128, steps: 800, rate: 0.005}
forward: {data: hmc}
"""


class Memory(Case):
    def run_with(self, keep, job=JOB):
        self.write("job.yaml", job.replace("KEEP", str(keep)))
        self.good("run", "job.yaml", "--out", f"out{keep}", "--quiet")
        found = self.results(f"out{keep}")
        gap = next((r for r in found["results"] if r["name"] == "forward.train_gap"), None)
        return gap, [w for w in found["warnings"] if "by heart" in w]

    def test_few_configurations(self):
        gap, warnings = self.run_with(320)
        self.assertGreater(gap["value"], 5 * gap["error"])
        self.assertEqual(len(warnings), 1)
        self.assertIn("learned its 160 samples by heart", warnings[0])

    def test_many_configurations(self):
        gap, warnings = self.run_with(32000)
        self.assertLess(abs(gap["value"]), 0.1)
        self.assertEqual(warnings, [])

    def test_nobody_judges(self):
        gap, warnings = self.run_with(320, JOB.replace("forward: {data: hmc}", "nis: {samples: 100}"))
        self.assertIsNone(gap)
        self.assertIn("a section 'forward' on the same data", warnings[0])


class Diverged(Case):
    def test_loss_that_rose(self):
        self.write("job.yaml", "job: diverged\nlattice: [4, 4]\ntheory: {kind: phi4, form: m2, m2: -1, lambda: 2}\n"
                               "model: {prior: {kind: normal, sigma: 0.5}, layers: [{kind: affine, repeat: 4, net: {hidden: [4]}}]}\n"
                               "train: {steps: 200, batch: 64, warmup: 10}\n")
        for rate, diverged in ((0.01, False), (0.3, True)):
            self.good("run", "job.yaml", "--out", f"out{rate}", "--quiet", "--set", f"train.rate={rate}")
            found = [w for w in self.results(f"out{rate}")["warnings"] if "training diverged" in w]
            self.assertEqual(len(found), diverged, rate)


if __name__ == "__main__":
    program.main()
