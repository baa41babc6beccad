"""test_golden.py PROGRAM COMPILER [--refresh]: hashes of the results of short runs of every job in jobs/, one per instruction set,
against hashes.txt. Of these, the instruction set that this processor takes by itself; the others with CW_LONG=1 (make check-long).

Any change of any bit of any result shows here. Floating-point results depend on the instruction set of the kernels and on the
compiler and the C library, so that hashes.txt says which platform it was made on; on another one a difference proves nothing and
the test counts as skipped (exit 77). After a change that is meant to change results: tools/golden."""
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
JOBS = HERE.parents[1] / "jobs"
HASHES = HERE / "hashes.txt"
INSTRUCTION_SETS = ("base", "v3", "v4")  # in rising order

METHODS = HERE.parents[1] / "src/app/methods"


def short(fields):
    """What shrinks each section that a job with fields on "sites" or "links" may have: {section: (key=value, ...)}, those of
    methods out of their folders."""
    out = {
        "sites": {"ladder": "rungs=4"},
        "links": {"ladder": "rungs=3",
                  "measure": "gradient_flow.every=4 gradient_flow.time=0.5 gradient_flow.points=4 wilson_loops.every=4"},
    }[fields]
    for file in METHODS.glob("*/short.json"):
        out.update(json.loads(file.read_text())[fields])
    return {section: tuple(keys.split()) for section, keys in out.items()}


def platform(compiler):
    """What the last bits depend on, besides the instruction set of the kernels."""
    fma = "fma" if re.search(r"\bfma\b", Path("/proc/cpuinfo").read_text()) else "no-fma"  # which kind of libm glibc takes
    return f"{os.uname().machine} {compiler} {os.confstr('CS_GNU_LIBC_VERSION').replace(' ', '-')} {fma}"


def shorten(text, sections, prefix):
    """--set options for those of sections that text, the base of a job (prefix "") or a case of it, has."""
    out = []
    for section, keys in sections.items():
        begin = r"(^ {4}|[ {])" if prefix else "^"
        if not re.search(rf"(?m){begin}{section}:( (?!null)|$)", text):
            continue
        if re.search(rf"\b{section}: null", text):
            continue  # a case without it, which names such a key in another section
        if section == "ladder" and ("flow: least_squares" in text or "multiples:" in text):
            continue  # ways through several of its flows; numbers for each of its replicas
        if section == "ladder" and "positions:" in text:
            keys = ("positions=[0, 0.5, 1]",)
        for key in keys:
            if (section != "measure" and key != "anneal=2") or f"{re.split('[.=]', key)[0]}:" in text:
                out += ["--set", f"{prefix}{section}.{key}"]
    return out


def shrink(job):
    """--set options that make a run of a job short."""
    head, _, cases = job.read_text().partition("\ncases:\n")
    sections = short("links" if re.search(r"kind: (u1|su2|su3)", head) else "sites")
    out = shorten(head, sections, "")
    if re.search(r"(?m)^lattice: (\[\d+, \d+, \d+, \d+\])", head):
        out += ["--set", "lattice=[2, 4, 4, 4]"]
    if "kind: snake" in head:
        out += ["--set", "lattice=[4, 4]"]  # its links move one after the other
    if re.search(r"(?m)^lattice: \[32, 32\]", head):
        out += ["--set", "lattice=[12, 10]"]
    links = sections == short("links")
    found = re.findall(r"(?m)^  (\w+):((?:.*\n)(?:    .*\n)*)", cases)
    many = len(found) > 24  # then those of the largest lattices are left out
    for case, body in found:
        out += shorten(body, sections, f"cases.{case}.")  # a case's own numbers stand above those of the job
        for section in re.findall(r"(?m)^    (\w+): .*way: \{steps: \d{3,}", body if links else ""):
            out += ["--set", f"cases.{case}.{section}.way.steps=24"]
        if re.search(r"lattice: \[\d+, \d+, \d+, \d+\]", body):
            out += ["--set", f"cases.{case}.lattice=[4, 6, 2, 4]"]
        extents = re.search(r"lattice: \[(\d+), (\d+)\]", body)
        if extents and int(extents[1]) * int(extents[2]) > 300:
            out += ["--set", f"cases.{case}=null" if many else f"cases.{case}.lattice=[12, 10]"]
    return out


def run(program, *words, isa):
    environment = dict(os.environ, CAUSEWAY_ISA=isa, OMP_WAIT_POLICY="passive", PATH="/nonexistent")
    return subprocess.run([program, *words], env=environment, cwd=HERE.parents[1], capture_output=True, text=True)


def digest(program, job, isa):
    """The hash of a job's results."""
    with tempfile.TemporaryDirectory(prefix="causeway-") as directory:
        done = run(program, "run", str(job), "--out", directory, *shrink(job), isa=isa)
        if done.returncode != 0:
            sys.exit(f"{job.name}, {isa}: {done.stderr}")
        document = json.loads(run(program, "show", directory, "--json", isa=isa).stdout)
    for key in ("timing", "version", "warnings"):  # warnings are words about results that are compared
        del document[key]
    for result in document["results"]:
        for key in ("tau_int_chains", "tau_int_error"):  # made of the same numbers as tau_int, which is compared
            result.pop(key, None)
        result.pop("history", None)  # where it is in the store, and the slopes that its error, which is compared, is made with
    if len(document["results"]) < 10:
        sys.exit(f"{job.name}: hardly any results")
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def known_hashes():
    """(platform, {(job, instruction set): hash})"""
    lines = HASHES.read_text().splitlines() if HASHES.exists() else ["# none"]
    return lines[0].removeprefix("# "), {tuple(w[:2]): w[2] for w in map(str.split, lines[1:])}


def main(arguments):
    if len(arguments) not in (2, 3) or arguments[2:] not in ([], ["--refresh"]):
        sys.exit(__doc__)
    program, here = str(Path(arguments[0]).resolve()), platform(arguments[1])
    isas = [isa for isa in INSTRUCTION_SETS if run(program, "list", isa=isa).returncode == 0]
    if not arguments[2:] and os.environ.get("CW_LONG") != "1":
        isas = isas[-1:]
    if not isas:
        sys.exit(f"{program} does not run")
    there, known = known_hashes()
    lost = sorted({isa for _, isa in known} - set(isas))
    if arguments[2:] and lost and here == there:
        sys.exit(f"{program} does not run with {' and '.join(lost)} here: their hashes would be lost (CW_X86_LEVELS=ON builds all)")
    found = {(job.stem, isa): digest(program, job, isa) for job in sorted(JOBS.glob("*.yaml")) for isa in isas}
    if arguments[2:]:
        HASHES.write_text("\n".join([f"# {here}", *(f"{job} {isa} {value}" for (job, isa), value in found.items())]) + "\n")
        print(f"{HASHES}: {len(found)} hashes")
        return 0
    different = [f"{job} ({isa})" for (job, isa), value in found.items() if known.get((job, isa)) != value]
    if not different:
        return 0
    print(f"The results of {', '.join(different)} are not those of {HASHES}.")
    if here != there:
        print(f"The hashes were made on '{there}' and this is '{here}', so that the last bits may differ. Hashes for here: tools/golden")
        return 77
    print("If this change of results is meant, or the job was edited: tools/golden, and commit its output.")
    return 1


sys.exit(main(sys.argv[1:]))
