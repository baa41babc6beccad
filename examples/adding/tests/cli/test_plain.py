"""The format of the example through causeway list, info and convert, which do not know its name."""
import json

import program
from program import Case
from configuration_files import SMALL, Links, ildg, parse_lime


def plain(links, plaquette=None):
    stated = links.plaquettes()[0] if plaquette is None else plaquette
    numbers = memoryview(links.payload(64, "=", 3)).cast("d")
    lines = ["CAUSEWAY LINKS 1", " ".join(map(str, links.extent)), f"PLAQUETTE {stated:.15f}", "IGNORED_CHECKS", *map(repr, numbers)]
    return "\n".join(lines) + "\n"


class Plain(Case):
    @classmethod
    def setUpClass(cls):
        cls.links = Links.random(SMALL)

    def test_known(self):
        self.assertIn("plain: plain text (", self.good("list", "formats"))
        self.assertIn("plain text", self.good("info", "--help"))
        self.assertIn("plain", self.good("convert", "--help"))

    def test_info(self):
        self.write("in", plain(self.links))
        found = json.loads(self.good("info", "in", "--json"))
        self.assertEqual((found["format"], found["lattice"], found["precision"], found["byte_order"], found["rows"]),
                         ("plain", list(SMALL), 64, None, 3))
        self.assertEqual((found["checksum"], found["states_plaquette"], found["warnings"]), (None, True, []))
        self.assertAlmostEqual(found["measured"]["plaquette"], self.links.plaquettes()[0], delta=1e-14)
        self.assertRegex(self.good("info", "in"), r"(?m)^numbers +64 bits, as text, 3 rows$")

    def test_there_and_back(self):
        """Every bit survives; precision is that of the format where the file has less."""
        self.write("in", plain(self.links))
        self.good("convert", "in", "out.ildg")
        payload = dict((kind, body) for kind, _, body in parse_lime((self.dir / "out.ildg").read_bytes()))["ildg-binary-data"]
        self.assertEqual(payload, self.links.payload(64, ">", 3))
        self.good("convert", "out.ildg", "out.txt")
        numbers = [float(line) for line in (self.dir / "out.txt").read_text().splitlines()[4:]]
        self.assertEqual(numbers, list(memoryview(self.links.payload(64, "=", 3)).cast("d")))
        (self.dir / "short").write_bytes(ildg(self.links, 32))
        self.assertIn("out: plain, 64 bits", self.good("convert", "short", "out", "--format", "plain"))

    def test_refused(self):
        good = plain(self.links)
        lines = good.splitlines(keepends=True)
        for text, part in (("".join(lines[:-1]), "expected a finite number in line 2308"),
                           (good[:-1], "expected a finite number in line 2308"),
                           (good + "0\n", "expected the end of the file"),
                           ("".join([*lines[:100], "nan\n", *lines[101:]]), "expected a finite number in line 101"),
                           ("".join(lines[:4]), "truncated: expected at least 4608 bytes of numbers, found 0"),
                           (good.replace("PLAQUETTE", "PLAQUETE"), "expected lines of extents, PLAQUETTE"),
                           (good.replace("LINKS 1", "LINKS 2"), "expected a configuration (ILDG, "),
                           (plain(self.links, 0.5), "wrong PLAQUETTE: expected 0.5")):
            self.write("in", text)
            self.bad(["info", "in"], "'in': ", part)
        self.write("in", good)
        self.bad(["convert", "in", "out.txt", "--precision", 32], "--precision 32: only format ildg or nersc has it")
        self.bad(["convert", "in", "out.txt", "--rows", 2], "--rows 2: only format nersc has it")
        self.bad(["convert", "in", "out"], "nor in .openqcd nor in .h5 or .hdf5 nor in .txt", "or --format plain")

    def test_ignored_check(self):
        """What was ignored is recorded in the file, and whoever reads it is warned."""
        self.write("in", plain(self.links, 0.5))
        self.assertEqual(self.run_program("convert", "in", "out.txt", "--ignore-checks", "plaquette")[0], 0)
        self.assertIn("IGNORED_CHECKS plaquette\n", (self.dir / "out.txt").read_text())
        self.assertEqual(json.loads(self.good("info", "out.txt", "--json"))["ignored_checks"], ["plaquette"])


if __name__ == "__main__":
    program.main()
