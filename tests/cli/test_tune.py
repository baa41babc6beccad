"""causeway tune: rungs, switches and defects, of U(1) and phi4 on small lattices; costs in updates are the same on any machine."""
import json
import math
import os
import re
import signal
import unittest

import program
from program import Case

long = unittest.skipUnless(os.environ.get("CW_LONG") == "1", "long")

# Two replicas whose sampler steps are dear and whose switch is far too short.
SWITCH = """\
job: tuned
seed: 2
lattice: [8, 8]
theory: {kind: u1, form: defect, beta: 7, factor: 1, edge_1: 1}
ladder: {from: {factor: 0}, rungs: 2}
ptbc: {sampler: heatbath, chains: 16, thermalise: 30, steps: 600, heatbath: 1, overrelax: 1, multiples: [1, 1], way: {steps: 2, power: 0.7, levels: [{hops: 2}]}}
"""

# A defect that is larger than what must pass, and more sweeps around it than pay.
DEFECT = """\
job: tuned
seed: 4
lattice: [8, 8]
theory: {kind: u1, form: defect, beta: 7, factor: 1, edge_1: 3}
cases:
  far: {ladder: {from: {factor: 0}, rungs: 2}, ptbc: {sampler: heatbath, chains: 8, thermalise: 30, steps: 400, heatbath: 1, overrelax: 1, order: random, levels: [{margin: 1, sweeps: 16}], way: {steps: 12, levels: [{hops: 2}]}}}
"""

SITES = """\
job: tuned
seed: 2
lattice: [4, 4]
theory: {kind: phi4, form: kappa, kappa: 0.3, lambda: 0.1}
ladder: {from: {kappa: 0.05}, rungs: 4}
rex: {sampler: hmc, chains: 24, thermalise: 50, steps: 400}
"""

VALUE = re.compile(r"(-?[\d.]+)(?:\(([\d.]+)\))?(?:e([-+]\d+))?$")


def number(cell):
    """(value, error) of 0.494(12), 13199(431), 1.25(31)e-07; nan of "-"."""
    if cell == "-":
        return math.nan, math.nan
    value, error, power = VALUE.match(cell).groups()
    scale = 10.0 ** int(power or 0)
    digits = len(value.partition(".")[2])
    error = 0 if error is None else float(error) * (1 if "." in error else 10.0**-digits)
    return float(value) * scale, error * scale


def rows(text):
    """{trial: {column: (value, error) or text}}, the best of each moment in the list of stars."""
    lines = text.splitlines()
    heads = lines[0].split()
    found, stars = {}, []
    for line in lines[1:]:
        match = re.match(r"(\d+|again) (\*)? *(.*)", line)
        if match is None or "refused" in line:
            continue
        cells = match[3].split(None, len(heads) - 2)
        found[match[1]] = dict(zip(heads[1:], [number(c) for c in cells[:-1]] + cells[-1:]))
        stars += [match[1]] if match[2] else []
    return found, stars


def around(hops):
    """Links within so many plaquette hops of the one from (7, 0) in direction 0, on 8 x 8."""
    found = {(7, 0, 0)}
    for _ in range(hops):
        for x in range(8):
            for y in range(8):
                plaquette = {(x, y, 0), ((x + 1) % 8, y, 1), (x, (y + 1) % 8, 0), (x, y, 1)}
                found |= {("new", *link) for link in plaquette} if found & plaquette else set()
        found = {link[-3:] for link in found}
    return len(found)


