"""What observables say of themselves, on the page: definitions in print, facts, and how figures are drawn. A gnuplot of our own
keeps the scripts that it is given."""
import json
import math
import os
import re

from program import SHORT, Case, main

GNUPLOT = """\
#!/bin/sh
[ "$1" = --version ] && { echo "gnuplot of the test"; exit; }
cat >>"$SCRIPTS"
echo "====" >>"$SCRIPTS"
echo "<svg></svg>"
"""

JOB = """\
job: page
seed: 3
lattice: {lattice}
theory: {theory}
{sampler}: {{chains: 4, thermalise: 20, steps: 60}}
"""
FLOW = "{time: 0.5, points: 5, level: 0.05}"
LOOPS = "{max_r: 2, max_t: 3, smear_steps: 1}"


# Ladders of two and three rungs, and a chain alone.
COSTS = """\
job: costs
seed: 3
lattice: [4, 4]
theory: {kind: u1, beta: 2}
cases:
  ladder:
    ladder: {from: {beta: 1}, rungs: 2}
    rex: {sampler: heatbath, chains: 4, thermalise: 20, steps: 400, measure: all}
  longer:
    ladder: {from: {beta: 1}, rungs: 3}
    rex: {sampler: heatbath, chains: 4, thermalise: 20, steps: 400}
  alone:
    heatbath: {chains: 4, thermalise: 20, steps: 400}
"""


# Three volumes: two replicas, and samples of a flow.
VOLUMES = """\
job: volumes
seed: 3
lattice: [4, 4]
theory: {kind: u1, beta: 2}
ladder: {from: {beta: 1.8}, rungs: 2}
rex: {sampler: heatbath, chains: 4, thermalise: 20, steps: 200}
cases: {a: {lattice: [8, 8]}, b: {}, c: {lattice: [4, 8]}}
"""
SAMPLED = """\
job: sampled
seed: 3
lattice: [4, 4]
theory: {kind: phi4, form: kappa, kappa: 0, lambda: 0.022}
model: {prior: {kind: normal, sigma: 0.64}, layers: [{kind: scale}]}
train: {loss: reverse_kl, batch: 64, steps: 1}
nis: {samples: 2000}
cases: {a: {lattice: [8, 8]}, b: {}, c: {lattice: [4, 8]}}
"""


# A chain without exchange beside the rungs of a ladder, each measured at its own distances.
RUNGS = """\
job: rungs
seed: 3
lattice: [4, 4]
theory: {kind: u1, beta: 2}
ladder: {from: {beta: 1}, rungs: 2}
rex: {sampler: heatbath, chains: 4, thermalise: 20, steps: 60, every: 3, measure: all}
correlated: {sampler: heatbath, chains: 4, thermalise: 10, steps: 60, every: 2, to: {beta: 2.02}}
"""


