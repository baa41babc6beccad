"""Bad input: exit 2 (3 for numerical failures), one clear line on stderr, and nothing written or harmed."""
import shutil

import program
from program import GAUGE, JOB, LADDER, SHORT, Case


class Refusals(Case):
    def refuse(self, text, *parts):
        self.write("job.yaml", text)
        self.bad(["run", "job.yaml", "--out", "out"], *parts)
        self.assertFalse((self.dir / "out").exists())


class JobFiles(Refusals):
    """Mistakes in a job file, each with its place."""

    def change(self, old, new, *parts):
        self.assertIn(old, JOB)
        self.refuse(JOB.replace(old, new, 1), *parts)

    def test_misspelt_keys(self):
        self.change("lambda:", "lamda:", "job.yaml:5: unknown key 'lamda' in theory; did you mean 'lambda'?")
        self.change("thermalise: 100, steps: 400", "termalise: 100, steps: 400", "job.yaml:11: unknown key 'termalise' in hmc; did you mean 'thermalise'?")
        self.change("keep:", "kep:", "job.yaml:11: unknown key 'kep' in hmc; did you mean 'keep'?")
        self.change("model:", "modell:", "job.yaml:6: unknown key 'modell'; did you mean 'model'?")
        self.change("hmc:", "hcm:", "job.yaml:11: unknown key 'hcm'; did you mean 'hmc'?")
        self.change("hidden:", "hiden:", "job.yaml:9: unknown key 'hiden' in model.layers[0].net; did you mean 'hidden'?")
        self.change("theory: {kappa", "theory: {kapa", "job.yaml:19: unknown key 'kapa'", "did you mean 'kappa'?")

    def test_unknown_keys(self):
        self.change("nis:", "weather: fine\nnis:", "job.yaml:13: unknown key 'weather'", "known: job,")

    def test_wrong_types(self):
        self.change("seed: 3", "seed: three", "job.yaml:2: seed: expected an integer, found 'three'")
        self.change("rate: 0.005", "rate: fast", "job.yaml:12: train.rate: expected a number, found 'fast'")
        self.change("[4, 4]", "4", "job.yaml:4: lattice: expected a list")
        self.change("[4, 4]", "[4, four]", "job.yaml:4: lattice[1]: expected an integer")
        self.change("nis: {samples: 20000}", "nis: 20000", "job.yaml:13: nis: expected a mapping")
        self.change("steps: 40,", "steps: 40.5,", "job.yaml:12: train.steps: expected an integer")

    def test_unknown_words(self):
        self.change("kind: phi4", "kind: phi5", "job.yaml:5: theory.kind: unknown theory 'phi5'; did you mean 'phi4'?")
        self.change("form: kappa", "form: kapa", "job.yaml:5:", "did you mean 'kappa'?")
        self.change("kind: affine", "kind: affin", "job.yaml:9:", "unknown layer 'affin'; did you mean 'affine'?")
        self.change("chain: {", "chain: {sampler: hmcc, ", "job.yaml:16:", "unknown sampler 'hmcc'; did you mean 'hmc'?")
        self.change("data: hmc", "data: cluster", "job.yaml:15: forward.data: unknown sampler section 'cluster'")

    def test_what_nothing_uses(self):
        head = "job: idle\nlattice: [4, 4]\ntheory: {kind: phi4, form: m2, m2: 1, lambda: 0}\n"
        model = "model: {layers: [{kind: scale}]}\n"
        self.refuse(head, "job.yaml", "nothing to do", "causeway list samplers")
        self.refuse(head + "hcm: {steps: 10}\n", "job.yaml:4: unknown key 'hcm'; did you mean 'hmc'?")
        self.refuse(head + model, "job.yaml:4: model: nothing uses it", "'nis'")
        self.refuse(head + model + "hmc: {steps: 10}\n", "job.yaml:4: model: nothing uses it")
        for given, refused in (("hmc: {}", "lnZ"), ("hmc: {}", "F_chain"), ("hmc: {}", "entropy"), ("hmc: {}", "w_hat"),
                               (model + "nis: {}", "F_p"), (model + "train: {steps: 1}", "phi2"), (model + "nis: {}", "acceptance")):
            self.refuse(f"{head}{given}\nexpect: {{{refused}: {{value: 0}}}}\n", f"expect.{refused}: no section of the job gives '{refused}'")
        self.refuse(head + "hmc: {}\n" + model + "nis: {}\nexpect: {nis.exp_mdH: {value: 1}}\n", "section 'nis' does not give 'exp_mdH'")

    def test_the_natural_gradient(self):
        natural = "steps: 40, optimizer: natural_gradient,"
        self.change("steps: 40,", "steps: 40, optimizer: sgd,", "job.yaml:12: train.optimizer: unknown optimizer 'sgd'", "known: adam, natural_gradient")
        self.change("steps: 40,", natural, "job.yaml:12: train.optimizer: natural_gradient needs derivatives of each configuration, which layer 'affine' has not")
        job = JOB.replace("    - {kind: affine", "    - {kind: scale}\n    #", 1).replace("steps: 40,", natural)
        self.refuse(job.replace("batch: 64", "batch: 4112"), "train.batch: natural_gradient solves as many equations as there are configurations: expected at most 4096")
        self.refuse(job.replace(natural, natural + " damping: 0,"), "train.damping: must lie in")
        self.refuse(job.replace(natural, natural + " beta1: 0.9,"), "unknown key 'beta1' in train")
        self.refuse(job.replace(natural, natural + " gradient: path,"), "unknown key 'gradient' in train")

    def test_names_that_are_no_folders(self):
        for name in ("../up", "a/b", "..", ".hidden", '"a\tb"'):
            self.change("job: tiny", f"job: {name}", "job.yaml:1: job:", "no name for a folder")

    def test_missing_keys(self):
        for key, line in (("job: tiny\n", 1), ("lattice: [4, 4]\n", 1), (" kappa: 0.2,", 5)):
            name = key.split(":")[0].strip()
            self.change(key, "", f"job.yaml:{line}:", f"missing key '{name}'")

    def test_out_of_range(self):
        self.change("steps: 40,", "steps: -1,", "job.yaml:12: train.steps: must lie in [0, 1000000000], found '-1'")
        self.change("seed: 3", "seed: 4294967296", "job.yaml:2: seed: must lie in [0, 4294967295]")
        self.change("batch: 64", "batch: 65", "job.yaml:12: train.batch: expected a multiple of 16, found 65")
        self.change("[4, 4]", "[1048576, 1048576]", "job.yaml:4: lattice:", "sites")
        self.change("[4, 4]", "[4, 4, 4, 4, 4]", "job.yaml:4: lattice:")
        self.change("keep: 320", "keep: 999999", "job.yaml:11: hmc.keep:")
        self.change("lambda: 0.1", "lambda: -0.1", "job.yaml:5: theory.lambda: must lie in")
        self.change("kernel: 3", "kernel: 4", "job.yaml:9: model.layers[0].net.kernel: expected an odd number, found 4")

    def test_every_that_measures_nothing(self):
        self.change("keep: 320", "every: 401", "job.yaml:11: hmc.every: nothing would be measured: expected at most 400, the steps, found 401")
        self.change("chain: {", "chain: {every: 101, ", "job.yaml:16: chain.every: nothing would be measured: expected at most 100, the steps, found 101")
        self.change("keep: 320}", "every: 10, keep: 320}\nmeasure: {scalar: {every: 41}}",
                    "job.yaml:12: measure.scalar.every: section 'hmc' would never measure it: expected at most 40", "found 41")

    def test_samplers_that_miss_configurations(self):
        self.refuse(program.SPINS.replace("keep: 160", "keep: 160, clusters: 0"), "job.yaml:7: cluster: without clusters no spin is ever updated")
        self.refuse(GAUGE.replace("keep: 8}", "keep: 8, heatbath: 0}"), "job.yaml:6: heatbath.heatbath: must lie in [1, 1000], found '0'")
        for good in ("clusters: 0, update: swendsen-wang", "clusters: 1"):
            self.write("job.yaml", program.SPINS.replace("keep: 160", good + ", keep: 160").replace("steps: 900", "steps: 3").replace("anneal: 500", "anneal: 0"))
            self.good("run", "job.yaml", "--out", "out", "--set", "nis.samples=16", "--set", "nmcmc.steps=5", "--set", "cluster.steps=8")
            shutil.rmtree(self.dir / "out")

    def test_starts_of_nmcmc(self):
        nmcmc = "nmcmc: {chains: 32, thermalise: 100, steps: 320"
        self.change(nmcmc, nmcmc + ", start: cold", "job.yaml:14: nmcmc.start: unknown start 'cold' (known: model, data)")
        self.change(nmcmc, nmcmc + ", data: hmc", "job.yaml:14: nmcmc.data: chains start from the model: expected 'start: data'")
        self.change("chains: 32, thermalise: 100, steps: 320", "chains: 321, start: data",
                    "job.yaml:14: nmcmc.start: 321 chains need a kept configuration of 'hmc' each, found 320; set hmc.keep")
        self.change(nmcmc, nmcmc + ", start: data, data: cluster", "job.yaml:14: nmcmc.data: unknown sampler section 'cluster'")
        job = JOB.replace("forward: {data: hmc}\n", "").replace(nmcmc, nmcmc + ", start: data")
        self.refuse(job.replace(", keep: 320", ""), "nmcmc.start: 32 chains need a kept configuration of 'hmc' each, found 0; set hmc.keep")
        self.refuse("".join(line for line in job.splitlines(True) if line[:4] != "hmc:"), "nmcmc: needs a section 'hmc', 'cluster', 'heatbath', 'spinflip' or 'excursion' with 'keep' configurations")
        trained = job.replace("train: {", "train: {loss: forward_kl, ").replace("keep: 320", "keep: 64").replace("chains: 32, thermalise: 100, steps: 320", "chains: 33")
        self.refuse(trained, "nmcmc.start: 33 chains need a kept configuration of 'hmc' each that the model was not trained on, found 32")

    def test_no_probability_density(self):
        self.change("kappa: 0.2, lambda: 0.1", "kappa: 0.3, lambda: 0", "job.yaml:5: theory:")

    def test_odd_extent_under_a_checkerboard(self):
        self.change("[4, 4]", "[4, 3]", "job.yaml:9: model.layers[0]: layer 'affine'", "checkerboard", "even", "extent 3")

    def test_missing_sections(self):
        self.refuse(SHORT + "nis: {}\n", "job.yaml:6: nis: needs a section 'model'")
        self.change("hmc: {chains: 32, thermalise: 100, steps: 400, keep: 320}\n", "", "forward.data: needs a section 'hmc'")
        self.change(", keep: 320", "", "forward.data: section 'hmc' must keep", "hmc.keep")

    def test_not_a_job(self):
        self.refuse("", "job.yaml:", "empty")
        self.refuse("# nothing\n", "job.yaml", "empty")
        self.refuse("- a\n- b\n", "job.yaml:", "expected a mapping")
        self.refuse("job: [1, 2\n", "job.yaml:")
        self.refuse("job: {a: }}\n", "job.yaml:")
        self.refuse("\0\1\2", "job.yaml:")
        self.refuse("job: &a x\nabout: *a\n", "job.yaml:1:", "anchors")
        self.refuse(SHORT + "---\n" + SHORT, "job.yaml:6:1: a second document")

    def test_key_given_twice(self):
        self.change("seed: 3", "seed: 3\nseed: 4", "job.yaml:3:1: key 'seed' is given twice, first in line 2")

    def test_cases(self):
        self.change("one: {}", "'a b': {}", "job.yaml:18:", "name of a case")
        self.change("one: {}", "one: 3", "job.yaml:18: cases.one: expected a mapping")

    def test_missing_file_and_directory(self):
        self.bad(["run", "nowhere.yaml"], "cannot open 'nowhere.yaml': No such file")
        (self.dir / "folder").mkdir()
        self.bad(["run", "folder"], "cannot read 'folder': Is a directory")
        self.assertEqual(sorted(p.name for p in self.dir.iterdir()), ["folder"])


