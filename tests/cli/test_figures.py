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

    def test_power(self):
        """The exponent below the figure is that of a fit of our own to what show says; weighted samples have no tau_int to fit."""
        sets = ("cases={c_4: {lattice: [4, 4]}, c_6: {lattice: [6, 4]}, c_8: {lattice: [8, 4]}}", "chain=null", "hmc.steps=600", "nis.samples=4000",
                "figures=[{title: Slowing, against: lattice, of: [hmc.phi2, nis.phi2], draw: tau_int, fit: power, log_x: true, log_y: true}, "
                "{title: Sizes, against: lattice, of: [hmc.chi2], fit: power}, {title: Price, against: lattice, of: [hmc.chi2, nis.chi2], draw: cost}]")
        self.good("run", "job.yaml", "--out", "out", *(word for one in sets for word in ("--set", one)))
        results = {r["name"]: r for r in self.results("out")["results"]}
        html = re.sub(r"<[^>]*>|\s+", " ", (self.dir / "out/report.html").read_text())
        found = re.findall(r"(\w+) (\w+): a power of lattice, (-?[0-9.]+)\(([0-9.]+)\)", html) + re.findall(r"(HMC)(): a power of lattice, (-?[0-9.]+)\(([0-9.]+)\)", html)
        self.assertEqual([f[0] for f in found], ["HMC", "HMC"])
        for (_, _, exponent, _), name, keys in ((found[0], "hmc.phi2", ("tau_int", "tau_int_error")), (found[1], "hmc.chi2", ("value", "error"))):
            points = [(math.log(n), math.log(results[f"c_{n}.{name}"][keys[0]]), results[f"c_{n}.{name}"][keys[1]] / results[f"c_{n}.{name}"][keys[0]])
                      for n in (4, 6, 8)]
            w = sum(e ** -2 for _, _, e in points)
            x0, y0 = (sum(p[k] * p[2] ** -2 for p in points) / w for k in (0, 1))
            slope = sum((x - x0) * (y - y0) * e ** -2 for x, y, e in points) / sum((x - x0) ** 2 * e ** -2 for x, _, e in points)
            self.assertAlmostEqual(float(exponent), slope, delta=0.6 * 10 ** -len(exponent.partition(".")[2]), msg=name)
        self.assertIn("seconds per independent value of results", html)

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
        self.bad_figure(f"{{{good}, of: [chi2], fit: power, draw: error}}", "errors have no errors")
        self.bad_figure(f"{{{good}, of: [chi2], fit: line}}", "fit")
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
