"""Where a job starts from: parameters of a finished training, also at another volume (model.start); chains hot, cold or from
a configuration file (start, start_file)."""
import struct

import program
from program import GAUGE, Case

JOB = """\
job: start
seed: 5
lattice: [6, 6]
theory: {kind: phi4, form: m2, m2: -4, lambda: 8}
model:
  prior: {kind: free, sigma: 0.4, mass2: 1}
  layers: [{kind: affine, repeat: 6, z2: true, net: {kind: conv, hidden: [8], kernel: 3}}]
train: {batch: 256, steps: 400, rate: 0.005, clip: 10}
nis: {samples: 4096}
"""
LARGER = ("--set", "lattice=[8, 8]", "--set", "train=null")


class Start(Case):
    def setUp(self):
        super().setUp()
        self.write("job.yaml", JOB)
        self.good("run", "job.yaml", "--out", "small")

    def ess(self, directory, *words):
        self.good("run", "job.yaml", "--out", directory, *LARGER, *words)
        return self.results(directory)["flow"]["ess"]

    def test_trained_parameters_serve_a_larger_volume(self):
        trained = self.results("small")["flow"]["ess"]
        fresh = self.ess("fresh")
        carried = self.ess("carried", "--set", "model.start.run=small")
        self.assertGreater(trained, 0.3)
        self.assertGreater(carried, 10 * fresh)

    def test_another_model_or_no_run_is_refused(self):
        start = ("--set", "model.start.run=small")
        self.bad(("run", "job.yaml", "--out", "a", *LARGER, *start, "--set", "model.layers[0].repeat=2"), "parameters")
        self.bad(("run", "job.yaml", "--out", "a2", *LARGER, *start, "--set", "model.layers[0].net.activation=leaky_relu", "--set", "model.layers[0].z2=false"), "other 'layers'")
        self.bad(("run", "job.yaml", "--out", "b", *LARGER, "--set", "model.start.run=nowhere"), "nowhere")
        self.bad(("run", "job.yaml", "--out", "c", *LARGER, *start, "--set", "model.start.case=x"), "start: run 'small' has no case 'x'")


CONTINUOUS = """\
job: continuous
seed: 5
lattice: [6, 6]
theory: {kind: phi4, form: m2, m2: -4, lambda: 6.975}
model:
  prior: {kind: normal, sigma: 0.4}
  layers: [{kind: continuous, steps: 24, train_steps: 4, features: 4, harmonics: 6, range: 2}]
train: {batch: 128, steps: 150, rate: 0.02, clip: 10}
nis: {samples: 4096}
"""


class Continuous(Case):
    """Kernels over the whole lattice go to another one, and a density that is an integral is held to determinants."""

    def setUp(self):
        super().setUp()
        self.write("job.yaml", CONTINUOUS)
        self.good("run", "job.yaml", "--out", "small")

    def quality(self, directory, *words):
        self.good("run", "job.yaml", "--out", directory, "--set", "train=null", *words)
        return self.results(directory)

    def test_kernels_go_to_other_lattices(self):
        start = ("--set", "model.start.run=small")
        self.assertGreater(self.results("small")["flow"]["ess"], 0.9)
        same = self.quality("same", *start)["flow"]
        self.assertEqual(same["ess"], self.results("small")["flow"]["ess"])
        for lattice in "[8, 6]", "[8, 10]", "[4, 5]":
            larger = self.quality(f"at{lattice[1]}{lattice[4:-1]}", *start, "--set", f"lattice={lattice}")["flow"]
            self.assertGreater(larger["ess"], 0.5)

    def test_kernels_of_blocks_go_to_other_lattices(self):
        words = ("--set", "model.layers[0].block=3", "--set", "nis.samples=64")
        self.good("run", "job.yaml", "--out", "blocks", *words, "--set", "train.steps=2")
        self.good("run", "job.yaml", "--out", "wide", *words, "--set", "train=null", "--set", "model.start.run=blocks", "--set", "lattice=[12, 9]")
        self.bad(("run", "job.yaml", "--out", "all", "--set", "train=null", "--set", "model.start.run=blocks"), "other 'layers'")

    def test_how_far_a_density_is_off(self):
        start = ("--set", "model.start.run=small")
        lnz, off, warned = {}, {}, {}
        for steps in 3, 24:
            run = self.quality(f"steps{steps}", *start, "--set", f"model.layers[0].steps={steps}")
            named = {r["name"]: r for r in run["results"]}
            off[steps] = named["nis.lnq_off"]
            lnz[steps] = named["lnZ"]
            warned[steps] = "ln q is off" in self.good("show", f"steps{steps}")
        self.assertGreater(abs(off[3]["value"]), 20 * abs(off[24]["value"]))
        self.assertTrue(warned[3] and not warned[24])
        moved = lnz[24]["value"] - lnz[3]["value"] - off[3]["value"]
        self.assertLess(abs(moved), 4 * (off[3]["error"] + 1e-4))

    def test_what_is_refused(self):
        start = ("--set", "model.start.run=small", "--set", "train=null")
        self.bad(("run", "job.yaml", "--out", "a", *start, "--set", "model.layers[0].features=8"), "other 'layers'")
        self.bad(("run", "job.yaml", "--out", "b", *start, "--set", "lattice=[6, 6, 6]"), "are of a lattice of 2 directions, and this one has 3")
        self.bad(("run", "job.yaml", "--out", "c", "--set", "model.layers[0].features=6"), "must be a multiple of 4")
        self.bad(("run", "job.yaml", "--out", "e", "--set", "model.layers[0].block=4"), "block: 4 does not divide the extent 6")
        self.bad(("run", "job.yaml", "--out", "f", "--set", "model.layers[0].block=2", "--set", "model.layers[0].stride=2"), "there is a 'stride' too")
        self.bad(("run", "job.yaml", "--out", "d", "--set", "lattice=[6, 67]"), "prime factors are at most 61, not 67")