class Page(Case):
    figures = True

    def figures_of(self, lattice, theory, sampler, measure=""):
        """(page, {title of a figure: its script}) of a short run."""
        return self.figures_of_job(JOB.format(lattice=lattice, theory=theory, sampler=sampler) + measure)

    def figures_of_job(self, job):
        self.write("job.yaml", job)
        self.write("gnuplot", GNUPLOT).chmod(0o755)
        extra = {"PATH": f"{self.dir}:{os.environ['PATH']}", "SCRIPTS": str(self.dir / "scripts")}
        self.run_program("run", "job.yaml", "--out", "out", extra=extra)
        page = (self.dir / "out/report.html").read_text()
        titles = re.findall(r'<h4>(.*?)</h4>\s*(?!<p class="absent">)<', page)
        scripts = (self.dir / "scripts").read_text().split("====\n")
        self.assertEqual(len(titles), len(scripts) - 1)
        return page, dict(zip(titles, scripts))

    def points(self, script):
        """The points of every curve."""
        blocks = re.findall(r"CW_END\n(.*?)CW_END", script, re.S)
        return [[tuple(float(word) for word in row.split()) for row in block.splitlines()] for block in blocks]

    def curves(self, script):
        """The abscissae of every curve."""
        return [[point[0] for point in curve] for curve in self.points(script)]

    def marks(self, script):
        """The abscissae of vertical lines."""
        return [float(x) for x in re.findall(r"set arrow from first (\S+), graph 0", script)]

    def labels(self, script):
        return re.findall(r"set [xy]label '(.*?)'", script)

    def assert_near(self, found, expected):
        self.assertEqual(len(found), len(expected))
        for x, y in zip(found, expected):
            self.assertAlmostEqual(x, y, 6)

    def test_scalar(self):
        page, figures = self.figures_of([8, 4], "{kind: phi4, form: m2, m2: -0.5, lambda: 8}", "hmc")
        self.assertIn("scalar φ⁴ theory (form m²: m² = −0.5, λ = 8)", page)
        self.assertIn("For chi2 (two-point susceptibility V ⟨m²⟩) ", page)
        self.assertIn("Σ_μ ⟨φ_x φ_{x+μ}⟩", page)
        self.assertNotIn('class="facts"', page)
        self.assertIn("set log", figures["Correlator"])
        self.assertNotIn("set log", figures["Effective mass"])
        self.assertEqual(self.labels(figures["Correlator"]), ["t/a", "C(t)"])
        self.assertEqual(self.labels(figures["Effective mass"]), ["t/a", "a m_eff"])
        masses = {r["name"]: r["value"] for r in self.results("out")["results"]}
        for t, m, *_ in self.points(figures["Effective mass"])[0]:  # entry t - 1 is at t, in the middle of its three times
            self.assertAlmostEqual(m, masses[f"hmc.m_eff[{t - 1:.0f}]"], 6)
        times = self.curves(figures["Correlator"])[0]
        self.assertTrue(0 < len(times) <= 5 and set(times) <= set(range(5)), times)
        self.assertIn("HMC: history of phi", figures)
        self.assertIn("HMC: distribution of phi", figures)
        self.assertIn("HMC: history of energy", figures)
        self.assertFalse([t for t in figures if "abs_m" in t])

    def test_gauge(self):
        measure = f"measure:\n  gradient_flow: {FLOW}\n  wilson_loops: {LOOPS}\n"
        page, figures = self.figures_of([4, 4, 4, 4], "{kind: su2, beta: 2.3}", "heatbath", measure)
        self.assertIn("For plaquette (⟨Re tr P⟩/N, mean over sites and planes) ", page)
        facts = re.search(r'class="facts">(.*?)</dl>', page, re.S)[1]
        self.assertEqual(re.findall(r"<dt>(.*?)</dt>", facts), ["plaquette", "t0", "w0", "q2", "chi_t"])
        self.assertIn("t² ⟨E(t)⟩, E from clover leaves", page)
        self.assertIn("At t0 it is 0.05.", page)
        flow = figures["Gradient flow"]
        self.assertIn("set ylabel 't²⟨E⟩'", flow)
        self.assertEqual(re.findall(r"title '(.*?)'", flow), ["Heat bath: E from clover leaves", "Heat bath: E from plaquettes"])
        times = [0, 0.1, 0.2, 0.3, 0.4, 0.5]
        clover, plaquettes, level = self.curves(flow)[:3]
        self.assert_near(clover, times)
        self.assert_near(plaquettes, times)
        self.assert_near(level, [0, 0.5])
        self.assertRegex(flow, r"\n0 0\.05 ")
        self.assertEqual(re.findall(r"title '(T = \d)'", figures["Static potential"]), ["T = 1", "T = 2"])
        self.assert_near(self.curves(figures["Static potential"])[0], [0.975, 1.975])
        self.assertEqual(re.findall(r"title '(R = \d)'", figures["Wilson loops"]), ["R = 1", "R = 2"])
        self.assert_near(self.curves(figures["Wilson loops"])[1], [1.025, 2.025, 3.025])
        self.assertIn("Heat bath: distribution of q_integer", figures)
        self.assertFalse([t for t in figures if t.endswith(" q2")])

    def test_flow_without_scales(self):
        _, figures = self.figures_of([6, 6], "{kind: u1, beta: 4}", "heatbath", "measure:\n  gradient_flow_low: {time: 0.5, points: 5}\n")
        self.assertEqual(len(self.curves(figures["Gradient flow"])), 2)  # no level, which nothing is defined by

    def test_autocorrelations(self):
        """Windows are marked, and what the sum gives there is what is quoted."""
        page, figures = self.figures_of([6, 6], "{kind: u1, beta: 1}", "heatbath")
        rho, tau = figures["Heat bath: autocorrelation"], figures["Heat bath: integrated autocorrelation time"]
        names = re.findall(r"title '(.*?)'", tau)
        self.assertEqual(names, re.findall(r"title '(.*?)'", rho))
        self.assertEqual(self.labels(rho), ["lag t in measurements", "ρ(t)"])
        self.assertEqual(self.labels(tau), ["window W in measurements", "τ_int(W) in measurements"])
        self.assertEqual(self.marks(rho), self.marks(tau))
        results = {r["name"]: r for r in self.results("out")["results"]}
        self.assertGreater(len(names), 3)
        compared = 0
        for name, window, sums, lags in zip(names, self.marks(tau), self.points(tau), self.points(rho), strict=True):
            self.assertEqual(lags[0][:2], (0, 1))
            self.assertTrue(all(low < y < high for _, y, low, high in lags[1:]), name)
            if f"Of {name} τ_int" in page:
                continue
            (at,) = [row for row in sums if row[0] == window]
            self.assertAlmostEqual(at[1], results[f"heatbath.{name}"]["tau_int"], 6)
            self.assertAlmostEqual(at[3] - at[1], results[f"heatbath.{name}"]["tau_int_error"], 6)
            compared += 1
        self.assertGreater(compared, 2)

    def test_lags_of_groups(self):
        """A group that is measured every third time has its lags and histories where the others have them."""
        measure = "measure:\n  cooling: {every: 3, sweeps: 1}\n"
        _, figures = self.figures_of([4, 4, 4, 4], "{kind: su2, beta: 2.3}", "heatbath", measure)
        tau = figures["Heat bath: integrated autocorrelation time"]
        names = re.findall(r"title '(.*?)'", tau)
        slow = self.points(tau)[names.index("q_cooled")]
        self.assertEqual([row[0] for row in slow[:3]], [0, 3, 6])
        self.assertEqual([row[0] for row in self.points(tau)[names.index("plaquette")][:3]], [0, 1, 2])
        self.assertAlmostEqual(slow[0][1], 1.5, 1)  # half of a measurement of its own
        self.assertEqual(self.curves(figures["Heat bath: history of q_cooled"])[0][-1], 57)
        self.assertEqual(self.curves(figures["Heat bath: history of plaquette"])[0][-1], 59)

    def test_histories(self):
        """The axis has each chain's own numbers, and says where measuring begins."""
        page, figures = self.figures_of([6, 6], "{kind: u1, beta: 1}", "heatbath")
        script = figures["Heat bath: history of plaquette"]
        tics = [(float(v), float(at)) for v, at in re.findall(r"'(\S+)' (\S+?)[,)]", re.search(r"set ytics \((.*)\)", script)[0])]
        curves = self.points(script)
        self.assertEqual(len(curves), 4)
        lows, highs = zip(*[(min(p[1] for p in c), max(p[1] for p in c)) for c in curves])
        shifts = [round(at - v, 9) for v, at in tics]
        self.assertEqual(len(set(shifts)), 4)  # as many as chains
        for v, at in tics:
            k = [i for i in range(4) if lows[i] - 1e-6 <= at <= highs[i] + 1e-6]
            self.assertEqual(len(k), 1, (v, at))
            self.assertEqual(sorted(set(shifts)).index(round(at - v, 9)), k[0])
        self.assertEqual(min(shifts), 0)  # the lowest is drawn where it is
        (apart,) = re.findall("All 4 chains above each other, (\\S+) apart; the axis numbers each. Measuring began after 20 discarded steps.",
                              page[page.index("history of plaquette"):page.index("history of polyakov")])
        self.assert_near(sorted(set(shifts)), [k * float(apart) for k in range(4)])
        thermalisation = figures["Heat bath: thermalisation"]
        self.assertEqual(self.marks(thermalisation), [20])
        self.assertIn("set label 'measuring begins'", thermalisation)
        self.assertEqual(self.curves(thermalisation)[0][-1], 19)

    def test_rungs(self):
        """Histories of rungs and of a chain without exchange share an axis of steps."""
        page, figures = self.figures_of_job(RUNGS)
        script = figures["Replica exchange: q on rungs"]
        self.assertEqual(re.findall(r"title '(.*?)'", script), ["rung 0", "rung 1", "Correlated ensembles"])
        self.assertEqual([curve[:3] for curve in self.curves(script)], [[0, 3, 6], [0, 3, 6], [0, 2, 4]])
        self.assertIn("The first chain, rung above rung; the axis numbers each. The uppermost is without exchange.", page)
        self.assertIn("Measuring began after 10 discarded steps. A measurement is every 2 steps.", page)

    def test_fits(self):
        """The band of a mass lies over its window, which the caption names."""
        job = JOB.format(lattice=[4, 4, 4, 12], theory="{kind: su3, beta: 6}", sampler="heatbath").replace("steps: 60", "steps: 12")
        page, figures = self.figures_of_job(job + "measure:\n  mesons: {kappa: 0.12, tolerance: 1e-6, fit_from: 3}\n")
        for name in ("pion", "rho"):
            script = figures[f"Effective mass of the {name.replace('rho', 'ρ')}"]
            self.assertEqual(self.labels(script), ["t/a", "a m_eff"])
            points, band = self.points(script)
            self.assertLessEqual({x for x, *_ in points}, {1, 2, 3, 4, 5})
            (first, m, low, high), (last, *_) = band
            (text,) = re.findall(rf"The band is {name}_mass = (\S+ over the window with the largest weight, \d+ ≤ t/a ≤ \d+), of \d+", page)
            self.assertIn(f"{first:.0f} ≤ t/a ≤ {last:.0f}", text)
            self.assertTrue(3 <= first and first + 2 <= last <= 6, text)  # from fit_from on
            (r,) = [r for r in self.results("out")["results"] if r["name"] == f"heatbath.{name}_mass"]
            self.assert_near([m, (high - low) / 2], [r["value"], r["error"]])
        points, band = self.points(figures["Quark mass"])
        self.assertEqual([x for x, *_ in band], [3, 5])  # T/4 to T/2 - 1

    def test_spins(self):
        page, _ = self.figures_of([6, 4], "{kind: ising, beta: 0.4}", "spinflip")
        self.assertIn("Ising model (form β: β = 0.4, h = 0)", page)
        self.assertIn("specific heat β² V (⟨e²⟩ − ⟨e⟩²)", page)

    def test_volumes(self):
        """What grows with the number of sites, beside the line of all volumes."""
        _, script = self.figures_of_job(VOLUMES)
        results = {r["name"]: r for r in self.results("out")["results"]}
        line, points = self.points(script["Mean works of a swap, up and down together"])
        self.assertEqual([x for x, *_ in points], [64, 16, 32])
        weights, sums = 0, 0
        for (x, K, low, high), case in zip(points, "abc"):
            found = results[f"{case}.rex.K[0]"]
            error = (high - low) / 2
            self.assert_near([K, error], [found["value"], found["error"]])
            weights += (x / error) ** 2
            sums += (x / error) ** 2 * K / x
        for x, K, *_ in line:
            self.assertAlmostEqual(K / (sums / weights * x), 1, delta=1e-5)
        for (x, p, *_), (_, K, *_) in zip(self.points(script["Swaps"])[0], line):
            self.assertAlmostEqual(p, math.erfc(math.sqrt(K) / 2), delta=1e-5)

    def test_cases_of_one_volume(self):
        """Cases that differ in something else have no such figures."""
        self.write("job.yaml", VOLUMES.replace("{lattice: [8, 8]}, b: {}, c: {lattice: [4, 8]}", "{rex: {overrelax: 1}}, b: {}, c: {lattice: [4, 8]}"))
        self.good("run", "job.yaml", "--out", "out")
        self.assertNotIn("From volume to volume", (self.dir / "out/report.html").read_text())

    def test_sampled_volumes(self):
        _, script = self.figures_of_job(SAMPLED)
        line, points = self.points(script["Effective sample size per sample of the model"])
        self.assertEqual([x for x, *_ in points], [64, 16, 32])
        log = [math.log(y) / x for x, y, *_ in line]
        self.assertAlmostEqual(max(log) / min(log), 1, delta=1e-4)
        for x, ess, low, high in points:
            self.assertLess(abs(ess - math.exp(log[0] * x)), 2 * (high - low))

    def test_costs(self):
        page, figures = self.figures_of_job(COSTS)
        bars = figures["Seconds per independent value of q2"]
        names = ["ladder: Replica exchange, β = 2", "ladder: Replica exchange, β = 1", "longer: Replica exchange, β = 2",
                 "alone: Heat bath, β = 2"]
        self.assertEqual(re.findall(r"set label '(.*?)' at", bars), names)
        self.assertEqual(len(self.curves(bars)), 4)
        self.assertIn("set logscale x", bars)
        table = page[page.index("seconds per independent value</th>"):]
        self.assertEqual(re.findall(r"<th>(.*?)</th>", table[:table.index("</table>")]), names)
        self.assertIn("swaps, and the mean works K", page)
        self.assertNotIn("How long a ladder?", page)  # which is of walks
        self.assertRegex(page, r"ladder: Replica exchange<small>sampler \d+ %, swaps \d+ %, measurements \d+ %</small>")
        shown = self.good("show", "out")
        self.assertIn("\nSeconds per independent value of q2\n", shown)
        self.assertIn("  ladder: Replica exchange, beta = 1 ", shown)
        document = self.results("out")
        self.assertIn("ladder.rex.K[0]", {r["name"] for r in document["results"]})
        timing = json.loads((self.dir / "out/results.json").read_text())["timing"]
        shares = [timing[f"ladder.rex.{what}"] for what in ("sampler", "swaps", "measurements")]
        self.assertTrue(all(s > 0 for s in shares) and sum(shares) <= timing["ladder.rex"], timing)


