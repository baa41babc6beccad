"""Derivatives by correlated ensembles, all four ways, against exact ones: free fields, and U(1), SU(2) and SU(3) in two
dimensions. A bad flow changes the errors and never the means."""
import math
import os

import program
from program import Case

LONG = os.environ.get("CW_LONG") == "1"

FREE = """\
job: free
lattice: [4, 4]
theory: {kind: phi4, form: m2, m2: 0.8, lambda: 0}
ladder: {from: {m2: 0.75}, rungs: 2}
least_squares: {sampler: hmc, chains: 64, thermalise: 20, steps: 20, flow: {layers: [{kind: scale}, {kind: mean, z2: true, range: 2}]}}
correlated: {sampler: hmc, chains: 64, thermalise: 40, steps: 60, to: {m2: 0.81}, flow: least_squares}
"""

LINKS = """\
job: links
lattice: [6, 6]
theory: {kind: KIND, beta: BETA}
ladder: {from: {beta: FROM}, rungs: 2}
least_squares: {sampler: heatbath, chains: 16, thermalise: 20, steps: 40, flow: {layers: [{kind: residual}]}}
correlated: {sampler: heatbath, chains: 16, thermalise: 40, steps: STEPS, to: {beta: TO}, flow: least_squares}
"""

ESTIMATORS = ("linearised", "flow", "covariance", "reweighting")


def links(kind, beta, steps):
    return (LINKS.replace("KIND", kind).replace("BETA", str(beta)).replace("FROM", str(beta - 0.1)).replace("TO", str(beta + 0.02))
            .replace("STEPS", str(steps)))


def bessel(n, x):
    n = abs(n)
    return sum((x / 2) ** (2 * k + n) / (math.factorial(k) * math.factorial(k + n)) for k in range(40))


def su3_one_plaquette(beta):
    def det(k):
        m = [[bessel(i - j + k, beta / 3) for j in range(3)] for i in range(3)]
        return (m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
                + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]))
    return math.log(sum(det(k) for k in range(-12, 13)))


def second_slope(f, x, h=1e-2):
    """f'' by differences of the fourth order."""
    return (16 * (f(x + h) + f(x - h)) - f(x + 2 * h) - f(x - 2 * h) - 30 * f(x)) / (12 * h * h)


# d<P>/dbeta, in an infinite volume, from which 6x6 differs by less than 1e-11: d^2/dbeta^2 of ln Z per plaquette.
SLOPES = {
    "u1": second_slope(lambda b: math.log(bessel(0, b)), 1.2),
    "su2": second_slope(lambda b: math.log(bessel(1, b) / b), 1.8),
    "su3": second_slope(su3_one_plaquette, 4),
}


def free_slopes(m2, extent=4):
    """d/dm2 of chi2 and xi of the free field, whose propagator is 1/(2 (m2 + p^2))."""
    p2 = 4 * math.sin(math.pi / extent) ** 2
    return {"chi2": -1 / (2 * m2 * m2), "xi": -0.5 / m2 ** 1.5, "phi2": -sum(
        0.5 / (m2 + 4 * math.sin(math.pi * a / extent) ** 2 + 4 * math.sin(math.pi * b / extent) ** 2) ** 2
        for a in range(extent) for b in range(extent)) / extent ** 2, "p2": p2}