class GaugeJobs(Case):
    """Mistakes in what gauge theories, starts, measurements and expectations need."""

    def change(self, old, new, *parts):
        self.assertIn(old, GAUGE)
        self.write("job.yaml", GAUGE.replace(old, new, 1))
        self.bad(["run", "job.yaml", "--out", "out"], *parts)
        self.assertFalse((self.dir / "out/results.json").exists())

    def test_starts(self):
        self.change("start: cold", "start: warm", "job.yaml:7: hmc.start: unknown start 'warm' (known: hot, cold)")
        self.change("start: cold", "start_fil: x", "job.yaml:7: unknown key 'start_fil' in hmc; did you mean 'start_file'?")
        self.change("start: cold", "start_file: nowhere", "cannot open 'nowhere': No such file")
        self.write("links", "this is no configuration\n" * 100)
        self.change("start: cold", "start_file: links", "links")
        self.write("job.yaml", GAUGE.replace("su3", "su2").replace("start: cold", "start_file: links"))
        self.bad(["run", "job.yaml", "--out", "out"], "'links': expected a configuration (ILDG,")

    def test_measure(self):
        self.change("gradient_flow", "gradient_flo", "job.yaml:9: unknown key 'gradient_flo' in measure; did you mean 'gradient_flow'?")
        self.change("gradient_flow: {every: 4, time: 1, points: 5}", "t0: {}",
                    "job.yaml:9: measure.t0: 't0' is one of the numbers of 'gradient_flow': name that, as in 'gradient_flow: {}'")
        self.change("gradient_flow: {every: 4, time: 1, points: 5}", "scalar:",
                    "job.yaml:9: measure.scalar: 'scalar' observables do not fit theory 'su3' on this lattice (those that do: ")
        self.write("job.yaml", GAUGE.replace("4, 4]", "4]").replace("gradient_flow:", "cooling:"))
        self.bad(["run", "job.yaml", "--out", "out"], "job.yaml:9: measure.cooling: 'cooling' observables do not fit theory 'su3' on this lattice")
        self.write("job.yaml", GAUGE.replace("4, 4, 4, 4]", "4, 4]"))
        self.bad(["run", "job.yaml", "--out", "out"], "job.yaml:9: measure.gradient_flow: ",
                 "(those that do: gauge_2d, gradient_flow_low, wilson_loops)")
        self.change("every: 4", "every: 0", "job.yaml:9: measure.gradient_flow.every: must lie in [1, 1000000], found '0'")
        self.change("every: 4", "every: 31", "job.yaml:9: measure.gradient_flow.every: section 'hmc' would never measure it: expected at most 30", "found 31")
        walks = "ladder: {from: {beta: 5}}\nais: {sampler: heatbath}\n"
        self.write("job.yaml", "".join(line for line in GAUGE.splitlines(True) if line[:3] not in ("hea", "hmc")).replace("measure:", walks + "measure:"))
        self.bad(["run", "job.yaml", "--out", "out"], "job.yaml:9: measure.gradient_flow: nothing measures it: it needs a section 'hmc', 'cluster', 'heatbath', 'spinflip', 'excursion', 'rex', 'ptbc', 'correlated' or 'files'")
        self.change("points: 5", "point: 5", "job.yaml:9: unknown key 'point' in measure.gradient_flow; did you mean 'points'?")
        self.change("time: 1", "time: -1", "job.yaml:9: measure.gradient_flow.time: must lie in")
        self.change("points: 5", "points: 5, level: 11", "job.yaml:9: measure.gradient_flow.level: must lie in [0.001, 10], found '11'")
        self.change("points: 5", "points: 5, step: 0.2", "job.yaml:9: measure.gradient_flow.step: must lie in [1e-06, 0.15], found '0.2'")
        self.change("measure:\n  gradient_flow: {every: 4, time: 1, points: 5}", "measure: 3", "job.yaml:8: measure: expected a mapping")

    def test_expect(self):
        self.change("plaquette:", "q_cooled:",
                    "job.yaml:11: expect.q_cooled: nothing measures 'q_cooled', a number of 'cooling': expected 'measure: {cooling: {}}'")
        self.change("plaquette:", "plaqette:", "job.yaml:11: expect.plaqette: unknown quantity 'plaqette'; did you mean 'plaquette'?")
        self.change("plaquette:", "hcm.plaquette:", "job.yaml:11:", "unknown section 'hcm'; did you mean 'hmc'?")
        self.change("plaquette:", "t2_energy:", "job.yaml:11:", "'t2_energy' has the entries [0] to [5]")
        self.change("plaquette:", "t2_energy[6]:", "job.yaml:11:", "'t2_energy' has the entries [0] to [5]")
        self.change("plaquette:", "t2_energy[x]:", "job.yaml:11:", "expected QUANTITY[NUMBER]")
        self.change("plaquette:", "plaquette[0]:", "job.yaml:11:", "'plaquette' is one number")
        self.change("value: 0.55, ", "", "job.yaml:11: expect.plaquette: missing key 'value'")
        self.change("error: 0.01", "error: -1", "job.yaml:11: expect.plaquette.error: must lie in")
        self.change("error: 0.01", "eror: 1", "job.yaml:11: unknown key 'eror' in expect.plaquette; did you mean 'error'?")

    def test_what_does_not_fit(self):
        self.change("[4, 4, 4, 4]", "[4]", "job.yaml:5: theory: a gauge theory needs at least two dimensions")
        self.change("seed: 3", "model: {layers: [{kind: scale}]}", "layer 'scale' does not move the fields of theory 'su3'")
        self.change("heatbath: {", "cluster: {", "job.yaml:6: cluster: sampler 'cluster' does not fit theory 'su3'")
        self.change("checkpoint: 0.05", "chain: {nodes: 3}", "theory 'su3' has no hopping term")
        self.change("beta: 5.7", "beta: strong", "job.yaml:5: theory.beta: expected a number")
        self.write("job.yaml", GAUGE.replace("4, 4, 4, 4", "4, 4").replace("beta: 5.7", "form: anisotropic, beta_s: 2, beta_t: 3"))
        self.bad(["run", "job.yaml", "--out", "out"], "job.yaml:5: theory: two dimensions have no spatial plaquettes for beta_s to act on: use form isotropic")