class Titles(Case):
    def test_titles_are_of_the_job_as_it_ran(self):
        """The page says which lattice it is, and both it and `show` what is not as the job's own line has it."""
        self.write("job.yaml", SHORT + "about: four by four\n")
        self.good("run", "job.yaml", "--out", "same", "--seed", 4, "--set", "checkpoint=5", "--quiet")
        self.good("run", "job.yaml", "--out", "other", "--set", "lattice=[6,4]", "--set", "hmc.steps=30", "--quiet")
        self.good("run", "job.yaml", "--out", "new", "--set", "lattice=[6,4]", "--set", "about=six by four", "--quiet")
        for out, title in (("same", "four by four"), ("new", "six by four"),
                           ("other", "four by four (run with lattice=[6,4], hmc.steps=30)")):
            page = (self.dir / out / "report.html").read_text()
            self.assertIn(f'<p class="subtitle">{title}</p>', page)
            self.assertIn(f"job short: {title}, seed", self.good("show", out))
        self.write("job.yaml", SHORT)
        self.good("run", "job.yaml", "--out", "silent", "--set", "lattice=[6,4]", "--quiet")
        self.assertIn('<p class="subtitle">phi4 on 6 × 4</p>', (self.dir / "silent/report.html").read_text())

    def test_long_lists_of_changes_are_cut(self):
        self.write("job.yaml", SHORT + "about: " + 300 * "long " + "\n")
        self.bad(["run", "job.yaml", "--out", "out"], "about", "at most")
        self.write("job.yaml", SHORT + "about: " + 270 * "long " + "\n")
        self.good("run", "job.yaml", "--out", "out", *60 * ["--set", "hmc.steps=30"], "--quiet")
        self.write("job.yaml", SHORT + "about: short\n")
        self.good("run", "job.yaml", "--out", "cut", *60 * ["--set", "hmc.steps=30"], "--quiet")
        self.assertIn("hmc.steps=30, ...), seed", self.good("show", "cut"))
        self.good("resume", "cut")


if __name__ == "__main__":
    main()
