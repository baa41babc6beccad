"""Parameters of a finished training serve another job, also at another volume (model.start)."""
import program
from program import Case

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
        self.bad(("run", "job.yaml", "--out", "b", *LARGER, "--set", "model.start.run=nowhere"), "nowhere")
        self.bad(("run", "job.yaml", "--out", "c", *LARGER, *start, "--set", "model.start.case=x"), "has no training 'x/train'")


if __name__ == "__main__":
    program.main()
