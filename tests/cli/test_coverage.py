"""Section `forward`: the support of a model, the target's mass outside and what averages miss, of two Gaussians of one number, where all of it is
known: the target has the density of x^2/(2 s^2), s^2 = 1/2, the model that of x^2/(2 q^2), q = 0.6."""
import math

import program
from program import Case

JOB = """\
job: gaussians
seed: 5
lattice: [1, 1]
theory: {kind: phi4, form: kappa, kappa: 0, lambda: 0}
model:
  prior: {kind: normal, sigma: 0.6}
  layers: [{kind: scale}]
hmc: {chains: 64, thermalise: 50, steps: 2000, keep: 128000}
nis: {samples: 16}
forward: {data: hmc, threshold: 0.9}
"""
Q, S2, THRESHOLD = 0.6, 0.5, 0.9


def exact():
    """The support ends at the x where the model's density is THRESHOLD times the target's."""
    end = math.sqrt(math.log(math.sqrt(S2) / Q / THRESHOLD) / (0.5 / Q ** 2 - 0.5 / S2))
    outside, of_model = math.erfc(end / math.sqrt(2 * S2)), math.erfc(end / math.sqrt(2) / Q)
    density = math.exp(-end ** 2 / (2 * S2)) / math.sqrt(2 * math.pi * S2)
    within = S2 - 2 * S2 * end * density / (1 - outside)  # <x^2> inside
    ess = math.sqrt(2) * S2 / Q * math.sqrt(1 / S2 - 0.5 / Q ** 2)  # 1 over the integral of p^2/q
    return {"forward.outside": outside, "forward.outside_model": of_model, "forward.missed": (1 - of_model) ** 16,
            "forward.ess": ess}, S2 - within


class Coverage(Case):
    def test_gaussians(self):
        self.write("job.yaml", JOB)
        self.good("run", "job.yaml", "--out", "out")
        results = {r["name"]: r for r in self.results("out")["results"]}
        numbers, bias = exact()
        for name, value in numbers.items():
            r = results[name]
            self.assertLess(r["error"], 0.01, name)
            self.assertLess(abs(r["value"] - value), 4 * r["error"], name)
        # of phi, abs_m, phi2, ...: shells of the action are shells of x^2, so that the bound is as tight as they are thin
        bound = results["forward.bias_bound[2]"]
        self.assertIsNone(bound["error"])
        self.assertGreater(bound["value"], bias * 0.98)
        self.assertLess(bound["value"], bias * 1.5)
        nis, hmc = results["nis.phi2"], results["hmc.phi2"]
        self.assertAlmostEqual(results["forward.bias[2]"]["value"], nis["value"] - hmc["value"], 12)

    def test_whole_support(self):
        """Of a threshold below every ratio nothing is outside, and nothing is missed for sure."""
        self.write("job.yaml", JOB)
        self.good("run", "job.yaml", "--out", "out", "--set", "forward.threshold=1e-9")
        results = {r["name"]: r["value"] for r in self.results("out")["results"]}
        self.assertEqual([results["forward." + n] for n in ("outside", "outside_model", "missed", "bias_bound[2]")], [0, 0, 1, 0])
        self.bad(("run", "job.yaml", "--out", "bad", "--set", "forward.threshold=0"), "forward.threshold")


if __name__ == "__main__":
    program.main()
