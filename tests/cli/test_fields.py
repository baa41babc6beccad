"""Configurations of SU(2) and U(1) in the formats of other codes, made by an independent script, and our own HDF5 files of every
theory, made and read by HDF5's library without us."""
import math
import random

import hdf5_files
import program
from configuration_files import EXTENT, SMALL, Files, Links, ildg, nersc, openqcd, parse_lime, parse_nersc, scidac

OWN = {"format": "causeway-configuration", "version": 1}


class OtherGroups(Files):
    def test_ildg(self):
        for group in ("su2", "u1"):
            links = Links.random(EXTENT, group=group)
            for precision in (32, 64):
                self.put("in.lime", ildg(links, precision))
                found = self.info("in.lime")
                self.assertEqual((found["field"], found["rows"], found["precision"]), (group, links.n, precision))
                stored = Links.of_payload(EXTENT, links.payload(precision, ">", links.n), precision, ">", links.n, group)
                self.check_measured(found, stored)
            self.good("convert", "in.lime", "out.ildg", "--overwrite")
            made, written = (parse_lime((self.dir / n).read_bytes()) for n in ("in.lime", "out.ildg"))
            self.assertEqual([r[2] for r in made if r[0] == "ildg-binary-data"], [r[2] for r in written if r[0] == "ildg-binary-data"])
            self.assertIn(f"<field>{group}gauge</field>".encode(), [r[2] for r in written if r[0] == "ildg-format"][0])

    def test_nersc(self):
        for group, rows in (("su2", 2), ("su2", 1), ("u1", 1)):
            links = Links.random(EXTENT, group=group)
            for order in "<>":
                self.put("in.nersc", nersc(links, 64, order, rows))
                found = self.info("in.nersc")
                self.assertEqual((found["field"], found["rows"], found["warnings"]), (group, rows, []))
                self.check_measured(found, links)
            self.good("convert", "in.nersc", "out.nersc", "--rows", rows, "--overwrite")
            header, payload = parse_nersc((self.dir / "out.nersc").read_bytes())
            made, expected = parse_nersc(nersc(links, 64, ">", rows))
            self.assertEqual((header["DATATYPE"], payload), (made["DATATYPE"], expected))
            self.assertEqual(int(header["CHECKSUM"], 16), int(made["CHECKSUM"], 16))

    def test_scidac(self):
        self.put("file", scidac(Links.random(SMALL), 64))
        self.assertEqual(self.info("file")["field"], "su3")

    def test_not_in_the_group(self):
        for group, name in (("su2", "SU(2)"), ("u1", "U(1)")):
            links = Links.random(SMALL, group=group)
            links.u[1, 0, 1, 2][3][0][0] *= 1.01
            self.refused(ildg(links, 64), f"links are not in {name}: U U^dagger - 1 is up to 0.0")
        links = Links.random(SMALL, group="su2")
        links.u[1, 0, 1, 2][3][1] = [-z for z in links.u[1, 0, 1, 2][3][1]]  # det U = -1
        self.refused(ildg(links, 64), "links are not in SU(2)", "det U - 1 up to 2")

    def test_byte_order(self):
        links = Links.random(SMALL, group="u1")
        self.refused(ildg(links, 64, payload=links.payload(64, "<", 1)), "payload is little endian", "in U(1)")

    def test_other_colours(self):
        su2 = Links.random(SMALL, group="su2")
        self.put("su2.ildg", ildg(su2, 64))
        self.put("su2.nersc", nersc(su2))
        job = "job: x\nlattice: [2, 2, 2, 4]\ntheory: {kind: su3, beta: 6}\nheatbath: {chains: 1, thermalise: 0, steps: 1, start_file: FILE}\n"
        for name, where in (("su2.ildg", "ildg-format"), ("su2.nersc", "DATATYPE")):
            self.write("job.yaml", job.replace("FILE", name))
            self.bad(["run", "job.yaml", "--out", "out", "--quiet"], f"'{name}': expected SU(3), found SU(2) in {where}")
        self.put("su3.openqcd", openqcd(self.small))
        self.write("job.yaml", job.replace("FILE", "su3.openqcd").replace("su3,", "u1,"))
        self.bad(["run", "job.yaml", "--out", "out", "--quiet"], "expected U(1), found SU(3) in an openQCD file")

    def test_openqcd_not_a_number(self):
        links = Links.random(SMALL, seed=4)
        links.u[1, 0, 1, 2][2][2][2] = complex(0, float("nan"))
        self.refused(openqcd(links, plaquette=0.1), "found one that is not at site 1,0,1,2")

    def test_start(self):
        """A chain that starts from a file has its plaquette, whatever the group; steps of no length keep it."""
        for group in ("su2", "u1"):
            links = Links.random(SMALL, group=group)
            self.put("start.nersc", nersc(links))
            self.write("job.yaml", f"job: x\nlattice: [2, 2, 2, 4]\ntheory: {{kind: {group}, beta: 1}}\nhmc: {{chains: 1, thermalise: 0, "
                       "steps: 2, keep: 1, length: 1e-6, md_steps: 1, target: 0, start_file: start.nersc}\n")
            self.good("run", "job.yaml", "--out", group, "--quiet")
            self.good("convert", group, f"{group}.h5")
            found = self.info(f"{group}.h5")["measured"]
            self.assertAlmostEqual(found["plaquette"], links.plaquettes()[0], delta=1e-4)
            self.assertAlmostEqual(found["link_trace"], links.link_trace(), delta=1e-4)