SPINS = """\
job: spins
seed: 5
lattice: [4, 6]
theory: {kind: ising, beta: 0.4}
model: {kind: pixelcnn, kernel: 3, hidden: [8, 8]}
train: {batch: 64, steps: 200, warmup: 10, rate: 0.01}
nis: {samples: 2048}
"""


class Spins(Case):
    """Convolutions go to another volume, other networks stay at theirs."""

    def test_start(self):
        self.write("job.yaml", SPINS)
        start = ("--set", "model.start.run=small", "--set", "train=null")
        self.good("run", "job.yaml", "--out", "small")
        for out, words in (("fresh", ("--set", "train=null")), ("carried", start)):
            self.good("run", "job.yaml", "--out", out, "--set", "lattice=[6, 6]", *words)
        self.assertGreater(self.results("carried")["flow"]["ess"], 1.2 * self.results("fresh")["flow"]["ess"])
        self.good("run", "job.yaml", "--out", "again", *start)
        self.assertGreater(self.results("again")["flow"]["ess"], 0.95 * self.results("small")["flow"]["ess"])
        self.bad(("run", "job.yaml", "--out", "a", *start, "--set", "model.bonds=false"), "other 'bonds'")
        self.good("run", "job.yaml", "--out", "rows", "--set", "model={kind: frontier, hidden: [8]}")
        rows = ("--set", "model={kind: frontier, hidden: [8], start: {run: rows}}", "--set", "train=null", "--set", "lattice=[6, 4]")
        self.bad(("run", "job.yaml", "--out", "b", *rows), "of another lattice")


LADDER = """\
job: ladder
seed: 5
lattice: [4, 4]
theory: {kind: phi4, form: kappa, kappa: 0.3, lambda: 0.1}
ladder: {from: {kappa: 0.1}, rungs: 4}
snf: {particles: 64, walks: 8, flow: {layers: [{kind: affine, repeat: 2, z2: true, net: {hidden: [4]}}]}, train: {steps: 100, batch: 64, rate: 4e-3}}
"""


class Flows(Case):
    """Of a ladder: those trained at one volume serve another as they are."""

    def work(self, directory, *words):
        self.good("run", "job.yaml", "--out", directory, "--set", "lattice=[8, 6]", "--set", "snf.train.steps=0", *words)
        return {r["name"]: r["value"] for r in self.results(directory)["results"]}["snf.dissipated_work"]

    def test_trained_flows_serve_a_larger_volume(self):
        self.write("job.yaml", LADDER)
        self.good("run", "job.yaml", "--out", "small")
        start = ("--set", "snf.flow.start.run=small")
        fresh, carried = self.work("fresh"), self.work("carried", *start)
        self.assertLess(carried, 0.9 * fresh)
        self.bad(("run", "job.yaml", "--out", "a", *start, "--set", "ladder.rungs=5"), "start: training 'snf.train' of run 'small' is not of 4 flows")
        self.bad(("run", "job.yaml", "--out", "b", *start, "--set", "snf.flow.layers[0].repeat=1"), "parameters")


def unit_links(extents):
    """A NERSC archive file of unit matrices."""
    sites = 1
    for n in extents:
        sites *= n
    words = struct.pack(">18d", *(1.0 if k in (0, 8, 16) else 0.0 for k in range(18))) * (4 * sites)
    checksum = sum(struct.unpack(f">{len(words) // 4}I", words)) & 0xffffffff
    head = ["DATATYPE = 4D_SU3_GAUGE_3x3", *(f"DIMENSION_{d + 1} = {n}" for d, n in enumerate(extents)),
            f"CHECKSUM = {checksum:x}", "LINK_TRACE = 1.0", "PLAQUETTE = 1.0", "FLOATING_POINT = IEEE64BIG"]
    return "\n".join(["BEGIN_HEADER", *head, "END_HEADER", ""]).encode() + words


class Chains(Case):
    def run_from(self, start):
        self.write("job.yaml", GAUGE.replace("start: cold", start).replace("thermalise: 6, steps: 30", "thermalise: 0, steps: 8"))
        out = start.split(": ")[1]
        self.good("run", "job.yaml", "--out", f"out-{out}", "--set", "heatbath=null", "--quiet")
        return self.results(f"out-{out}")

    def test_file_of_unit_links_is_a_cold_start(self):
        (self.dir / "unit").write_bytes(unit_links((4, 4, 4, 4)))
        cold = self.run_from("start: cold")
        self.assertEqual(self.run_from("start_file: unit"), cold)
        self.assertNotEqual(self.run_from("start: hot"), cold)

    def test_another_lattice_is_refused(self):
        (self.dir / "unit").write_bytes(unit_links((4, 4, 4, 6)))
        self.write("job.yaml", GAUGE.replace("start: cold", "start_file: unit"))
        self.bad(["run", "job.yaml", "--out", "out"], "unit", "4x4x4x6")


if __name__ == "__main__":
    program.main()
