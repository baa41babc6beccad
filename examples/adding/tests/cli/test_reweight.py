"""The method of the example in jobs: Ising spins on 4x4 reweighted against enumeration, through run, --resume, show and report."""
import itertools
import math

import program
import test_resume
from program import Case

JOB = """\
job: reweighted
seed: 7
lattice: [4, 4]
theory: {kind: ising, beta: 0.35}
cluster: {chains: 32, thermalise: 50, steps: 1000, keep: 32000}
reweight: {data: cluster, to: {beta: 0.4}}
expect:
  energy: {value: ENERGY35}
  reweight.energy: {value: ENERGY40, source: enumeration}
  reweight.lnZ_ratio: {value: RATIO}
"""

GAUGE = """\
job: links
lattice: [4, 4]
theory: {kind: u1, beta: 1}
heatbath: {chains: 16, thermalise: 50, steps: 400, keep: 6400}
reweight: {data: heatbath, to: {beta: 1.1}}
"""

# Every step is a segment of the store.
RESUMED = """\
job: resumed
seed: 7
checkpoint: 0.5
lattice: [4, 4]
theory: {kind: ising, beta: 0.35}
cluster: {chains: 16, thermalise: 2, steps: 4, keep: 64}
reweight: {data: cluster, to: {beta: 0.4}}
"""


def enumerate_spins(extent, betas):
    """(ln Z, E/V, specific heat) at each beta."""
    sites, counts = list(itertools.product(range(extent), repeat=2)), {}
    pairs = [(sites.index((x, y)), sites.index(other)) for x, y in sites
             for other in (((x + 1) % extent, y), (x, (y + 1) % extent))]
    for bits in range(1 << len(sites)):
        links = sum(1 - 2 * ((bits >> a ^ bits >> b) & 1) for a, b in pairs)
        counts[links] = counts.get(links, 0) + 1
    for beta in betas:
        Z, one, two = (sum(n * links ** k * math.exp(beta * links) for links, n in counts.items()) for k in range(3))
        yield math.log(Z), -one / Z / len(sites), beta ** 2 * (two / Z - (one / Z) ** 2) / len(sites)


class Reweight(Case):
    @classmethod
    def setUpClass(cls):
        (here, cls.e35, _), (there, cls.e40, cls.heat40) = enumerate_spins(4, (0.35, 0.4))
        cls.ratio = there - here
        cls.job = JOB.replace("ENERGY35", repr(cls.e35)).replace("ENERGY40", repr(cls.e40)).replace("RATIO", repr(cls.ratio))

    def results_of(self, job, out="out"):
        self.write("job.yaml", job)
        self.good("run", "job.yaml", "--out", out, "--quiet")
        found = self.results(out)
        return found, {r["name"]: r for r in found["results"]}

    def test_listed(self):
        self.assertIn("reweight: kept configurations, weighted to other parameters", self.good("list", "methods"))

    def test_enumeration(self):
        found, results = self.results_of(self.job)
        for name, exact in (("energy", self.e40), ("specific_heat", self.heat40), ("lnZ_ratio", self.ratio)):
            r = results[f"reweight.{name}"]
            self.assertLess(r["error"], 0.02 * abs(exact), name)
            self.assertLess(abs(r["value"] - exact), 4 * r["error"], name)
        self.assertEqual(results["reweight.energy"]["expected"]["value"], self.e40)
        self.assertEqual(results["reweight.lnZ_ratio"]["expected"]["value"], self.ratio)
        self.assertEqual(results["cluster.energy"]["expected"]["value"], self.e35)
        self.assertTrue(0.5 < results["reweight.ess"]["value"] < 1)
        self.assertEqual(found["warnings"], [])
        self.assertIn("reweight.lnZ_ratio", self.good("show", "out"))
        page = (self.dir / "out/report.html").read_text()
        for part in ("Reweighting</h", "Reweighted to beta = 0.4, h = 0, 32000 kept configurations are worth", "Log-weights"):
            self.assertIn(part, page)

    def test_nowhere(self):
        """To the parameters of the job: what the chains say, with the same errors."""
        _, results = self.results_of(self.job.replace("beta: 0.4}", "beta: 0.35}").replace("  reweight.", "  cluster.").replace(
            f"  cluster.lnZ_ratio: {{value: {self.ratio!r}}}\n", ""))
        self.assertEqual((results["reweight.ess"]["value"], results["reweight.lnZ_ratio"]["value"]), (1, 0))
        for name in ("energy", "chi2", "specific_heat"):
            for key in ("value", "error"):
                self.assertAlmostEqual(results[f"reweight.{name}"][key] / results[f"cluster.{name}"][key], 1, delta=1e-9, msg=name)

    def test_links(self):
        """<P> of the U(1) theory on a torus in two dimensions, by characters: sum_n I_n' I_n^(V-1) / sum_n I_n^V."""
        def bessel(n, x):
            return sum((x / 2) ** (2 * k + n) / (math.factorial(k) * math.factorial(k + n)) for k in range(30))

        I = [bessel(n, 1.1) for n in range(12)]
        slope = [I[1]] + [(I[n - 1] + I[n + 1]) / 2 for n in range(1, 11)]
        twice = [1] + [2] * 10
        exact = sum(c * s * i ** 15 for c, s, i in zip(twice, slope, I)) / sum(c * i ** 16 for c, i in zip(twice, I))
        _, results = self.results_of(GAUGE)
        r = results["reweight.plaquette"]
        self.assertLess(r["error"], 0.01 * exact)
        self.assertLess(abs(r["value"] - exact), 4 * r["error"])

    def test_far_away(self):
        found, results = self.results_of(self.job.replace("beta: 0.4}", "beta: 3}").replace("steps: 1000, keep: 32000", "steps: 8, keep: 256"))
        self.assertTrue(any("are worth" in w for w in found["warnings"]), found["warnings"])

    def test_refused(self):
        for change, parts in ((("to: {beta: 0.4}", "to: {bets: 0.4}"), ("job.yaml:6: unknown key 'bets' in reweight.to; did you mean 'beta'?",)),
                              ((", to: {beta: 0.4}", ""), ("job.yaml:6: reweight", "'to'")),
                              (("beta: 0.4}", "beta: -1}"), ("job.yaml:6: reweight.to.beta",)),
                              (("data: cluster", "data: clster"), ("did you mean 'cluster'",)),
                              (("keep: 32000", "keep: 32"), ("must keep at least two configurations per chain",)),
                              (("  reweight.energy", "  reweight.enrgy"), ("did you mean 'energy'",)),
                              (("  reweight.lnZ_ratio", "  lnZ_ratio"), ("no section of the job gives",)),
                              (("cluster:", "no:"), ("",))):
            self.assertIn(change[0], self.job)
            self.write("job.yaml", self.job.replace(*change))
            self.bad(["run", "job.yaml"], *parts)


class Resume(test_resume.Resume):
    job, stages = RESUMED, ("cluster", "reweight")


if __name__ == "__main__":
    program.main()