class Correlated(Case):
    def values(self, *words):
        self.runs = getattr(self, "runs", 0) + 1
        out = f"out{self.runs}"
        self.good("run", "job.yaml", "--out", out, "--threads", 1, *words)
        return {r["name"]: r for r in self.results(out)["results"]}

    def pulls(self, exact, seeds, *words):
        """{estimator: root mean square distance from exact numbers, in errors} over seeds and quantities, and the values of the last."""
        z = {e: [] for e in ESTIMATORS}
        for seed in range(1, seeds + 1):
            v = self.values("--seed", seed, *words)
            for e in ESTIMATORS:
                for quantity, number in exact.items():
                    r = v[f"correlated.{e}.d_{quantity}"]
                    z[e].append((r["value"] - number) / r["error"])
        for e in ESTIMATORS:
            self.assertLess(max(map(abs, z[e])), 4.5, (e, z[e]))
        return {e: math.sqrt(sum(x * x for x in z[e]) / len(z[e])) for e in ESTIMATORS}, v

    def calibrated(self, exact, seeds, *words):
        """All pulls are what their errors say, in the root mean square of many seeds from 0.7 to 1.3."""
        rms, v = self.pulls(exact, 48 if LONG else seeds, *words)
        for e in ESTIMATORS:
            self.assertTrue((0.7 if LONG else 0.05) < rms[e] < (1.3 if LONG else 2.2), rms)
        return v

    def test_free_field(self):
        self.write("job.yaml", FREE)
        exact = free_slopes(0.8)
        v = self.calibrated({k: exact[k] for k in ("chi2", "phi2", "xi")}, 2, "--set",
                            "correlated.extrapolate={of: {chi2: 1, xi: -1}, in: {xi: -1}}")
        for e in ESTIMATORS:  # chi2/xi = xi/2 over 1/xi: the tangent cuts the axis at xi
            r = v[f"correlated.{e}.extrapolated"]
            self.assertLess(abs(r["value"] - 0.8 ** -0.5), 4.5 * r["error"], (e, r))
            self.assertTrue(0.5 < r["error"] / r["error2"] < 2, r)
        for quantity in ("phi2", "xi"):
            self.assertGreater(v[f"correlated.linearised.d_{quantity}"]["gain"], 1.5 * v[f"correlated.covariance.d_{quantity}"]["gain"])

    def links_are_calibrated(self, kind, beta, seeds, steps):
        self.write("job.yaml", links(kind, beta, steps))
        self.gains(self.calibrated({"plaquette": SLOPES[kind]}, seeds))

    def gains(self, v):
        self.assertGreater(v["correlated.linearised.d_plaquette"]["gain"], 3 * v["correlated.covariance.d_plaquette"]["gain"])
        self.assertGreater(v["correlated.ess[1]"]["value"], v["correlated.ess_reweighting[1]"]["value"])

    def test_u1(self):
        """Wilson loops too, which are measured every third time: u^area, u the plaquette, and functions of their means."""
        self.write("job.yaml", links("u1", 1.2, 120))
        u, slope = bessel(1, 1.2) / bessel(0, 1.2), SLOPES["u1"]
        exact = {"plaquette": slope, "wilson_loop[0]": slope, "wilson_loop[1]": 2 * u * slope, "wilson_loop[3]": 4 * u ** 3 * slope,
                 "creutz[0]": -slope / u, "potential[0]": -slope / u}
        v = self.calibrated(exact, 2, "--set", "measure.wilson_loops={every: 3, max_r: 2, max_t: 2, smear_steps: 0}")
        self.gains(v)

    def test_su2(self):
        self.links_are_calibrated("su2", 1.8, 1, 60)

    def test_su3(self):
        self.links_are_calibrated("su3", 4, 1, 24)

    def test_a_bad_flow_changes_errors_and_no_means(self):
        """A flow that goes the wrong way: fitted from a smaller coupling to that of the job, and taken for one from a larger."""
        self.write("job.yaml", links("u1", 1.2, 60))
        self.good("run", "job.yaml", "--out", "fit", "--set", "correlated=null")
        wrong = ("--set", "ladder.from.beta=1.3", "--set", "least_squares.rounds=0", "--set", "least_squares.flow.start={run: fit}")
        rms, v = self.pulls({"plaquette": SLOPES["u1"]}, 48 if LONG else 2, *wrong)
        for e in ESTIMATORS:
            self.assertLess(rms[e], 1.3 if LONG else 2.2, rms)
        gain = {e: v[f"correlated.{e}.d_plaquette"]["gain"] for e in ESTIMATORS}
        self.assertLess(gain["linearised"], 0.5 * gain["covariance"], gain)
        self.assertLess(gain["flow"], 0.5 * gain["reweighting"], gain)


