"""The group and the sampler of the examples in a job, which do not know their names: G(p) of the free theory."""
import math

import program
from program import Case

# S = sum_p (m^2 + phat^2) |phi_p|^2, without factors of 1/2.
JOB = """\
job: free
seed: 5
lattice: [8, 4]
theory: {kind: phi4, form: m2, m2: 0.5, lambda: 0}
metropolis: {chains: 64, thermalise: 200, steps: 1000}
measure: {propagator: }
expect: {"propagator[4]": {value: 0.1111111111111111, source: 1/(2 (0.5 + 4))}}
"""


class Propagator(Case):
    def test_listed(self):
        self.assertIn("propagator: propagator of a real scalar field in momentum space (only if section measure", self.good("list", "observables"))
        self.assertIn("metropolis: Metropolis updates of real fields", self.good("list", "samplers"))
        self.assertIn("metropolis: ", self.good("list", "methods"))
        self.assertIn("tails: weight of the tails", self.good("list", "layers"))

    def test_free_theory(self):
        self.write("job.yaml", JOB)
        self.good("run", "job.yaml", "--out", "out", "--quiet")
        found = self.results("out")
        self.assertEqual(found["warnings"], [])
        results = {r["name"]: r for r in found["results"]}
        for k in range(5):
            exact = 1 / (2 * (0.5 + 4 * math.sin(math.pi * k / 8) ** 2))
            r = results[f"metropolis.propagator[{k}]"]
            self.assertLess(r["error"], 0.02 * exact)
            self.assertLess(abs(r["value"] - exact), 4 * r["error"], k)
        self.assertEqual(results["metropolis.propagator[4]"]["expected"]["value"], 1 / 9)
        self.assertAlmostEqual(results["metropolis.propagator[0]"]["value"], results["metropolis.chi2"]["value"], delta=1e-12)
        page = (self.dir / "out/report.html").read_text()
        self.assertRegex(page, r"<h4>Propagator</h4>(?s:.*?)Propagator G\(p\) = ⟨")
        self.assertIn("For chi2 (two-point susceptibility V ⟨m²⟩) Metropolis gives", page)

    def test_wrong_theory(self):
        self.write("job.yaml", JOB.replace("kind: phi4, form: m2, m2: 0.5, lambda: 0", "kind: ising, beta: 0.4"))
        self.bad(["run", "job.yaml"], "job.yaml:5: metropolis: sampler 'metropolis' does not fit theory 'ising'")


if __name__ == "__main__":
    program.main()
