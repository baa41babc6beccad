"""Independence Metropolis with a bad model: what its chains find does not depend on where they began. A free field on 2x2, of which
all is known, from proposals three times too wide; scores (value - exact)/error over independent seeds."""
import json
import math

import program
from program import Case

# Of a hundred proposals three or four are accepted. Chains of the case `at_once` are measured from their first proposal on.
JOB = """\
job: bad
lattice: [2, 2]
theory: {kind: phi4, form: kappa, kappa: 0.1, lambda: 0}
model: {prior: {sigma: 2.5}, layers: [{kind: scale}]}
hmc: {chains: 40, thermalise: 100, steps: 20, keep: 80}
nmcmc: {chains: 64}
cases:
  at_once: {nmcmc: {thermalise: 0}}
  later: {nmcmc: {start: model}}
  data: {nmcmc: {start: data}}
"""

ENERGIES = [1 - 0.2 * (math.cos(math.pi * a) + math.cos(math.pi * b)) for a in range(2) for b in range(2)]
EXACT = {"phi2": sum(0.5 / e for e in ENERGIES) / 4, "chi2": 0.5 / ENERGIES[0]}


class BadModel(Case):
    seeds, steps, rms = 10, 800, (0.4, 2)

    def scores(self):
        """{(case, quantity): scores of all seeds}, and the mean acceptance."""
        self.write("job.yaml", JOB)
        z, acceptance = {}, []
        for seed in range(self.seeds):
            self.good("run", "job.yaml", "--out", seed, "--seed", seed, "--threads", 1, "--set", f"nmcmc.steps={self.steps}")
            for result in json.loads((self.dir / str(seed) / "results.json").read_text())["results"]:
                case, method, quantity = result["name"].split(".", 2)
                if method == "nmcmc" and quantity in EXACT:
                    z.setdefault((case, quantity), []).append((result["value"] - EXACT[quantity]) / result["error"])
                if method == "nmcmc" and quantity == "acceptance":
                    acceptance.append(result["value"])
        return z, sum(acceptance) / len(acceptance)

    def test_starts(self):
        z, acceptance = self.scores()
        self.assertTrue(0.02 < acceptance < 0.05, acceptance)
        for (case, quantity), scores in z.items():
            mean, rms = sum(scores) / self.seeds ** 0.5, (sum(s * s for s in scores) / self.seeds) ** 0.5
            print(f"  {case} {quantity}: mean score {mean:+.2f} of its own error, rms {rms:.2f}")
            if case == "at_once":
                self.assertGreater(mean, 4)
            else:
                self.assertLess(abs(mean), 4)
                self.assertTrue(self.rms[0] < rms < self.rms[1], rms)


if __name__ == "__main__":
    program.main()