class LadderJobs(Case):
    """Mistakes in ladders and what walks them."""

    def change(self, old, new, *parts):
        self.assertIn(old, LADDER)
        self.write("job.yaml", LADDER.replace(old, new, 1))
        self.bad(["run", "job.yaml", "--out", "out"], *parts)
        self.assertFalse((self.dir / "out").exists())

    def test_ladder(self):
        self.change("ladder: {from: {kappa: 0.2}, rungs: 5}\n", "", "snf: needs a section 'ladder'")
        self.change("ladder: {", "lader: {", "job.yaml:6: unknown key 'lader'; did you mean 'ladder'?")
        self.change("rungs: 5", "rungs: 1", "job.yaml:6: ladder.rungs: must lie in [2, 1024], found '1'")
        self.change("rungs: 5", "rungs: 2, positions: [0, 1]", "job.yaml:6: ladder.rungs: there are 'positions' too")
        self.change("rungs: 5", "positions: [0, 0.7, 0.6, 1]", "job.yaml:6: ladder.positions: expected ascending numbers from 0 to 1")
        self.change("{kappa: 0.2}", "{kapa: 0.2}", "job.yaml:6: unknown key 'kapa' in ladder.from; did you mean 'kappa'?")

    def test_defect_is_the_same_on_all_rungs(self):
        self.write("job.yaml", "job: x\nlattice: [4, 4]\ntheory: {kind: u1, form: defect, beta: 2, factor: 1, edge_1: 2}\n"
                   "ladder: {from: {factor: 0, edge_1: 4}}\nrex: {sampler: heatbath}\n")
        self.bad(["run", "job.yaml"], "job.yaml:4: ladder.from.edge_1: expected 2, as in section 'theory', found 4")

    def test_moves(self):
        moves = "[mutate, retarget, resample]"
        self.change(moves, "[]", "job.yaml:9: walk.moves: expected 1 to 16 moves, found 0")
        self.change(moves, "retarget", "job.yaml:9: walk.moves: expected a list of moves, found 'retarget'")
        self.change(moves, "[mutate, retarged]", "job.yaml:9:", "unknown move 'retarged'; did you mean 'retarget'?")
        self.change(moves, "[mutate]", "job.yaml:9: walk.moves: expected one 'retarget', found 0")
        self.change(moves, "[retarget, transport]", "job.yaml:9: walk.moves: a 'transport' carries to the next rung before 'retarget'")
        self.change(moves, "[transport, retarget]", "job.yaml:9: walk: missing key 'flow'")
        self.change(f"moves: {moves}, ", "", "job.yaml:9: walk: missing key 'moves'")
        self.change("snf: {", "snf: {moves: [retarget], ", "job.yaml:7: unknown key 'moves' in snf")
        self.change("snf: {", "snf: {threshold: 0.5, ", "job.yaml:7: unknown key 'threshold' in snf")

    def test_every_that_measures_nothing(self):
        self.change("flow: craft", "every: 401", "job.yaml:10: rex.every: nothing would be measured: expected at most 400, the steps, found 401")
        self.change("flow: craft}", "every: 9}\nmeasure: {scalar: {every: 45}}", "job.yaml:11: measure.scalar.every: section 'rex' would never measure it", "44")

    def test_flows(self):
        self.change("flow: {layers: [{kind: scale}]}, ", "", "job.yaml:8: craft: missing key 'flow'")
        self.change("kind: scale", "kind: scales", "job.yaml:8: craft.flow.layers[0].kind: unknown layer 'scales'; did you mean 'scale'?")
        self.change("layers: [{kind: scale}]", "prior: {}", "job.yaml:8:", "craft.flow: missing key 'layers'")
        self.change("batch: 48}}\nwalk", "batch: 1}}\nwalk", "job.yaml:8: craft.train.batch: must lie in [2, 16777216], found '1'")
        self.change("flow: craft", "flow: smc", "job.yaml:10: rex.flow: unknown section with flows 'smc' (known: none, snf, craft)")
        self.change("lattice: [4, 4]", "lattice: [4, 5]", "job.yaml:7: snf.flow.layers[0]: layer 'affine' works on a checkerboard")


