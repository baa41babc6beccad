"""The same job gives the same results, to the last digit, for any number of threads: for 3, which divide nothing, and with CW_LONG=1
for 2 as well (which tools/check_ranks compares, too)."""
import os

import program
from program import GAUGE, JOB, SPINS, Case

LONG = os.environ.get("CW_LONG") == "1"
FORWARD = ["--set", "train.loss=forward_kl", "--set", "model.z2_mixture=true", "--set", "train.gradient=plain"]
CLUSTER = ["--set", "hmc=null", "--set", "cluster={chains: 40, thermalise: 50, steps: 100, keep: 80}", "--set", "forward.data=cluster",
           "--set", "chain.sampler=cluster"]
LAYERS = ["--set", "model.layers=[{kind: spline, repeat: 2, net: {kind: dense, hidden: [16]}}, {kind: additive, repeat: 2}, {kind: mean}]"]

# Fewer steps than these jobs have: bits that differ after one of them differ after all that follow. Options of a test come later.
FEWER = {
    JOB: ["hmc.thermalise=20", "hmc.steps=80", "nis.samples=9000", "nmcmc.thermalise=20", "nmcmc.steps=100", "chain.thermalise=20", "chain.steps=20"],
    GAUGE: ["heatbath.thermalise=4", "heatbath.steps=24", "heatbath.keep=8", "hmc.thermalise=4", "hmc.steps=10"],
    SPINS: ["cluster.steps=300", "cluster.keep=160", "train={batch: 96, steps: 80, warmup: 10, anneal: 40}", "nis.samples=9000",
            "nmcmc.steps=200"],
}


class Threads(Case):
    def run_as(self, name, job, *options):
        self.write("job.yaml", job)
        fewer = [] if LONG else [word for key in FEWER[job] for word in ("--set", key)]
        self.good("run", "job.yaml", "--out", name, *fewer, *options)

    def check(self, *options, job=JOB):
        for threads in (1, 2, 3) if LONG else (1, 3):
            self.run_as(threads, job, "--threads", threads, *options)
            self.assertEqual(self.results(threads), self.results(1), f"{threads} threads, {options}")

    def test_reverse_kl(self):
        self.check()

    def test_forward_kl_of_a_mixture(self):
        self.check(*FORWARD)

    def test_clusters(self):
        self.check(*CLUSTER)

    def test_splines_dense_networks_and_the_mean(self):
        self.check(*LAYERS)

    def test_spins(self):
        self.check(job=SPINS)

    def test_convolutions_of_spins_by_forward_kl(self):
        self.check("--set", "train={loss: forward_kl, batch: 48, steps: 50}", "--set", "model={kind: pixelcnn, gated: true, hidden: [5]}", job=SPINS)

    def test_gauge_fields(self):
        """Few chains of links are cut into other sub-lattices for other numbers of threads."""
        self.check(job=GAUGE)

    def test_gauge_fields_on_unequal_extents(self):
        self.check("--set", "theory.kind=u1", "--set", "theory.beta=1", "--set", "lattice=[4, 6, 2, 8]", job=GAUGE)

    def test_seeds_differ(self):
        """What is compared above does depend on what was drawn."""
        for seed in (3, 4):
            self.run_as(seed, JOB, "--seed", seed)
        a, b = self.results(3), self.results(4)
        different = [x["name"] for x, y in zip(a["results"], b["results"]) if x["value"] == y["value"]]
        # counts, and what is 0 or 1 where a model covers the target
        discrete = ("longest_rejection", "forward.outside", "forward.outside_model", "forward.missed")
        self.assertEqual([n for n in different if not n.endswith(discrete) and "bias_bound" not in n], [])


if __name__ == "__main__":
    program.main()
