"""causeway show DIR PATTERN... and causeway compare: which results are chosen, how far runs are apart, what they cost."""
import json
import math
import re

import program
from program import JOB, SHORT, Case

TINY = JOB.replace("samples: 20000", "samples: 2000").replace("steps: 400, keep: 320", "steps: 40, keep: 64")


class Show(Case):
    def setUp(self):
        super().setUp()
        self.write("job.yaml", TINY)
        self.good("run", "job.yaml", "--out", "out", "--quiet")
        self.all = json.loads(self.good("show", "out", "--json"))

    def chosen(self, *patterns):
        """Names of the results that show prints, the same in its tables and its JSON."""
        document = json.loads(self.good("show", "out", *patterns, "--json"))
        by_name = {entry["name"]: entry for entry in self.all["results"]}
        for entry in document["results"]:
            self.assertEqual(entry, by_name[entry["name"]])
        for key in ("flow", "warnings", "missing", "timing", "cases"):
            self.assertEqual(document[key], self.all[key])
        names, case = [], ""
        for line in self.good("show", "out", *patterns).splitlines():
            if line.startswith("== case "):
                case = line.removeprefix("== case ")
            elif re.match(r"  \S+ +\S+ .*  (1|a|1/a|steps)$", line):
                names.append(f"{case}.{line.split()[0]}")
        self.assertEqual(names, [entry["name"] for entry in document["results"]])
        return names

    def of_all(self, wanted):
        return [entry["name"] for entry in self.all["results"] if wanted(entry["name"])]

    def test_patterns(self):
        self.assertEqual(self.chosen("one.hmc.*"), self.of_all(lambda name: name.startswith("one.hmc.")))
        self.assertEqual(self.chosen("hmc.*"), self.of_all(lambda name: ".hmc." in name))
        self.assertEqual(self.chosen("*chi2"), self.of_all(lambda name: name.endswith("chi2")))
        self.assertEqual(self.chosen("chi2"), self.chosen("*chi2"))
        self.assertEqual(self.chosen("two.nis.chi2", "one.lnZ"), ["one.lnZ", "two.nis.chi2"])
        self.assertEqual(self.chosen("nis.correlator[1]"), [f"{case}.nis.correlator[1]" for case in ("one", "two")])
        self.assertEqual(self.chosen("one.nis.m_eff[?]"), ["one.nis.m_eff[0]", "one.nis.m_eff[1]"])
        self.assertEqual(len(self.chosen("correlator")), 2 * 3 * 3)
        self.assertEqual(self.chosen("*"), self.of_all(lambda name: True))

    def test_what_is_no_name(self):
        for pattern, near in (("hmc.ch2", "hmc.chi2"), ("*ch2", "chi2"), ("one.hmc.corelator[1]", "one.hmc.correlator[1]"),
                              ("one.hcm.*", "one.hmc.*")):
            self.bad(["show", "out", pattern], f"show: no result is called '{pattern}'; did you mean '", near)
        self.bad(["show", "out", "*zebra"], "no result is called '*zebra' ('causeway show DIR' lists them)")
        self.bad(["show", "out", "*chi2", "*zebra", "--json"], "no result is called '*zebra'")
        self.bad(["show"], "which directory? Usage: causeway show DIR [PATTERN]... [--json]")
        self.bad(["report"], "which directory? Usage: causeway report DIR")
        self.bad(["report", "out", "*chi2"], "expected one directory, found '*chi2' too")

    def test_tables_without_the_rest(self):
        text = self.good("show", "out", "hmc.chi2")
        for absent in ("lattice ", "ESS", "time  ", "NMCMC  ", "Free energ"):
            self.assertNotIn(f"\n{absent}", text)


