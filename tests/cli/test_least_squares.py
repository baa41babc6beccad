"""Flows of links fitted by least squares, and swaps through them: U(1) in two dimensions, whose plaquette is exact."""
import math

import program
from program import Case

JOB = """\
job: bridge
seed: 7
lattice: [6, 6]
theory: {kind: u1, beta: 2}
ladder: {from: {beta: 1.8}, rungs: 3}
least_squares: {sampler: heatbath, chains: 32, thermalise: 50, steps: 200, every: 2, flow: {layers: [{kind: residual}]}}
rex: {sampler: heatbath, chains: 48, thermalise: 100, steps: 1500, measure: all, flow: least_squares}
"""


def bessel(n, x):
    return sum((x / 2) ** (2 * k + n) / (math.factorial(k) * math.factorial(k + n)) for k in range(40))


def plaquette(beta, volume):
    """d ln Z/d beta of Z = sum_n I_n(beta)^V, per plaquette."""
    def slope(n):
        return bessel(1, beta) if n == 0 else (bessel(n - 1, beta) + bessel(n + 1, beta)) / 2
    orders = range(-12, 13)
    return sum(bessel(abs(n), beta) ** (volume - 1) * slope(abs(n)) for n in orders) / sum(bessel(abs(n), beta) ** volume for n in orders)


class LeastSquares(Case):
    def values(self, out):
        return {r["name"]: r for r in self.results(out)["results"]}

    def test_swaps_are_as_many_as_predicted_and_exact(self):
        self.write("job.yaml", JOB)
        self.good("run", "job.yaml", "--out", "out")
        v = self.values("out")
        for rung, beta in ((0, 1.8), (1, 1.9), (2, 2.0)):
            r = v[f"rex.rung{rung}.plaquette" if rung < 2 else "rex.plaquette"]
            self.assertLess(abs(r["value"] - plaquette(beta, 36)), 4.5 * r["error"], (beta, r, plaquette(beta, 36)))
            self.assertLess(r["error"], 0.002)
        for k in range(2):
            rho, without = v[f"least_squares.rho[{k}]"], v[f"least_squares.acceptance_without[{k}]"]
            self.assertLess(rho["value"], 0.35)
            predicted, found = v[f"least_squares.acceptance[{k}]"], v[f"rex.swap_acceptance[{k}]"]
            self.assertGreater(found["value"], without["value"] + 0.05)
            self.assertLess(abs(found["value"] - predicted["value"]), 0.03 + 4 * math.hypot(found["error"], predicted["error"]))
        self.assertNotIn("slope whose mean", self.good("show", "out"))

    def test_polynomials_fit_what_flows_by_themselves_do(self):
        self.write("job.yaml", JOB)
        options = ("--set", "rex=null", "--set", "ladder.rungs=5", "--set", "least_squares.steps=60")
        self.good("run", "job.yaml", "--out", "single", *options)
        self.good("run", "job.yaml", "--out", "joint", *options, "--set", "least_squares.degree=1")
        single, joint = self.values("single"), self.values("joint")
        for k in range(4):
            a, b = single[f"least_squares.rho[{k}]"], joint[f"least_squares.rho[{k}]"]
            self.assertLess(abs(a["value"] - b["value"]), 4 * math.hypot(a["error"], b["error"]), k)

    def test_a_held_back_flow_is_named(self):
        self.write("job.yaml", JOB)
        self.good("run", "job.yaml", "--out", "out", "--set", "rex=null", "--set", "ladder.from.beta=0.5", "--set", "least_squares.steps=40")
        self.assertRegex(self.good("show", "out"), r"Least squares: a bound .* holds a flow back to 0\.\d")

    def refuses(self, expected, *options):
        self.write("job.yaml", JOB)
        sets = [word for option in options for word in ("--set", option)]
        self.bad(("run", "job.yaml", "--out", "refused", *sets), expected)

    def test_what_cannot_be_fitted_is_refused(self):
        self.refuses("layer 'affine' does not move the fields of theory 'u1'",
                     "least_squares.flow.layers=[{kind: affine, net: {hidden: [3]}}]")
        self.refuses("layer 'residual' needs even extents, but the lattice has extent 5", "lattice=[5, 6]")
        self.refuses("folds: expected two configurations of each fold, found 32 in all", "least_squares.steps=2",
                     "least_squares.folds=20")
        self.refuses("needs a section 'ladder'", "ladder=null", "rex=null")
        self.refuses("did you mean 'least_squares'?", "rex.flow=least_square")
        self.refuses("least_squares: 10 configurations for 6 coefficients: expected twice as many at least",
                     "least_squares.chains=2", "least_squares.steps=10", "least_squares.folds=2")

    def test_flows_begin_as_the_identity(self):
        self.write("job.yaml", """job: begin
lattice: [4, 4]
theory: {kind: phi4, form: m2, m2: 0.8, lambda: 0}
ladder: {from: {m2: 0.75}, rungs: 2}
least_squares: {sampler: hmc, flow: {layers: [{kind: scale}, {kind: mean, stretch: 2}]}}
""")
        self.bad(("run", "job.yaml", "--out", "refused"),
                 "job.yaml:5: least_squares.flow.layers: layer 'mean' as it is there is never the identity, at which flows between rungs start")

    def test_spins_have_no_flows(self):
        self.write("job.yaml", JOB.replace("{kind: u1, beta: 2}", "{kind: ising, beta: 0.4}").replace("beta: 1.8", "beta: 0.3").replace("heatbath", "spinflip"))
        self.bad(("run", "job.yaml", "--out", "refused"), "flows are for real fields and links, not for theory 'ising'")


if __name__ == "__main__":
    program.main()