class Tune(Case):
    def tune(self, *words):
        text = self.good("tune", "job.yaml", "--cost", "updates", *words)
        return (text, *rows(text))

    def line(self, text, section):
        """What tune says of a section, as assignments of its keys."""
        match = re.search(rf"^{section}: {{(.*)}}$", text, flags=re.M)
        self.assertIsNotNone(match, text)
        return match[1]

    def run_values(self, *words, name="out"):
        """Results of a run by name."""
        self.good("run", "job.yaml", "--out", name, *words)
        return {r["name"]: r for r in self.results(name)["results"]}

    def test_more_steps_where_there_are_too_few(self):
        self.write("job.yaml", SWITCH)
        text, trials, stars = self.tune("--for", "swaps", "--steps", "60", "--threads", "1")
        self.assertEqual(self.good("tune", "job.yaml", "--cost", "updates", "--for", "swaps", "--steps", "60", "--threads", "2"), text)
        way = self.line(text, "ptbc")
        self.assertGreaterEqual(int(re.match(r"way: {steps: (\d+)", way)[1]), 8)
        self.assertIn(way.removeprefix("way: "), trials[stars[-1]]["job"])
        cost = [trials[s]["updates/swap"][0] for s in stars]
        self.assertEqual(cost, sorted(cost, reverse=True))
        self.assertLess(cost[-1], 0.5 * cost[0])
        # what it says of costs is so: sampler steps on the way are of 1 + 6 + 16 links, there and back; a step has a
        # proposal in every other one, and visits all links of both replicas
        first = trials["1"]
        self.assertEqual(first["updates/proposal"][0], 2 * around(2))
        step = 2 * 2 * 64 + 0.5 * 2 * around(2)
        self.assertAlmostEqual(first["updates/swap"][0] * first["acceptance"][0] * 0.5 / step, 1, delta=0.01)
        # and a run with the line in its job swaps as it says
        best = trials["again"]["acceptance"]
        r = self.run_values("--set", "ptbc." + way.replace("way: ", "way=", 1))["ptbc.swap_acceptance[0]"]
        self.assertLess(abs(r["value"] - best[0]), 4 * math.hypot(r["error"], best[1]), (r, best))
        self.assertLess(best[1], 0.05 * best[0])

    def test_acceptance_of_works_where_nothing_is_accepted(self):
        """Six open links at once: K says how far away a swap is, and tune finds its way from there."""
        self.write("job.yaml", SWITCH)
        text, trials, stars = self.tune("--for", "swaps", "--steps", "30", "--rounds", "1", "--set", "theory.edge_1=6", "--set", "ptbc.way.steps=1")
        first, last = (trials[s]["acceptance"] for s in (stars[0], "again"))
        self.assertLess(first[0], 1e-4)
        self.assertAlmostEqual(first[0] / math.erfc(math.sqrt(trials["1"]["K"][0]) / 2), 1, delta=0.2)
        self.assertGreater(last[0], 0.05)

    def test_the_next_trial_begins_in_equilibrium(self):
        """Many chains, and short steps of which there are few: both rows say the same where each rung begins with its own fields."""
        self.write("job.yaml", SITES.replace("rungs: 4", "rungs: 2").replace("chains: 24, thermalise: 50, steps: 400", "chains: 800, length: 0.1, thermalise: 600, steps: 400, way: {steps: 4}"))
        _, trials, _ = self.tune("--for", "swaps", "--steps", "6", "--rounds", "0")
        (a, da), (b, db) = (trials[t]["K"] for t in ("1", "again"))
        self.assertLess(abs(a - b), 4 * math.hypot(da, db), trials)
        self.assertLess(db, 0.05 * b)

    @long
    def test_rungs_of_a_switch(self):
        """Where work on the way is as dear as elsewhere, three replicas are better than two; the ladder goes into the job."""
        job = SWITCH.replace(", multiples: [1, 1]", ", order: random, levels: [{hops: 2, sweeps: 4}]").replace("steps: 2,", "steps: 1,")
        self.write("job.yaml", job)
        text, trials, stars = self.tune("--for", "swaps", "--steps", "30", "--rounds", "1")
        ladder = self.line(text, "ladder")
        self.assertGreaterEqual(ladder.count(","), 2)
        self.assertIn("rungs: " + ladder.removeprefix("positions: "), trials[stars[-1]]["job"])
        self.write("job.yaml", job.replace("rungs: 2", ladder))
        values = self.run_values("--set", "ptbc." + self.line(text, "ptbc").replace("way: ", "way=", 1))
        pairs = [values[f"ptbc.swap_acceptance[{k}]"] for k in range(ladder.count(","))]
        least, best = min(pairs, key=lambda r: r["value"]), trials["again"]["acceptance"]
        self.assertLess(abs(least["value"] - best[0]), 4 * math.hypot(least["error"], best[1]), (least, best))

    def test_a_smaller_defect_and_fewer_sweeps(self):
        self.write("job.yaml", DEFECT)
        text, trials, stars = self.tune("--for", "tunnelling", "--case", "far", "--steps", "80", "--rounds", "1")
        self.assertLess(int(re.search(r"edge_1: (\d)", self.line(text, "theory"))[1]), 3)
        self.assertIn("from: {factor: ", self.line(text, "ladder"))
        section = self.line(text, "ptbc")
        self.assertLess(int(re.search(r"margin: 1, sweeps: (\d+)", section)[1]), 16)
        self.assertLess(trials["again"]["updates/change"][0], 0.5 * trials["1"]["updates/change"][0])
        # half as many links, half as many steps
        smaller = next(t for t in trials.values() if "edge_1: 2" in t["job"])
        self.assertIn("steps: 8", smaller["job"])

    def test_changes_of_sector_are_those_of_a_run(self):
        """Without swaps the replica on the last rung is always the same; where replicas swap that are frozen the rung changes, not they."""
        for text, swaps in ((DEFECT.replace("beta: 7", "beta: 4").replace("edge_1: 3", "edge_1: 7").replace("steps: 12, ", "steps: 1, "), False),
                            (DEFECT.replace("edge_1: 3", "edge_1: 1").replace("factor: 0}", "factor: 0.8}").replace("beta: 7", "beta: 9"), True)):
            self.write("job.yaml", text.replace("order: random", "order: random, measure: all").replace("sweeps: 16", "sweeps: 1"))
            _, trials, _ = self.tune("--for", "tunnelling", "--steps", "400", "--rounds", "0")
            rate, error = trials["1"]["changes/step"]
            last = self.run_values(name=f"out{swaps}")["far.ptbc.tunnelling_last_rung"]
            if swaps:
                self.assertLess(rate + 4 * error, 0.1 * last["value"])
                self.assertGreater(rate, 0)
            else:
                self.assertLess(abs(rate - last["value"]), 4 * math.hypot(error, last["error"]), (rate, error, last))
                self.assertLess(error, 0.1 * rate)

    def test_rungs_for_equal_acceptance(self):
        self.write("job.yaml", SITES)
        for way in ("", ", way: {steps: 3, power: 0.8}"):
            self.write("job.yaml", SITES.replace("steps: 400}", f"steps: 400{way}}}"))
            text = self.good("tune", "job.yaml", "--target", "0.4", "--rounds", "4")
            accept = [float(a) for a in re.findall(r"^  acceptance +(.*?) *$", text, flags=re.M)[-1].split()]
            self.assertLess(max(accept) - min(accept), 0.1, text)
            self.assertGreater(min(accept), 0.3)
            self.write("job.yaml", (self.dir / "job.yaml").read_text().replace("rungs: 4", self.line(text, "ladder")))
            values = self.run_values(name="way" if way else "plain")
            for k, a in enumerate(accept):
                r = values[f"rex.swap_acceptance[{k}]"]
                self.assertLess(abs(r["value"] - a), 0.05, (way, k, r))
            counts = len(accept) if way == "" else counts - len(accept)
        self.assertGreater(counts, 0)  # with a way fewer rungs are enough

    @long
    def test_a_chain_of_sites_with_a_way(self):
        self.write("job.yaml", SITES.replace("rungs: 4", "rungs: 2").replace("steps: 400}", "steps: 400, mutations: 8, multiples: [1, 1], way: {steps: 1}}"))
        text, trials, _ = self.tune("--for", "swaps", "--steps", "60")
        self.assertGreater(int(re.match(r"way: {steps: (\d+)", self.line(text, "rex"))[1]), 1)
        self.assertEqual(trials["2"]["updates/proposal"][0], 2 * 16)

    def test_what_stops_leaves_the_best_so_far(self):
        self.write("job.yaml", SWITCH)
        process = self.start("tune", "job.yaml", "--for", "swaps", "--cost", "updates", "--steps", "1000")
        lines = [process.stdout.readline() for _ in range(4)]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=100)
        self.assertEqual(process.returncode, 130)
        self.assertIn("tune: stopped", err)
        self.assertRegex(lines[1], r"^1 \*")
        self.assertGreaterEqual(int(re.search(r"(?m)^ptbc: {way: {steps: (\d+),", out)[1]), 4)

    def test_refusals(self):
        self.write("job.yaml", SWITCH)
        local = SWITCH[:SWITCH.index("ladder:")] + "heatbath: {chains: 4}\n"
        for words, parts in (
            (("--for", "swap"), "--for: expected one of rungs, swaps, tunnelling, found 'swap'"),
            (("--for", "swaps", "--cost", "time"), "--cost: expected one of seconds, updates, found 'time'"),
            (("--for", "swaps", "--target", "0.3"), "--target goes with --for rungs alone"),
            (("--for", "swaps", "--set", "ptbc.way=null"), "section 'ptbc' has no key 'way'"),
            (("--for", "swaps", "--case", "far"), "the job has no case 'far'"),
            (("--for", "swaps", "--steps", "3"), "at least 1 round of 4 steps"),
            (("--for", "tunnelling", "--set", "ptbc.every=100"), "the sector is measured every 100 steps: expected at least 400"),
            (("--for", "swaps", "--set", "ptbc.way.power=0"), "must lie in"),
        ):
            self.check_refusal(words, parts)
        for text, words, parts in (
            (local, ("--for", "swaps"), "no section 'rex' or 'ptbc'"),
            (SITES, ("--for", "tunnelling"), "needs a theory with a defect"),
            (SITES, ("--for", "swaps"), "section 'rex' has no key 'way'"),
            (program.LADDER, ("--for", "swaps"), "swaps by the flows of 'craft', which are not trained here"),
            (SWITCH.replace("u1", "su3").replace("[8, 8]", "[4, 4, 4, 4]").replace("chains: 32", "chains: 1"), ("--for", "tunnelling"),
             "no observable of the job tells sectors apart"),
        ):
            self.write("job.yaml", text)
            self.check_refusal(words, parts)

    def check_refusal(self, words, part):
        code, _, err = self.run_program("tune", "job.yaml", *words)
        self.assertEqual(code, 2, (words, err))
        self.assertRegex(err, r"\Aerror: [^\n]+\n\Z")
        self.assertIn(part, err)

    def test_nothing_tunnels(self):
        self.write("job.yaml", DEFECT)
        code, out, err = self.run_program("tune", "job.yaml", "--for", "tunnelling", "--case", "far", "--steps", "4", "--rounds", "1", "--set", "theory.beta=60",
                                          "--set", "cases.far.ptbc.thermalise=0", "--set", "cases.far.ptbc.start=cold")
        self.assertEqual(code, 3, err)
        self.assertIn("no change of sector", err)


if __name__ == "__main__":
    program.main()