class Own(Files):
    def setUp(self):
        super().setUp()
        self.h5 = hdf5_files.Library()

    def make(self, name, attributes, arrays, filtered=True):
        path = self.dir / name
        self.h5.write(path, {**OWN, **attributes}, arrays, filtered)
        path.write_bytes(hdf5_files.sealed(path.read_bytes()))
        return name

    def make_links(self, name, links, **changes):
        attributes = {"kind": links.group, "plaquette": links.plaquettes()[0], "link_trace": links.link_trace(), **changes}
        arrays = {"links": (hdf5_files.shape_of_links(links), hdf5_files.numbers_of(links))}
        return self.make(name, attributes, arrays)

    def test_links_by_others(self):
        """A file that HDF5's library wrote from the description is read; what we make of it has its numbers."""
        for group in ("su3", "su2", "u1"):
            links = Links.random(EXTENT, group=group)
            self.make_links("in.h5", links, theory=group, parameters="beta=1")
            found = self.info("in.h5")
            self.assertEqual((found["format"], found["field"], found["lattice"], found["warnings"]), ("hdf5", group, list(EXTENT), []))
            self.assertEqual((found["theory"], found["parameters"]), (group, "beta=1"))
            self.check_measured(found, links)
            self.good("convert", "in.h5", "out.nersc", "--overwrite")
            self.assertEqual(parse_nersc((self.dir / "out.nersc").read_bytes())[1], links.payload(64, ">", links.n))
            self.put("in.ildg", ildg(links, 64))
            self.good("convert", "in.ildg", "out.h5", "--overwrite")
            shape, numbers = self.h5.read_array(self.dir / "out.h5", "links")
            self.assertEqual((shape, numbers), (hdf5_files.shape_of_links(links), hdf5_files.numbers_of(links)))
            self.assertEqual(self.h5.read_attribute(self.dir / "out.h5", "kind"), group)
            self.assertAlmostEqual(self.h5.read_attribute(self.dir / "out.h5", "plaquette"), links.plaquettes()[0], delta=1e-14)

    def test_field(self):
        """Sites of a plane, x fastest, and what a run starts from."""
        rng = random.Random(5)
        numbers = [rng.gauss(0, 1) for _ in range(12)]
        self.make("in.h5", {"kind": "real"}, {"field": ((3, 4, 1), numbers)})
        found = self.info("in.h5")
        self.assertEqual((found["lattice"], found["components"]), ([4, 3], 1))
        self.assertAlmostEqual(found["measured"]["mean"], sum(numbers) / 12, delta=1e-15)
        self.assertAlmostEqual(found["measured"]["mean_square"], sum(x * x for x in numbers) / 12, delta=1e-15)
        self.good("convert", "in.h5", "again.h5")
        self.assertEqual(self.h5.read_array(self.dir / "again.h5", "field"), ((3, 4, 1), numbers))
        self.write("job.yaml", "job: x\nlattice: [4, 3]\ntheory: {kind: phi4, m2: 1, lambda: 0}\nhmc: {chains: 1, thermalise: 0, steps: 2, "
                   "keep: 1, length: 1e-6, md_steps: 1, target: 0, start_file: in.h5}\n")
        self.good("run", "job.yaml", "--out", "run", "--quiet")
        self.good("convert", "run", "kept.h5")
        shape, kept = self.h5.read_array(self.dir / "kept.h5", "field")
        self.assertEqual(shape, (3, 4, 1))
        self.assertLess(max(abs(a - b) for a, b in zip(kept, numbers)), 1e-5)
        self.assertEqual(self.h5.read_attribute(self.dir / "kept.h5", "parameters"), "m2=1 lambda=0")

    def expect(self, name, *parts):
        self.bad(["convert", name, "out.h5"], f"'{name}'", *parts)
        self.assertFalse((self.dir / "out.h5").exists())

    def test_refused(self):
        links = Links.random(SMALL, group="su2")
        shape, numbers = hdf5_files.shape_of_links(links), hdf5_files.numbers_of(links)
        self.expect(self.make_links("a.h5", links, plaquette=0.5), "wrong PLAQUETTE: expected 0.5")
        self.expect(self.make_links("a.h5", links, link_trace=0.5), "wrong LINK_TRACE: expected 0.5")
        self.expect(self.make_links("a.h5", links, kind="su3"), "data set links: expected the shape of SU(3), found 4x2x2x2x4x2x2x2")
        self.expect(self.make_links("a.h5", links, kind="su5"), "attribute kind: expected real, u1, su2, su3 or spin, found 'su5'")
        self.expect(self.make_links("a.h5", links, kind="real"), "expected a data set field, found none")
        self.expect(self.make_links("a.h5", links, format="something"), "is not a configuration of causeway")
        self.expect(self.make_links("a.h5", links, version=2), "is in format version 2")
        self.expect(self.make("a.h5", {"kind": "su2"}, {"links": (shape[1:], numbers[:len(numbers) // 4])}), "expected the shape of SU(2)")
        self.expect(self.make("a.h5", {"kind": "su2"}, {"links": (shape, [2 * x for x in numbers])}), "links are not in SU(2)")
        self.expect(self.make("a.h5", {"kind": "su2"}, {"links": (shape, numbers)}, filtered=False), "cannot read an array")
        self.expect(self.make("a.h5", {"kind": "spin"}, {"field": ((2, 2, 1), [1, -1, 1, 0.5])}), "expected spins +1 and -1")
        numbers[(1 + 2 * (0 + 2 * (1 + 2 * 3))) * 32 + 5] = math.nan  # site 1,0,1,3
        self.expect(self.make("a.h5", {"kind": "su2"}, {"links": (shape, numbers)}), "found one that is not at site 1,0,1,3")
        data = (self.dir / self.make_links("a.h5", links)).read_bytes()
        self.put("a.h5", data[:-20])
        self.expect("a.h5", "expected the seal of causeway")
        self.put("a.h5", data[:1000] + bytes([data[1000] ^ 1]) + data[1001:])
        self.expect("a.h5", "is damaged: checksum")

    def test_missing_attributes(self):
        links = Links.random(SMALL, group="u1")
        self.make("a.h5", {"kind": "u1"}, {"links": (hdf5_files.shape_of_links(links), hdf5_files.numbers_of(links))})
        self.assertEqual(self.info("a.h5")["warnings"], ["there is no plaquette in the file", "there is no link_trace in the file"])

    def test_ignored(self):
        links = Links.random(SMALL, group="u1")
        self.make_links("a.h5", links, plaquette=0.5)
        self.assertEqual(len(self.convert("a.h5", "b.h5", "--ignore-checks", "plaquette")), 1)
        self.assertEqual(self.h5.read_attribute(self.dir / "b.h5", "ignored_checks"), "plaquette")
        self.assertEqual(self.info("b.h5")["ignored_checks"], ["plaquette"])

    def test_models_and_stores_are_none(self):
        self.write("job.yaml", program.SHORT)
        self.good("run", "job.yaml", "--out", "run", "--quiet")
        self.expect("run/store/hmc.000000.h5", "is not a configuration of causeway")


if __name__ == "__main__":
    program.main()
