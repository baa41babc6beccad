"""The Python package of python/: values and errors are the program's, histories give the same errors by two independent Γ-methods
in numpy and by pyerrors, configurations are those of `convert`. Needs numpy and h5py, Debian's in CI; exit code 77 without them."""
import os
import shutil
import sys
from pathlib import Path

DEBIAN = "/usr/bin/python3"  # which has Debian's numpy, whatever python3 is
try:
    import h5py
    import numpy as np
except ImportError as error:
    if Path(DEBIAN).exists() and sys.executable != DEBIAN:
        os.execv(DEBIAN, [DEBIAN, "-B", *sys.argv])
    print(f"{error}: tools/install-deps check", file=sys.stderr)
    sys.exit(1 if os.environ.get("CI") else 77)

import json
import re
import tempfile
import unittest

import program
from gamma_method import geyer, wolff
from program import GAUGE, JOB, LADDER, SHORT, Case

PACKAGE = Path(__file__).resolve().parents[2] / "python"
sys.path.insert(0, str(PACKAGE))
import causeway  # noqa: E402

try:
    import pyerrors
except ImportError:
    pyerrors = None

# As those of program.py, in less time.
SPINS = """\
job: spins
seed: 3
lattice: [6, 4]
theory: {kind: ising, beta: 0.4}
cluster: {chains: 20, thermalise: 50, steps: 400, keep: 160}
"""
GAUGE = re.sub("steps: [38]0", "steps: 28", GAUGE)
JOB = JOB.replace("steps: 40,", "steps: 10,").replace("samples: 20000", "samples: 4000").replace("checkpoint: 0.05\n", "")
LADDER = LADDER.replace("checkpoint: 0.01\n", "checkpoint: 0.2\n")
LONG = SHORT.replace("short", "long").replace("steps: 40", "steps: 4000")


class Runs(Case):
    """Runs of jobs, each made once for all tests."""

    @classmethod
    def setUpClass(cls):
        cls.made = {}

    @classmethod
    def tearDownClass(cls):
        for directory in cls.made.values():
            shutil.rmtree(directory)

    def open(self, text, *words):
        """The run of a job; its directory is self.out."""
        if (text, words) not in self.made:
            self.made[text, words] = Path(tempfile.mkdtemp(prefix="causeway-"))
            self.write("job.yaml", text)
            self.good("run", "job.yaml", "--out", self.made[text, words], "--quiet", *words)
        self.out = self.made[text, words]
        return causeway.open(self.out)

    def copy(self, text):
        """A copy of the run, to be damaged, in DIR/out."""
        self.open(text)
        shutil.copytree(self.out, self.dir / "out")
        return causeway.open(self.dir / "out")

    def of_chains(self, run):
        return [r for r in run.values() if "history" in r.entry and r.log_weight is None and r.error]