class Compare(Case):
    def run_of(self, name, *words):
        self.write("job.yaml", SHORT)
        self.good("run", "job.yaml", "--out", name, "--quiet", *words)

    def compared(self, *words):
        return json.loads(self.good("compare", *words, "--json"))

    def test_two_runs(self):
        self.run_of("a")
        self.run_of("b", "--seed", 4)
        document = self.compared("a", "b")
        self.assertEqual([run["same"] for run in document["runs"]], [None, None])
        self.assertEqual([(run["dir"], run["job"], run["seed"]) for run in document["runs"]], [("a", "short", 3), ("b", "short", 4)])
        shown = [{r["name"]: r for r in self.results(name)["results"]} for name in "ab"]
        self.assertEqual([row["name"] for row in document["results"]], list(shown[0]))
        for row in document["results"]:
            a, b = (one[row["name"]] for one in shown)
            for found, expected in zip(row["values"], (a, b)):
                for key in ("value", "error", "tau_int", "ess"):
                    self.assertEqual(found[key], expected[key])
                self.assertAlmostEqual(found["cost"] / (found["error"] ** 2 * found["seconds"]), 1, 12)
                self.assertEqual((found["training"], found["cost_with_training"]), (0, found["cost"]))
            self.assertIsNone(row["values"][0]["sigma"])
            self.assertAlmostEqual(row["values"][1]["sigma"], (b["value"] - a["value"]) / math.hypot(a["error"], b["error"]), 12)
        text = self.good("compare", "a", "b")
        chi2 = next(row for row in document["results"] if row["name"] == "hmc.chi2")["values"]
        line = re.search(r"(?m)^  hmc.chi2 +(\S+) +(\S+) +([-+]\S+)  1$", text)
        self.assertTrue(line.group(1).startswith(f"{chi2[0]['value']:.3f}("), text)
        self.assertEqual(line.group(3), f"{chi2[1]['sigma']:+.2f}")
        self.assertNotIn("note ", text)
        self.assertEqual(re.findall(r"(?m)^Cost of (\w+)$", text), ["phi", "chi2"])
        self.assertRegex(text, rf"(?m)^  hmc.chi2 +2 .* {re.escape(format(chi2[1]['cost'], '.3g'))} ")

    def test_the_same_run_is_told(self):
        self.run_of("a")
        self.run_of("again")
        self.run_of("longer", "--set", "hmc.steps=80")
        document = self.compared("a", "again", "a", "longer")
        self.assertEqual([run["same"] for run in document["runs"]],
                         [None, {"run": 1, "in": "job and seed"}, {"run": 1, "in": "job and seed"}, {"run": 1, "in": "seed"}])
        for row in document["results"]:
            self.assertEqual([value["sigma"] is None for value in row["values"]], [True, True, True, False])
        text = self.good("compare", "a", "again")
        self.assertIn("\nnote      run 2 is run 1 once more: the same job with the same seed, whose numbers are the same\n", text)
        self.assertNotRegex(text, r"[-+]\d+\.\d\d  ")
        self.assertIn("\nnote      runs 1 and 2 have the same seed", self.good("compare", "a", "longer"))

    def test_training_is_apart(self):
        self.run_of("a")
        self.write("tiny.yaml", TINY)
        self.good("run", "tiny.yaml", "--out", "tiny", "--quiet", "--seed", 5)
        document = self.compared("tiny", "a", "--only", "one.nis.chi2", "--only", "one.lnZ", "--only", "hmc.chi2")
        self.assertEqual([row["name"] for row in document["results"]], ["one.hmc.chi2", "one.nis.chi2", "one.lnZ", "two.hmc.chi2", "hmc.chi2"])
        timing = json.loads(self.good("show", "tiny", "--json"))["timing"]
        nis, lnZ = document["results"][1]["values"][0], document["results"][2]["values"][0]
        self.assertEqual((nis["seconds"], nis["training"]), (timing["one.nis"], timing["one.train"]))
        self.assertAlmostEqual(nis["cost_with_training"] / nis["cost"], 1 + timing["one.train"] / timing["one.nis"], 10)
        self.assertEqual((lnZ["seconds"], lnZ["cost"], document["results"][1]["values"][1]), (None, None, None))
        text = self.good("compare", "tiny", "a")
        self.assertRegex(text, r"(?m)^  \d+ more are results of one run alone$")
        costs = text.split("\nCost of chi2\n")[1]
        self.assertEqual(re.findall(r"(?m)^  (\S+) +([12])  ", costs),
                         [(f"{case}.{method}.chi2", "1") for case in ("one", "two") for method in ("hmc", "nis", "nmcmc")] + [("hmc.chi2", "2")])

    def test_one_run_has_its_costs(self):
        self.run_of("a")
        text = self.good("compare", "a")
        self.assertNotIn("sigma", text)
        self.assertRegex(text, r"(?m)^run 1 +a: job .*\n\nCost of ")
        self.assertRegex(text, r"(?m)^  hmc.chi2 +1  ")
        self.assertEqual(len(json.loads(self.good("compare", "a", "--json"))["runs"]), 1)

    def test_bad_words(self):
        self.run_of("a")
        self.bad(["compare"], "compare: expected a directory or more, found none. Usage: causeway compare DIR...")
        self.bad(["compare", "a", "b"], "cannot open store 'b/store'")
        self.bad(["compare", "a", "a", "--only", "hmc.ch2"], "compare: no result is called 'hmc.ch2'; did you mean 'hmc.chi2'?")
        self.bad(["compare", "a", "a", "--ony", "x"], "unknown option '--ony'; did you mean '--only'?")
        self.bad(["compare", *["a"] * 17], "expected at most 16 directories")


if __name__ == "__main__":
    program.main()
