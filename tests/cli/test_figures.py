"""What the report draws through the cases of a job (section figures), and the entropy of a free field, of which all is known."""
import math
import re

import program
from program import Case

FREE = """\
job: free
seed: 5
lattice: [4, 6]
theory: {kind: phi4, form: kappa, kappa: 0.1, lambda: 0}
model:
  prior: {kind: free, sigma: 2, mass2: 4.3}
  layers: [{kind: scale}]
hmc: {chains: 32, thermalise: 50, steps: 400}
train: {batch: 256, steps: 40, warmup: 5, rate: 0.02}
nis: {samples: 20000}
chain: {nodes: 6, chains: 32, thermalise: 50, steps: 100}
figures:
  - {title: Free energy, against: theory.kappa, of: [F_q_per_site, F_chain_per_site]}
  - {title: Entropy, against: theory.kappa, of: [nis.entropy, entropy_chain], cases: "*1?"}
  - {title: Correlator, against: theory.kappa, of: ["hmc.correlator[2]"], draw: error, log_y: true}
cases:
  a_10: {}
  a_15: {theory: {kappa: 0.15}, expect: {F_q_per_site: {value: 0.2, error: 0.1}}}
  b_10: {lattice: [4, 4]}
  b_12: {lattice: [4, 4], theory: {kappa: 0.12}}
"""


def free_lnz(kappa, extents):
    """S = sum over momenta of (1 - 2 kappa sum cos p) |phi_p|^2."""
    return sum(0.5 * math.log(math.pi / (1 - 2 * kappa * sum(math.cos(2 * math.pi * k / n) for k, n in zip(ks, extents))))
               for ks in ((i, j) for i in range(extents[0]) for j in range(extents[1])))


class Figures(Case):
    figures = True

    def setUp(self):
        super().setUp()
        self.write("job.yaml", FREE)

    def test_entropy_of_a_free_field(self):
        """<S> = V/2 of a Gaussian."""
        self.good("run", "job.yaml", "--out", "out")
        results = {r["name"]: r for r in self.results("out")["results"]}
        for case, kappa, extents in (("a_10", 0.1, (4, 6)), ("a_15", 0.15, (4, 6)), ("b_12", 0.12, (4, 4))):
            exact = 0.5 + free_lnz(kappa, extents) / (extents[0] * extents[1])
            for name in ("nis.entropy", "entropy_chain"):
                r = results[f"{case}.{name}"]
                self.assertLess(r["error"], 0.01, f"{case}.{name}")
                self.assertLess(abs(r["value"] - exact), 4.5 * r["error"], f"{case}.{name}")
        self.check_report((self.dir / "out/report.html").read_text())

    def check_report(self, html):
        """Both families and the exact free energies of both lattices in the first figure."""
        words = re.sub(r"\s+", " ", re.sub(r"<[^>]*>|&#215;", " ", html))
        for label in ("exact, 4 × 6", "exact, 4 × 4", "expected", "a: F_q_per_site", "b: F_chain_per_site", "a: HMC"):
            self.assertIn(label, words)
        self.assertNotIn("exact, 4 × 8", words)

    def bad_figure(self, figure, *parts):
        self.bad(("run", "job.yaml", "--out", "bad", "--set", f"figures=[{figure}]"), "figures", *parts)

    def test_bad_figures_are_refused(self):
        good = "title: T, against: theory.kappa"
        self.bad_figure(f"{{{good}}}", "missing key 'of'")
        self.bad_figure(f"{{{good}, of: []}}", "1 to 8 results")
        self.bad_figure(f"{{{good}, of: [F_q_per_sit]}}", "did you mean 'F_q_per_site'?")
        self.bad_figure(f"{{{good}, of: [nsi.chi2]}}", "did you mean 'nis'?")
        self.bad_figure(f"{{{good}, of: ['hmc.correlator[9]']}}", "entries [0] to [3]")
        self.bad_figure(f"{{{good}, of: [chi2], logy: true}}", "unknown key 'logy'", "did you mean 'log_y'?")
        self.bad_figure("{title: T, against: theory.kapa, of: [chi2]}", "theory.kapa")
        self.bad_figure("{title: T, against: kappa, of: [chi2]}", "theory.beta or chain.nodes")
        words = ("--set", "figures=[{title: T, against: theory.kind, of: [chi2]}]")
        self.bad(("run", "job.yaml", "--out", "bad", *words), "theory.kind: expected a number")
        self.bad(("run", "job.yaml", "--out", "bad", "--set", "figures={a: b}"), "figures")
        self.bad(("run", "job.yaml", "--out", "bad", "--set", "cases.a_10.figures=[]"), "cases.a_10.figures", "stand beside them")

    def test_figures_may_change_in_a_run(self):
        self.good("run", "job.yaml", "--out", "out", "--set", "cases.b_10=null")
        self.good("resume", "out", "--set", "figures=null")
        self.assertNotIn("Through the cases", (self.dir / "out/report.html").read_text())


if __name__ == "__main__":
    program.main()