class Values(Runs):
    def test_results_are_the_programs(self):
        run = self.open(SHORT)
        shown = json.loads(self.good("show", self.out, "--json"))
        self.assertEqual(list(run), [entry["name"] for entry in shown["results"]])
        for entry in shown["results"]:
            for key in ("value", "error", "tau_int", "n", "rhat", "units", "error2"):
                self.assertEqual(getattr(run[entry["name"]], key), entry[key])
        self.assertEqual((run.job, run.seed, run.cases, run.methods), ("short", 3, [], ["hmc"]))
        self.assertIs(run["hmc"]["chi2"], run["hmc.chi2"])
        self.assertEqual(run["hmc"]["correlator"].value.tolist(), [run[f"hmc.correlator[{t}]"].value for t in range(3)])
        self.assertEqual(run["hmc"]["correlator"].history.shape, (3, 16, 40))
        self.assertEqual(run["hmc"]["xi"].units, "a")
        self.assertIn("steps: 40", run.store.job)
        text = self.good("show", self.out)
        for name in ("hmc.chi2", "hmc.binder", "hmc.acceptance"):
            self.assertRegex(text, rf"{name} +{repr(run[name]).split(' = ')[1].split()[0]}".replace("(", r"\(").replace(")", r"\)"))

    def test_histories_are_chains(self):
        run = self.open(SHORT)
        with h5py.File(self.out / "store/hmc.000000.h5") as file:
            columns = file["primary"].attrs["columns"].decode().split()
            rows = file["primary"][()]
            self.assertEqual(file["primary"].attrs["units"].decode().split(), ["1"] * len(columns))
        self.assertEqual(columns[:4], ["phi", "abs_m", "m2", "m4"])
        self.assertEqual(run["hmc"]["phi"].history.tolist(), rows[..., 0].T.tolist())
        self.assertEqual(run["hmc"].column("m2").tolist(), rows[..., 2].T.tolist())
        chi2 = run["hmc"]["chi2"]
        self.assertEqual(chi2.history.shape, (16, 40))
        np.testing.assert_allclose(chi2.history, 16 * rows[..., 2].T, atol=1e-14)
        self.assertEqual(run["hmc"]["acceptance"].history.shape, (1, 40))

    def test_derived_quantities_are_linearised(self):
        hmc = self.open(SHORT)["hmc"]
        m2, m4 = hmc.column("m2"), hmc.column("m4")
        a, b = m2.mean(), m4.mean()
        exact = 1 - b / (3 * a**2) + 2 * b / (3 * a**3) * (m2 - a) - (m4 - b) / (3 * a**2)
        self.assertAlmostEqual(hmc["binder"].value, 1 - b / (3 * a**2), 12)
        np.testing.assert_allclose(hmc["binder"].history, exact, atol=1e-5 * exact.std())  # slopes are differences in the program

    def test_cases_are_reached(self):
        run = self.open(JOB)
        self.assertEqual(run.cases, ["one", "two"])
        self.assertIs(run["one"]["hmc"]["chi2"], run["one.hmc.chi2"])
        self.assertEqual(run["two"]["lnZ"].name, "two.lnZ")
        self.assertNotEqual(run["one.hmc.chi2"].value, run["two.hmc.chi2"].value)
        self.assertEqual(run["two"].methods, ["hmc", "nis", "nmcmc", "forward"])
        self.assertEqual(run["two"]["hmc"].configurations.shape, (10, 32, 4, 4))
        self.assertEqual(run.store["two/forward"]["lw"].shape[1], 32)
        self.assertEqual(run["one"]["nmcmc"]["acceptance"].history.shape, (32, 320))

    def test_rungs_are_reached(self):
        run = self.open(LADDER, "--set", "rex.measure=all")
        rungs = run["rex"].rungs
        self.assertEqual([rung["chi2"].name for rung in rungs], [f"rex.rung{k}.chi2" for k in range(4)] + ["rex.chi2"])
        values = [rung["chi2"].value for rung in rungs]
        self.assertEqual(values, sorted(values))  # it grows with kappa
        for rung in rungs:
            self.assertAlmostEqual(16 * rung.column("m2").mean(), rung["chi2"].value, 10)
        self.assertAlmostEqual(run["craft.pimh.chi2"].history.mean(), run["craft.pimh.chi2"].value, 10)

    def test_groups_have_turns(self):
        heatbath = self.open(GAUGE)["heatbath"]
        energy = heatbath["t2_energy"]
        self.assertEqual(((heatbath["plaquette"].place["every"], energy[2].place["every"]), energy.history.shape), ((1, 4), (6, 4, 7)))
        np.testing.assert_allclose(energy[5].history, heatbath.column("E[5]"), rtol=1e-12)  # at t = 1
        self.assertEqual(heatbath.stage.columns("primary.gradient_flow")["E[5]"], "1/a^4")

    def test_words(self):
        run = self.open(SHORT)
        for key, near in (("hcm", "hmc"), ("hmc.ch2", "hmc.chi2")):
            with self.assertRaisesRegex(KeyError, f"no results '{key}'; did you mean '{near}'"):
                run[key]
        with self.assertRaisesRegex(KeyError, "nothing here was measured under the name 'm3', but phi, abs_m, m2"):
            run["hmc"].column("m3")
        with self.assertRaisesRegex(KeyError, "there is no stage 'hcm', but hmc"):
            run.store["hcm"]
        self.assertNotIn("nis", run)
        with self.assertRaisesRegex(AttributeError, "chi"):
            run["hmc.chi2"].chi


