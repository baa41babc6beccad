"""Mesons through jobs: correlators, fits and their figures; a configuration of another code; what is not solved."""
from pathlib import Path

import program
from program import Case

DATA = Path(__file__).resolve().parents[3] / "shared/data"

JOB = """\
job: mesons
seed: 3
lattice: [4, 4, 4, 8]
theory: {kind: su3, beta: 5.7}
heatbath: {chains: 2, thermalise: 10, steps: 24, overrelax: 1}
measure:
  mesons: {every: 3, kappa: 0.13, momenta: 1, tolerance: 1e-8}
"""

# The links move by 1e-6.
FILE = f"""\
job: file
seed: 1
lattice: [4, 4, 4, 4]
theory: {{kind: su3, beta: 6}}
hmc: {{chains: 1, start_file: {DATA}/milc_l4444.milc, thermalise: 0, steps: 4, length: 1e-6, md_steps: 1, target: 0}}
measure:
  mesons: {{kappa: 0.1}}
"""


class Mesons(Case):
    def numbers(self, directory):
        return {r["name"]: r for r in self.results(directory)["results"]}

    def test_a_job_prints_masses(self):
        self.write("job.yaml", JOB)
        self.good("run", "job.yaml", "--out", "a")
        found = self.numbers("a")
        pion = [found[f"heatbath.pion[{i}]"]["value"] for i in range(16)]
        self.assertTrue(all(c > 0 for c in pion))
        self.assertTrue(all(p < q for p, q in zip(pion[8:], pion[:8])), "moving pions fall faster")
        for name, low, high in (("pion_mass", 1, 3), ("rho_mass", 1, 3), ("pcac_mass", 0.3, 1.5), ("pion_effective[2]", 1, 3)):
            self.assertTrue(low < found[f"heatbath.{name}"]["value"] < high, name)
            self.assertGreater(found[f"heatbath.{name}"]["error"], 0)
        self.assertLess(found["heatbath.pion_mass"]["value"], found["heatbath.rho_mass"]["value"])
        # the same masses from a smeared source, whose correlators are others
        self.good("run", "job.yaml", "--out", "b", "--set", "measure.mesons.source=2", "--set", "measure.mesons.smear_steps=4",
                  "--set", "measure.mesons.solver=1")
        smeared = self.numbers("b")
        self.assertNotAlmostEqual(smeared["heatbath.pion[4]"]["value"] / pion[4], 1, delta=0.1)
        a, b = found["heatbath.pion_effective[2]"], smeared["heatbath.pion_effective[2]"]
        self.assertLess(abs(a["value"] - b["value"]), 0.2)

    def test_the_page_shows_the_plateau(self):
        self.figures = True
        self.write("job.yaml", JOB)
        self.good("run", "job.yaml", "--out", "a")
        page = (self.dir / "a/report.html").read_text()
        self.assertIn("Effective mass of the pion", page)
        self.assertIn("pion_mass", page)

    def test_what_is_not_solved_is_an_error(self):
        self.write("job.yaml", JOB)
        err = self.bad(("run", "job.yaml", "--out", "a", "--set", "measure.mesons.max_iterations=5", "--quiet"),
                       "not solved for configuration", "after 5 iterations (largest residuals: ", code=3)
        self.assertIn("kappa = 0.13", err)
        self.bad(("run", "job.yaml", "--out", "b", "--set", "measure.mesons.kappa=null"), "kappa")
        self.bad(("run", "job.yaml", "--out", "c", "--set", "theory.kind=su2"), "'mesons' observables do not fit theory 'su2'")

    def test_pion_of_a_milc_configuration(self):
        if not DATA.exists():
            self.skipTest(f"the files of other codes are not there ({DATA})")
        self.write("job.yaml", FILE)
        # unit.test_mesons has them, too, with the equation of every column verified by plain loops
        for csw, expected in ((0, (13.686505, 0.392900, 0.047854, 0.373601)), (1, (14.075935, 0.421922, 0.054417, 0.401353))):
            self.good("run", "job.yaml", "--out", f"csw{csw}", "--set", f"measure.mesons.csw={csw}")
            found = self.numbers(f"csw{csw}")
            self.assertAlmostEqual(found["hmc.plaquette"]["value"], 0.594850158947, delta=1e-7)
            for t, value in enumerate(expected):
                self.assertAlmostEqual(found[f"hmc.pion[{t}]"]["value"] / value, 1, delta=2e-5)


if __name__ == "__main__":
    program.main()
