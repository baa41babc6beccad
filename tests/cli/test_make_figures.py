"""tools/figures: its quick forms are jobs whose cases all exist, and a page is made of what a run left; a finished run is drawn again with the
same numbers."""
import importlib.machinery
import importlib.util
import re
import signal
import subprocess
import sys
from pathlib import Path

import program
from program import Case

TOOL = Path(__file__).resolve().parents[2] / "tools/figures"


def load_tool():
    loader = importlib.machinery.SourceFileLoader("figures_tool", str(TOOL))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("figures_tool", loader))
    loader.exec_module(module)
    return module


class MakeFigures(Case):
    figures = True

    def test_quick_forms_are_jobs(self):
        tool = load_tool()
        for job in tool.QUICK:
            plan = self.good("run", tool.JOBS / f"{job}.yaml", "--plan", *tool.quick_words(job))
            stages = re.findall(r"(?m)^([\w-]+)/\w", plan)
            kept = {name for name in tool.cases_of(job) if re.match(tool.QUICK[job][0], name)}
            self.assertEqual(set(stages), kept, job)

    def test_stores_of_whole_jobs_are_read(self):
        """With all cases: a store holds the job of each with everything that is preset."""
        tool = load_tool()
        library = program.interrupt_library(self.dir)
        for job in tool.QUICK:
            code, _, err = self.run_program("run", tool.JOBS / f"{job}.yaml", "--out", job, "--threads", 1, "--quiet", "--set", "checkpoint=0.01",
                                            extra={"LD_PRELOAD": str(library), "CW_INTERRUPT": f"{int(signal.SIGTERM)} 1 1"})
            self.assertEqual(code, 130, err)
            self.good("show", job)

    def test_page(self):
        tool = load_tool()
        least = ["--set", "nis.samples=64", "--set", "nmcmc.steps=8", "--set", "nmcmc.thermalise=0", "--set", "train.steps=0", "--set", "train.batch=16",
                 "--set", "cases.16x16_beta30.train=null"]
        keep = [word for name in tool.cases_of("ising-curves") if name not in ("16x16_beta30", "16x16_beta36") for word in ("--set", f"cases.{name}=null")]
        self.good("run", tool.JOBS / "ising-curves.yaml", "--out", "ising-curves", *least, *keep, "--set", "cases.16x16_beta36.model.start=null")
        pages = []
        for _ in range(2):
            out = subprocess.run([sys.executable, TOOL, program.PROGRAM, self.dir, "ising-curves"], check=True, capture_output=True, text=True, cwd=self.dir)
            self.assertIn("figures.html", out.stdout)
            self.assertIn("== ising-curves, goes on", out.stderr)
            pages.append((self.dir / "figures.html").read_text())
        self.assertEqual(pages[0], pages[1])
        energy = next(r for r in self.results("ising-curves")["results"] if r["name"] == "16x16_beta30.nis.energy")
        self.assertIn(tool.number(energy), pages[0])
        self.assertIn("-0.70453267", pages[0])
        for words in ("<title>Figures</title>", "Specific heat", "exact, 16 × 16", 'href="ising-curves/report.html"'):
            self.assertIn(words, pages[0].replace("&#215;", "×"))

    def test_numbers(self):
        number = load_tool().number
        self.assertEqual([number({"value": v, "error": e}) for v, e in ((0.74415, 0.00044), (12.34, 1.4), (-1.0543, 0.0002), (3, 0), (None, None))],
                         ["0.74415(44)", "12.3(14)", "-1.05430(20)", "3", "-"])


if __name__ == "__main__":
    program.main()