class Errors(Runs):
    def assert_alike(self, of_wolff, r):
        """Errors with two windows. Wolff's gives no less than that of independent measurements, where alternating ones have less."""
        if r.tau_int < 0.5:
            self.assertGreater(of_wolff / r.error, 0.99, r.name)
            self.assertLess(of_wolff / r.error, 1.01 * np.sqrt(0.5 / r.tau_int), r.name)
        else:
            self.assertAlmostEqual(of_wolff / r.error, 1, delta=0.1, msg=r.name)

    def test_of_chains(self):
        """The program's errors, again, from the histories."""
        for text, least in ((SHORT, 10), (JOB, 60), (GAUGE, 40), (SPINS, 10), (LADDER, 20)):
            run = self.open(text)
            chains = self.of_chains(run)
            self.assertGreaterEqual(len(chains), least)
            for r in chains:
                history = r.history
                error, tau_int, rhat = geyer(history)
                self.assertAlmostEqual(history.mean(), r.value, delta=1e-9 * r.error, msg=r.name)
                self.assertAlmostEqual(error / r.error, 1, delta=1e-9, msg=r.name)
                self.assertAlmostEqual(tau_int / r.tau_int, 1, delta=1e-9, msg=r.name)
                if len(history) > 1:
                    self.assertAlmostEqual(rhat, r.rhat, delta=1e-9, msg=r.name)

    def test_of_weighted_samples(self):
        run = self.open(JOB)
        for case in run.cases:
            nis = run[case]["nis"]
            weight = np.exp(nis["chi2"].log_weight)
            m2 = nis.column("m2")[0]
            chi2 = 16 * (weight @ m2) / weight.sum()
            error = 16 * np.sqrt(((weight * (m2 - chi2 / 16)) ** 2).sum()) / weight.sum()
            self.assertAlmostEqual(chi2, nis["chi2"].value, 10)
            self.assertAlmostEqual(error, nis["chi2"].error, 10)
            for r in (nis[name] for name in ("chi2", "binder", "xi")):
                history = r.history
                self.assertEqual(history.shape, (1, r.n))
                self.assertAlmostEqual(history.mean(), r.value, 9)
                self.assertAlmostEqual(history.std() / np.sqrt(r.n) / r.error, 1, 9)

    def test_of_weighted_walks(self):
        run = self.open(LADDER)
        for r in (run[f"{method}.chi2"] for method in ("snf", "craft", "walk")):
            self.assertAlmostEqual(r.history.std() / np.sqrt(r.n) / r.error, 1, 9)

    def test_window_of_wolff(self):
        """pyerrors' numbers (2.17.0) of a series, and its window beside ours where chains are long."""
        series, state = np.empty((3, 200)), 1
        for chain in series:
            last = 0.0
            for i in range(200):
                state = (state * 1103515245 + 12345) % 2**31
                last = chain[i] = 0.8 * last + state / 2**31 - 0.5
        error, tau_int = wolff(series)
        self.assertAlmostEqual(error, 0.05591769840152193, 12)
        self.assertAlmostEqual(tau_int, 3.8899306637806643, 10)
        for r in self.of_chains(self.open(LONG)):
            self.assert_alike(wolff(r.history)[0], r)

    @unittest.skipIf(pyerrors is None, "pyerrors is not installed")
    def test_of_pyerrors(self):
        run = self.open(LONG)
        for r in self.of_chains(run):
            obs = r.obs()
            obs.gamma_method()
            self.assertAlmostEqual(obs.value, r.value, delta=1e-9 * r.error)
            self.assertAlmostEqual(obs.dvalue / wolff(r.history)[0], 1, 9, r.name)
            self.assert_alike(obs.dvalue, r)
            if len(r.history) > 1:
                self.assertEqual(obs.names, sorted(f"long.3.hmc|r{chain}" for chain in range(16)))
        m2, m4 = (causeway.Result.obs(run[f"hmc.{name}"]) for name in ("abs_m", "chi2"))
        m2.gamma_method(), m4.gamma_method()
        self.assertGreater(pyerrors.covariance([m2, m4], correlation=True)[0, 1], 0.5)  # they are of the same chains
        weighted = self.open(JOB)["one.nis.chi2"]
        obs = weighted.obs()
        obs.gamma_method(S=0)
        self.assertAlmostEqual(obs.dvalue / weighted.error, np.sqrt(weighted.n / (weighted.n - 1)), 9)

    @unittest.skipIf(pyerrors is None, "pyerrors is not installed")
    def test_of_pyerrors_on_groups_with_turns(self):
        run = self.open(GAUGE)
        plaquette, energy = run["heatbath.plaquette"].obs(), run["heatbath.t2_energy[2]"].obs()
        self.assertEqual(list(plaquette.idl["gauge.3.heatbath|r0"])[:3], [1, 2, 3])
        self.assertEqual(list(energy.idl["gauge.3.heatbath|r0"])[:3], [4, 8, 12])