class Words(Case):
    def refuses(self, expected, *options):
        self.write("job.yaml", links("u1", 1.2, 8))
        sets = [word for option in options for word in ("--set", option)]
        self.bad(("run", "job.yaml", "--out", "refused", *sets), expected)

    def test_refusals(self):
        self.refuses("correlated.to: these are the parameters of section 'theory'", "correlated.to.beta=1.2")
        self.refuses("correlated: missing key 'to'", "correlated.to=null")
        self.refuses("positions: 0 is the base itself", "correlated.positions=[0, 1]")
        self.refuses("positions: 1 is there twice", "correlated.positions=[1, 1]")
        self.refuses("step: expected a number that is not 0", "correlated.step=0")
        self.refuses("keep: a base ensemble is not kept", "correlated.keep=4")
        self.refuses("unknown section with flows 'snf'", "correlated.flow=snf")
        self.refuses("flows of 'least_squares' go along the ladder: expected parameters on its line", "lattice=[4, 4, 4]",
                     "theory={kind: u1, form: anisotropic, beta_s: 1, beta_t: 1}", "ladder.from={beta_s: 0.9}", "correlated.to={beta_t: 1.1}")
        self.refuses("extrapolate.of.plaquete: the theory has no such quantity that is one number", "correlated.extrapolate={of: {plaquete: 1}, in: {q2: 1}}")
        self.refuses("unknown quantity 'plaquete'; did you mean 'plaquette'?", "expect={d_plaquete: {value: 1}}")
        self.refuses("unknown quantity 'd_plaquette'; did you mean 'plaquette'?", "correlated=null", "heatbath={}", "expect={d_plaquette: {value: 1}}")

    def test_weights_that_degenerate_are_named(self):
        self.write("job.yaml", links("u1", 1.2, 8))
        self.good("run", "job.yaml", "--out", "out", "--set", "correlated.to.beta=3", "--set", "correlated.positions=[1]")
        out = self.good("show", "out")
        self.assertRegex(out, r"Correlated ensembles: at position 1 the weights of the flow are worth [0-9.]+ % of the configurations")
        self.assertRegex(out, r"at position 1 the weights without a flow are worth [0-9.]+ %")
        self.assertIn("correlated.image.to0.delta_plaquette", out)
        self.assertIn("correlated.flow.to0.d_plaquette", out)

    def test_spins_have_covariances_and_weights(self):
        """d<E>/dbeta of Ising spins on 4x4 by enumeration, of an ensemble without a flow; and an expectation of it."""
        beta, sums = 0.3, [0, 0, 0]
        rows = [[(k >> i & 1) * 2 - 1 for i in range(4)] for k in range(16)]
        inner = [sum(r[i] * r[(i + 1) % 4] for i in range(4)) for r in rows]
        between = [[sum(a * b for a, b in zip(r, s)) for s in rows] for r in rows]
        for a in range(16):
            for b in range(16):
                for c in range(16):
                    for d in range(16):
                        E = -(inner[a] + inner[b] + inner[c] + inner[d] + between[a][b] + between[b][c] + between[c][d] + between[d][a])
                        w = math.exp(-beta * E)
                        for k in range(3):
                            sums[k] += w * E ** k
        slope = -(sums[2] / sums[0] - (sums[1] / sums[0]) ** 2) / 16
        self.write("job.yaml", "job: spins\nlattice: [4, 4]\ntheory: {kind: ising, beta: 0.3}\n"
                   "correlated: {sampler: cluster, chains: 64, thermalise: 20, steps: 100, to: {beta: 0.305}}\n"
                   f"expect: {{d_energy: {{value: {slope}, source: enumeration}}}}\n")
        self.good("run", "job.yaml", "--out", "out")
        for r in self.results("out")["results"]:
            if r["name"].endswith(".d_energy"):
                self.assertLess(abs(r["expected"]["pull"]), 4.5, r)
                self.assertLess(r["error"], 0.05 * abs(slope))
        self.assertEqual(sorted(r["name"] for r in self.results("out")["results"] if r["name"].endswith(".d_energy")),
                         ["correlated.covariance.d_energy", "correlated.reweighting.d_energy"])


if __name__ == "__main__":
    program.main()