class CommandLine(Case):
    def setUp(self):
        super().setUp()
        self.write("job.yaml", SHORT)

    def test_set(self):
        for assignment, part in (
            ("nope.x=1", "--set nope.x: unknown key 'nope'"),
            ("theory.lamda=1", "--set theory.lamda: unknown key 'lamda' in theory; did you mean 'lambda'?"),
            ("theory.lambda", "--set theory.lambda: expected path=value"),
            ("=3", "--set =3: expected path=value"),
            ("", "expected path=value"),
            ("a..b=1", "--set a..b: expected a path"),
            ("lattice[7]=4", "--set lattice[7]: no item [7]"),
            ("hmc={steps: 1, steps: 2}", "--set hmc: key 'steps' is given twice"),
            ("hmc.steps=[1", "--set hmc.steps"),
            ("hmc.steps=many", "--set hmc.steps: hmc.steps: expected an integer, found 'many'"),
            ("seed.x=1", "--set seed.x"),
        ):
            self.bad(["run", "job.yaml", "--set", assignment], part)
            self.bad(["run", "--set", assignment, "job.yaml"], part)

    def test_options(self):
        self.bad(["run", "job.yaml", "--otu", "x"], "unknown option '--otu'; did you mean '--out'?")
        self.bad(["run", "job.yaml", "--resum"], "did you mean '--resume'?")
        self.bad(["run", "job.yaml", "--frobnicate"], "unknown option '--frobnicate' (known: --out,")
        self.bad(["run", "job.yaml", "--out"], "--out needs a value")
        self.bad(["run", "job.yaml", "--out", ""], "--out: expected a directory")
        self.bad(["run", "job.yaml", "other.yaml"], "one job at a time")
        self.bad(["run"], "usage: causeway run JOB.yaml")
        for word in ("0", "-1", "two", "99999999999", "1.5", ""):
            self.bad(["run", "job.yaml", "--threads", word], f"--threads: expected a number from 1 to 4096, found '{word}'")
        for word in ("abc", "-1", "1.5", "4294967296", ""):
            self.bad(["run", "job.yaml", "--seed", word], f"--seed: expected a number from 0 to 4294967295, found '{word}'")
        self.bad(["show", "x", "--jsn"], "unknown option '--jsn'; did you mean '--json'?")
        self.bad(["show"], "which directory?")
        self.bad(["report", "a", "b"], "one directory")
        self.bad(["report", "a", "--json"], "unknown option '--json'")
        self.bad(["list", "theoriez"], "unknown 'theoriez'; did you mean 'theories'?")
        self.bad(["list", "a", "b"], "usage: causeway list")
        self.bad(["check", "--fast"], "unknown option '--fast'")

    def test_commands(self):
        self.bad(["rnu", "job.yaml"], "unknown command 'rnu'; did you mean 'run'?")
        self.bad(["transmogrify"], "unknown command 'transmogrify'; see causeway --help")
        self.bad([""], "unknown command ''")
        code, out, err = self.run_program()
        self.assertEqual((code, out), (2, ""))
        self.assertIn("causeway run JOB.yaml", err)

    def tearDown(self):
        self.assertEqual(sorted(p.name for p in self.dir.iterdir()), ["job.yaml"])