class Configurations(Runs):
    def assert_same_as_files(self, run, count, *options):
        """The kept configurations, and what convert makes of them."""
        rows = run.configurations
        flat = rows.reshape(-1, *rows.shape[2:])
        self.assertEqual(len(flat), count)
        for i in {0, 1, count - 1}:
            self.good("convert", self.out, f"c{i}.h5", "--config", i, "--overwrite", *options)
            file = causeway.read_configuration(self.dir / f"c{i}.h5")
            np.testing.assert_array_equal(file.field, flat[i])
        return rows, file

    def test_of_scalar_fields(self):
        hmc = self.open(SHORT.replace("[4, 4]", "[4, 6, 3]").replace("steps: 40", "steps: 40, keep: 80"))["hmc"]
        rows, file = self.assert_same_as_files(hmc, 80)
        self.assertEqual((rows.shape, file.kind), ((5, 16, 4, 6, 3), "real"))
        kept = hmc.column("phi")[:, 7::8]  # every eighth row
        np.testing.assert_allclose(rows.mean(axis=(2, 3, 4)).T, kept, rtol=1e-12)
        neighbours = sum((rows * np.roll(rows, -1, axis=mu)).mean(axis=(2, 3, 4)) for mu in (2, 3, 4))
        np.testing.assert_allclose(neighbours.T, hmc.column("nn")[:, 7::8], rtol=1e-10)

    def test_of_spins(self):
        cluster = self.open(SPINS)["cluster"]
        rows, file = self.assert_same_as_files(cluster, 160)
        self.assertEqual((rows.shape, file.kind, set(np.unique(rows))), ((8, 20, 6, 4), "spin", {-1.0, 1.0}))

    def test_of_links(self):
        sampler = "heatbath: {chains: 3, thermalise: 5, steps: 6, keep: 6}\n"
        for theory, lattice, N in (("{kind: su3, beta: 5.7}", [4, 2, 6, 3], 3), ("{kind: su2, beta: 2.3}", [4, 6, 3], 2),
                                   ("{kind: u1, beta: 1}", [4, 6], 1)):
            with self.subTest(theory):
                text = f"job: links\nseed: 3\nlattice: {lattice}\ntheory: {theory}\n" + sampler
                heatbath = self.open(text)["heatbath"]
                rows, file = self.assert_same_as_files(heatbath, 6)
                d = len(lattice)
                self.assertEqual((rows.shape, file.kind), ((2, 3, *lattice, d, N, N), theory[7:10].strip(",")))
                U = [rows[..., mu, :, :] for mu in range(d)]
                planes = [(mu, nu) for mu in range(d) for nu in range(mu)]
                plaquette = 0
                for mu, nu in planes:
                    up, over = np.roll(U[nu], -1, axis=2 + mu), np.roll(U[mu], -1, axis=2 + nu)
                    loop = U[mu] @ up @ over.conj().swapaxes(-1, -2) @ U[nu].conj().swapaxes(-1, -2)
                    plaquette = plaquette + np.trace(loop, axis1=-2, axis2=-1).real.mean(axis=tuple(range(2, 2 + d))) / N / len(planes)
                np.testing.assert_allclose(plaquette.T, heatbath.column("plaquette")[:, 2::3], rtol=1e-12)

    def test_that_there_are_none(self):
        run = self.open(SHORT)
        with self.assertRaisesRegex(KeyError, "stage 'hmc' has no array 'config'"):
            run["hmc"].configurations


