"""Samplers and ladders that begin without coupling, from cold starts, on lattices whose configurations can be counted: every result
against enumeration, or the integral of one site, by scores (value - exact)/error."""
import itertools
import json
import math

import program
from program import Case


def bonds(extents):
    """Pairs of neighbours; those of extent 2 come twice."""
    sites = list(itertools.product(*map(range, extents)))
    for site in sites:
        for mu, extent in enumerate(extents):
            other = site[:mu] + ((site[mu] + 1) % extent,) + site[mu + 1:]
            yield sites.index(site), sites.index(other)


def enumerate_spins(extents, beta, h):
    """ln Z, and the means of |m|, V m^2 and s s' over directions, of the Ising model."""
    n, pairs = math.prod(extents), list(bonds(extents))
    Z = 0
    sums = dict.fromkeys(("abs_m", "m", "chi2", "nn"), 0)
    for spin in itertools.product((1, -1), repeat=n):
        links, m = sum(spin[a] * spin[b] for a, b in pairs), sum(spin) / n
        w = math.exp(beta * (links + h * sum(spin)))
        Z += w
        for name, value in (("abs_m", abs(m)), ("m", m), ("chi2", n * m * m), ("nn", links / n)):
            sums[name] += w * value
    return {"lnZ": math.log(Z), **{name: s / Z for name, s in sums.items()}}


def one_site(coupling):
    """ln Z and <phi^2> of one site, S = (1 - 2 coupling) phi^2 + coupling phi^4."""
    grid = [1e-3 * i for i in range(-6000, 6001)]
    w = [math.exp(-(1 - 2 * coupling) * x * x - coupling * x ** 4) for x in grid]
    return math.log(1e-3 * sum(w)), sum(a * x * x for a, x in zip(w, grid)) / sum(w)


SPIN_SAMPLERS = ("cluster: {%s}", "cluster: {update: swendsen-wang, %s}", "spinflip: {%s}", "spinflip: {update: metropolis, %s}")
LADDERS = """\
rex: {sampler: SAMPLER, start: cold, chains: 32, thermalise: 50, steps: 500, measure: all}
ais: {sampler: SAMPLER, start: cold, particles: 64, walks: 40, thermalise: 50, every: 4, reverse: true}
smc: {sampler: SAMPLER, start: cold, particles: 64, walks: 40, thermalise: 50, every: 4, threshold: 0.6}
walk: {moves: [mutate, retarget, resample], sampler: SAMPLER, start: cold, particles: 64, walks: 40, thermalise: 50, every: 4}
"""


class ZeroCoupling(Case):
    def run_job(self, text):
        """{name: result} of a run."""
        self.write("job.yaml", text)
        self.good("run", "job.yaml", "--out", "out", "--threads", 1)
        found = json.loads((self.dir / "out/results.json").read_text())["results"]
        for path in (self.dir / "out/store").iterdir():
            path.unlink()
        (self.dir / "out/store").rmdir()
        return {r["name"]: r for r in found}

    def check(self, results, name, exact, where):
        value, error = results[name]["value"], results[name]["error"]
        self.assertLess(abs(value - exact), 4.5 * error + 1e-9, f"{where}: {name} is {value} +- {error}, expected {exact}")

    def test_samplers_of_spins(self):
        for extents in ([2, 2], [2, 3], [3, 3]):
            for beta, h in ((0, 0), (1e-4, 0.5), (0.1, 0.3)):
                exact = enumerate_spins(extents, beta, h)
                for sampler in SPIN_SAMPLERS:
                    keys = sampler % "chains: 32, start: cold, thermalise: 50, steps: 400"
                    found = self.run_job(f"job: spins\nlattice: {extents}\ntheory: {{kind: ising, beta: {beta}, h: {h}}}\n{keys}\n")
                    for quantity in ("abs_m", "m", "chi2", "nn"):
                        self.check(found, f"{sampler.split(':')[0]}.{quantity}", exact[quantity], f"{sampler}, {extents}, {beta}, {h}")

    def test_ladders_of_spins(self):
        for extents in ([2, 2], [2, 3], [3, 3]):
            exact = enumerate_spins(extents, 0.3, 0.1)
            free = enumerate_spins(extents, 0, 0.1)
            for sampler in ("cluster", "spinflip"):
                where = f"{sampler}, {extents}"
                found = self.run_job(f"job: ladder\nlattice: {extents}\ntheory: {{kind: ising, beta: 0.3, h: 0.1}}\n"
                                     "ladder: {from: {beta: 0}, rungs: 4}\n" + LADDERS.replace("SAMPLER", sampler))
                for method in ("rex", "ais", "smc", "walk"):
                    for quantity in ("abs_m", "m", "chi2", "nn"):
                        self.check(found, f"{method}.{quantity}", exact[quantity], where)
                for method in ("ais", "smc", "walk"):
                    self.check(found, f"{method}.lnZ_ratio", exact["lnZ"] - free["lnZ"], where)
                self.check(found, "rex.rung0.abs_m", free["abs_m"], where)
                self.check(found, "ais.lnZ_ratio_reverse", exact["lnZ"] - free["lnZ"], where)

    def test_scalar_fields(self):
        lnz, phi2 = one_site(1.0)
        for extents in ([2, 2], [2, 3], [3, 3]):
            for sampler in ("hmc: {%s}", "cluster: {%s}", "cluster: {update: swendsen-wang, %s}"):
                keys = sampler % "chains: 32, start: cold, thermalise: 50, steps: 400"
                found = self.run_job(f"job: scalar\nlattice: {extents}\ntheory: {{kind: phi4, form: kappa, kappa: 0, lambda: 1}}\n{keys}\n")
                for quantity, exact in (("phi2", phi2), ("chi2", phi2), ("phi", 0), ("nn", 0)):
                    self.check(found, f"{sampler.split(':')[0]}.{quantity}", exact, f"{sampler}, {extents}")
            found = self.run_job(f"job: ladder\nlattice: {extents}\ntheory: {{kind: phi4, form: kappa, kappa: 1e-6, lambda: 1}}\n"
                                 "ladder: {from: {kappa: 0}, rungs: 3}\n" + LADDERS.replace("SAMPLER", "cluster"))
            for method in ("rex", "ais", "smc", "walk"):
                for quantity, exact in (("phi2", phi2), ("chi2", phi2), ("phi", 0), ("nn", 0)):
                    self.check(found, f"{method}.{quantity}", exact, f"ladder, {extents}")
            self.check(found, "smc.lnZ", lnz * math.prod(extents), f"ladder, {extents}")

    def test_gauge_fields(self):
        for theory in ("u1", "su2", "su3"):
            for sampler in ("heatbath: {%s}", "hmc: {%s}"):
                keys = sampler % "chains: 16, start: cold, thermalise: 50, steps: 100"
                found = self.run_job(f"job: links\nlattice: [2, 3]\ntheory: {{kind: {theory}, beta: 0}}\n{keys}\n")
                self.check(found, f"{sampler.split(':')[0]}.plaquette", 0, f"{theory}, {sampler}")


if __name__ == "__main__":
    program.main()