# Adam with a rate of 10 makes every weight grow by 10 a step: deep networks without saturation overflow at once.
WILD = ["--set", "train={batch: 64, steps: 2000, rate: 10, warmup: 0, schedule: constant}"]
SPINS = """\
job: spins
seed: 1
lattice: [4, 4]
theory: {kind: ising, beta: 0.4, h: 0.1}
model: {kind: frontier, hidden: [4]}
train: {batch: 64, steps: 10}
nis: {samples: 64}
"""


class SpinModels(Refusals):
    """Autoregressive models: what does not go together."""

    def change(self, old, new, *parts):
        self.assertIn(old, SPINS)
        self.refuse(SPINS.replace(old, new, 1), *parts)

    def test_words_and_keys(self):
        self.change("frontier", "fronteer", "job.yaml:5: model.kind: unknown autoregressive model 'fronteer'; did you mean 'frontier'?")
        self.change("hidden: [4]", "layers: [{kind: scale}]", "job.yaml:5: unknown key 'layers' in model")
        self.change("hidden: [4]", "kernel: 3", "job.yaml:5: unknown key 'kernel' in model")
        self.change("frontier, hidden: [4]", "pixelcnn, share: all", "job.yaml:5: unknown key 'share' in model")
        self.change("frontier, hidden: [4]", "pixelcnn, kernel: 4", "job.yaml:5: model.kernel: expected an odd number, found 4")
        self.change("frontier, hidden: [4]", "pixelcnn, kernel: 9", "job.yaml:5: model.kernel: 9 reaches around the extent 4")
        self.change("hidden: [4]", "clip: 0.7", "job.yaml:5: model.clip: must lie in")

    def test_symmetry(self):
        self.change("hidden: [4]", "z2: true", "job.yaml:5: model.z2: theory 'ising' is not even at these parameters")
        self.change("hidden: [4]", "mixture: {mirror: true}", "job.yaml:5: model.mixture.mirror: theory 'ising' is not even")
        self.change("hidden: [4]", "z2: true, gated: true", "job.yaml:5: model.z2: needs an odd activation: tanh, not gated")
        self.change("hidden: [4]", "mixture: {shifts: 65}", "job.yaml:5: model.mixture.shifts: must lie in [1, 64]")
        self.change("hidden: [4]", "mixture: {shifts: 5}", "job.yaml:5: model.mixture.shifts: 5 shifts of an extent of 4")
        many = SPINS.replace("[4, 4]", "[32, 32]").replace("hidden: [4]", "mixture: {shifts: 32, point_group: true}")
        self.refuse(many, "job.yaml:5: model.mixture: 8192 images; at most 4096")
        self.refuse(SPINS.replace("h: 0.1", "h: 0").replace("hidden: [4]", "z2: true, mixture: {mirror: true}"), "with z2 mirror images are equal")

    def test_training(self):
        self.change("steps: 10", "steps: 10, gradient: path", "job.yaml:6: train.gradient: reinforce is for spins")
        self.change("steps: 10", "steps: 10, optimizer: natural_gradient", "job.yaml:6: train.optimizer: natural_gradient is for flows, not for spins")
        self.change("steps: 10", "steps: 10, anneal: 11", "job.yaml:6: train.anneal: 11 steps of annealing, but 10 steps in all")
        keep = "cluster: {chains: 4, steps: 8, keep: 8}\ntrain: {batch: 64, loss: forward_kl, "
        self.change("train: {batch: 64, ", keep + "anneal: 2, ", "job.yaml:7: unknown key 'anneal' in train")
        self.change("train: {batch: 64, ", keep + "gradient: path, ", "train.gradient: there is no path gradient for spins; expected plain")

    def test_flows_stay_flows(self):
        self.write("phi4.yaml", JOB.replace("steps: 40,", "steps: 40, gradient: reinforce,"))
        self.bad(["run", "phi4.yaml", "--out", "out"], "train.gradient: reinforce is for spins")


