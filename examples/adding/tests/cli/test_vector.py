"""The theory of the examples in a job, which does not know its name: N fields without coupling, and what is for one."""
import math

import program
from program import Case

JOB = """\
job: vector
seed: 3
lattice: [6, 4]
theory: {kind: vector, n: 3, m2: 0.5, lambda: 0}
hmc: {chains: 64, thermalise: 200, steps: 600, keep: 100}
cluster: {chains: 64, thermalise: 200, steps: 600}
chain: {chains: 64, thermalise: 100, steps: 200, nodes: 6}
expect: {chi2: {value: 3, source: 3/(2 m2)}, energy: {value: 1.5, source: equipartition}}
"""


class Vector(Case):
    def test_listed(self):
        self.assertIn("vector: O(N) symmetric phi^4 theory", self.good("list", "theories"))

    def test_free_theory(self):
        self.write("job.yaml", JOB)
        self.good("run", "job.yaml", "--out", "out", "--quiet")
        results = {r["name"]: r for r in self.results("out")["results"]}
        for method in ("hmc", "cluster"):
            for name, exact in (("chi2", 3), ("energy", 1.5), ("binder", 0)):
                r = results[f"{method}.{name}"]
                self.assertLess(abs(r["value"] - exact), 4 * r["error"], (method, name))
        lnz = 1.5 * sum(math.log(math.pi / (0.5 + 4 * math.sin(math.pi * k / 6) ** 2 + 4 * math.sin(math.pi * l / 4) ** 2))
                        for k in range(6) for l in range(4))
        r = results["F_chain"]
        self.assertLess(abs(r["value"] + lnz), 4 * r["error"])
        self.assertLess(r["error"], 0.05)
        self.assertIn("O(N) symmetric φ⁴ theory", (self.dir / "out/report.html").read_text())

    def test_refusals(self):
        for line, words in (
            ("theory: {kind: vector, n: 0, m2: 0.5, lambda: 0}", "job.yaml:4: theory.n: must lie in [1, 64], found '0'"),
            ("theory: {kind: vector, n: 1.5, m2: 0.5, lambda: 0}", "job.yaml:4: theory.n: "),
            ("theory: {kind: vector, n: 3, m2: -0.5, lambda: 0}", "with lambda = 0 m2 must be positive"),
        ):
            self.write("job.yaml", JOB.replace("theory: {kind: vector, n: 3, m2: 0.5, lambda: 0}", line))
            self.bad(["run", "job.yaml"], words)
        model = "model: {layers: [{kind: scale}]}\ntrain: {steps: 5}\n"
        self.write("job.yaml", JOB + model)
        self.bad(["run", "job.yaml"], "models move one real per site, and theory 'vector' has 3")
        self.write("job.yaml", JOB + "ladder: {from: {n: 2}, rungs: 3}\nrex: {sampler: hmc}\n")
        self.bad(["run", "job.yaml"], "n: expected 3, as in section 'theory', found 2")
        self.write("job.yaml", JOB + "metropolis: {chains: 16}\n")
        self.bad(["run", "job.yaml"], "metropolis: sampler 'metropolis' does not fit theory 'vector'")


if __name__ == "__main__":
    program.main()
