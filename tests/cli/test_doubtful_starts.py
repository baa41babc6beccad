"""Chains that start from a gauge configuration that should not be believed as it is: the same checks as of causeway info, what is
projected, what is ignored by the user's word, and what is said of it ever after."""
import json
import os
import shutil

import program
from configuration_files import SMALL, Links, ildg, nersc, parse_nersc
from test_doubtful_configurations import Doubtful

JOB = """\
job: start
seed: 3
lattice: [2, 2, 2, 4]
theory: {kind: su3, beta: 5.7}
heatbath: {chains: 2, thermalise: 4, steps: 24, start_file: links}
"""


class Starts(Doubtful):
    """start_file of a job: the same checks, project_start and ignore_checks."""

    def run_job(self, *assignments, job=JOB, out="out"):
        self.write("job.yaml", job)
        words = [word for assignment in assignments for word in ("--set", assignment)]
        return ["run", "job.yaml", "--out", out, "--threads", 1, "--quiet", *words]

    def refused_job(self, *parts, assignments=()):
        self.bad(self.run_job(*assignments), *parts)
        self.assertFalse((self.dir / "out/results.json").exists())
        shutil.rmtree(self.dir / "out", ignore_errors=True)

    def warnings_of(self, out):
        warnings = json.loads(self.good("show", out, "--json"))["warnings"]
        return [w for w in warnings if "started from" in w]

    def doubtful_run(self, *assignments, parts):
        """A run that says what is doubtful: on stderr, in show, in its JSON, in the report, also after it was resumed."""
        code, _, err = self.run_program(*self.run_job(*assignments))
        self.assertEqual(code, 0, err)
        for line in err.splitlines():
            self.assertTrue(line.startswith("warning: 'links': "), err)
        text, page = self.good("show", "out"), (self.dir / "out/report.html").read_text()
        self.assertEqual(len(self.warnings_of("out")), len(parts))
        for part, warning in zip(parts, self.warnings_of("out")):
            self.assertIn(part, warning)
            self.assertRegex(text, rf"(?m)^WARNING .*{part}")
            self.assertIn(part, page)
        return err

    def test_not_in_the_group(self):
        self.put("links", ildg(self.stretched(0.1), 64))
        self.refused_job("'links': links are not in SU(3): U U^dagger - 1 is up to 0.21 and det U - 1 up to 0.1,")
        self.refused_job("not in SU(3)", assignments=["heatbath.project_start=false"])
        err = self.doubtful_run("heatbath.project_start=true", parts=["projected onto the group"])
        self.assertIn("links are not in SU(3): U U^dagger - 1 is up to 0.21", err)
        self.assertIn("off SU(3) by up to 0.21", self.warnings_of("out")[0])
        self.assertIn("project_start: true", (self.dir / "out/job.yaml").read_text())

    def test_projection_is_that_of_the_rows(self):
        """A stretched row becomes a unit vector again: the run is that from the links which it was made of."""
        self.put("links", ildg(self.stretched(0.1), 64))
        plaquette = []
        for by, words in ((0.1, ["heatbath.project_start=true"]), (0, [])):
            self.put("links", ildg(self.stretched(by), 64))
            out = f"out{by}"
            code, _, err = self.run_program(*self.run_job("heatbath.thermalise=0", "heatbath.keep=48", *words, out=out))
            self.assertEqual(code, 0, err)
            self.good("convert", out, "first.nersc", "--config", 0, "--overwrite")  # after one step
            plaquette.append(float(parse_nersc((self.dir / "first.nersc").read_bytes())[0]["PLAQUETTE"]))
            self.assertEqual(len(self.warnings_of(out)), len(words))
        self.assertAlmostEqual(*plaquette, delta=1e-10)

    def test_no_projection(self):
        """Zeros have none; numbers in the other byte order are not links that are far from the group."""
        links = Links.random(SMALL, 3)
        links.u[0, 0, 1, 0][1][0] = [0j, 0j, 0j]
        self.put("links", ildg(links, 64))
        self.refused_job("'links': links cannot be projected onto SU(3)", assignments=["heatbath.project_start=true"])
        self.put("links", ildg(self.small, 64, payload=self.small.payload(64, "<", 3)))
        self.refused_job("payload is little endian", assignments=["heatbath.project_start=true"])

    def test_ignored_checks(self):
        self.put("links", nersc(self.small, CHECKSUM="0", PLAQUETTE="0.7"))
        self.refused_job("wrong CHECKSUM")
        self.refused_job("wrong PLAQUETTE", assignments=["heatbath.ignore_checks=[checksum]"])
        err = self.doubtful_run("heatbath.ignore_checks=[plaquette, checksum]",
                                parts=["started from a file, or from one made from a file, whose checksum is wrong", "started from a file, or from one made from a file, whose plaquette is wrong"])
        self.assertIn("ignored, as asked for: wrong CHECKSUM: expected 00000000, found", err)
        self.assertRegex((self.dir / "out/job.yaml").read_text(), r"ignore_checks: ?\n? *\[?-? ?plaquette")

    def test_doubt_of_a_converted_file(self):
        """It was ignored by convert, not by the job: the links are the same."""
        self.put("file", nersc(self.small, CHECKSUM="0"))
        self.convert("file", "new.ildg", "--ignore-checks", "checksum")
        os.rename(self.dir / "new.ildg", self.dir / "links")
        self.doubtful_run(parts=["started from a file, or from one made from a file, whose checksum is wrong"])

    def test_every_section(self):
        self.put("links", ildg(self.stretched(0.1), 64))
        self.doubtful_run("heatbath=null", "ladder={from: {beta: 5.5}, rungs: 3}",
                          "smc={sampler: heatbath, particles: 2, walks: 12, thermalise: 2, tuning: 0, start_file: links, project_start: true}",
                          "rex={sampler: heatbath, chains: 1, steps: 12, thermalise: 2, measure: all, start_file: links, project_start: true}",
                          parts=["projected onto the group"] * 2)

    def test_resumed(self):
        self.put("links", ildg(self.stretched(0.1), 64))
        words = self.run_job("heatbath.project_start=true", "checkpoint=0.5", "heatbath.steps=8")
        self.run_program(*words, extra=self.ticking_clock())  # a segment of every step
        self.assertEqual(len(self.warnings_of("out")), 1)
        names = self.segments("out")
        self.assertGreater(len(names), 2)
        for name in names[-1:]:
            (self.dir / "out/store" / name).unlink()
        (self.dir / "links").unlink()  # it is not read again
        self.good(*words, "--resume")
        self.assertEqual(len(self.warnings_of("out")), 1)

    def test_keys(self):
        self.put("links", ildg(self.small, 64))
        bare = JOB.replace(", start_file: links", "")
        for key, value in (("project_start", "true"), ("project_start", "false"), ("ignore_checks", "[checksum]")):
            self.bad(self.run_job(f"heatbath.{key}={value}", job=bare), f"heatbath.{key}: does nothing without 'start_file'")
            self.bad(self.run_job(f"heatbath.{key}={value}", "heatbath.start_file=''"), f"heatbath.{key}: does nothing without 'start_file'")
        self.bad(self.run_job("theory={kind: phi4, m2: 1, lambda: 0}", "heatbath=null", "measure=null",
                              "hmc={start_file: links, project_start: true}"), "hmc.project_start: only links can be projected")
        self.bad(self.run_job("heatbath.project_start=1"), "heatbath.project_start: expected true or false")
        self.bad(self.run_job("heatbath.project_strat=true"), "unknown key 'project_strat' in heatbath; did you mean 'project_start'?")
        self.bad(self.run_job("heatbath.ignore_check=[checksum]"), "unknown key 'ignore_check' in heatbath; did you mean 'ignore_checks'?")
        self.bad(self.run_job("heatbath.ignore_checks=[cheksum]"), "unknown check 'cheksum'; did you mean 'checksum'?")
        self.bad(self.run_job("heatbath.ignore_checks=[unitarity]"), "unknown check 'unitarity' (known: checksum, plaquette, link_trace)")
        self.bad(self.run_job("heatbath.ignore_checks=checksum"), "heatbath.ignore_checks: expected a sequence")
        self.assertFalse((self.dir / "out").exists())
        self.good(*self.run_job("heatbath.project_start=true", "heatbath.ignore_checks=[checksum]"))
        self.assertEqual(self.warnings_of("out"), [])


if __name__ == "__main__":
    program.main()