DEEP = ["--set", "model.layers=[{kind: affine, repeat: 4, net: {hidden: [8, 8, 8, 8, 8, 8, 8, 8], activation: leaky_relu}}]"]


class Numbers(Case):
    def setUp(self):
        super().setUp()
        self.write("job.yaml", JOB)

    def test_not_a_number_in_training(self):
        for loss in ("reverse_kl", "forward_kl"):
            for gradient in ("path", "plain"):
                kind = ["--set", f"train.loss={loss}", "--set", f"train.gradient={gradient}"]
                out = f"{loss}.{gradient}"
                err = self.bad(["run", "job.yaml", "--out", out, *WILD, *DEEP, *kind], "train: step ", code=3)
                self.assertRegex(err, r"step \d+: .*layer \d \(affine\)")

    def test_overflow_of_the_action_in_training(self):
        wide = ["--set", "model.layers=[{kind: affine, repeat: 4, net: {hidden: [8, 8], activation: leaky_relu}}]"]
        err = self.bad(["run", "job.yaml", "--out", "out", *WILD, *wide], "train: step ", "overflows", code=3)
        self.assertRegex(err, r"step \d+: .*layer \d \((affine|scale)\)")

    def test_earlier_stages_survive(self):
        self.bad(["run", "job.yaml", "--out", "out", *WILD, *DEEP], code=3)
        self.assertIn("one.hmc.chi2", self.good("show", "out", "--json"))


if __name__ == "__main__":
    program.main()