class Bad(Runs):
    def test_directories(self):
        with self.assertRaisesRegex(FileNotFoundError, "results.json"):
            causeway.open(self.dir)
        with self.assertRaisesRegex(ValueError, "cannot open store"):
            causeway.open(self.dir, program.PROGRAM)

    def test_a_run_that_was_stopped(self):
        run = self.copy(SHORT)
        (self.dir / "out/results.json").unlink()
        again = causeway.open(self.dir / "out", program.PROGRAM)
        self.assertEqual(again["hmc.chi2"].value, run["hmc.chi2"].value)

    def test_results_older_than_the_store(self):
        self.copy(SHORT)
        path = self.dir / "out/results.json"
        document = json.loads(path.read_text())
        document["results"][0]["n"] -= 16
        path.write_text(json.dumps(document))
        with self.assertRaisesRegex(ValueError, "hmc.phi: 624 measurements in its results and 640 in the store"):
            causeway.open(self.dir / "out")["hmc.phi"].history

    def test_results_without_histories(self):
        self.copy(SHORT)
        path = self.dir / "out/results.json"
        document = json.loads(path.read_text())
        for entry in document["results"]:
            entry.pop("history")
        path.write_text(json.dumps(document))
        with self.assertRaisesRegex(ValueError, "hmc.phi: .*no history in the store; or results.json is of a causeway"):
            causeway.open(self.dir / "out")["hmc.phi"].history

    def test_damage(self):
        run = self.copy(SHORT)
        path = self.dir / "out/store/hmc.000000.h5"
        good = path.read_bytes()
        for bad, words in ((good[:-1], "no seal"), (good[:400] + bytes([good[400] ^ 1]) + good[401:], "its checksum is"), (b"", "no seal")):
            path.write_bytes(bad)
            with self.assertRaisesRegex(causeway.Damaged, words):
                causeway.open(self.dir / "out")["hmc.phi"].history
        path.write_bytes(good)
        self.assertEqual(causeway.open(self.dir / "out")["hmc.phi"].value, run["hmc.phi"].value)
        path.rename(path.with_name("cmh.000000.h5"))
        with self.assertRaisesRegex(causeway.Damaged, "it holds segment 0 of stage hmc"):
            causeway.open(self.dir / "out").store["cmh"]["primary"]
        path.with_name("cmh.000000.h5").rename(path.with_name("hmc.000001.h5"))
        with self.assertRaisesRegex(causeway.Damaged, "stage 'hmc' has 1 segments, of which the last is hmc.000001.h5: some are missing"):
            causeway.open(self.dir / "out")["hmc.phi"].history
        with self.assertRaisesRegex(causeway.Damaged, "expected a causeway-configuration, found causeway-segment"):
            causeway.read_configuration(path.with_name("hmc.000001.h5"))


class Package(Case):
    def test_version(self):
        version = self.good("--version").split()[1]
        self.assertIn(f'version = "{version}"', (PACKAGE / "pyproject.toml").read_text())


if __name__ == "__main__":
    program.main()
