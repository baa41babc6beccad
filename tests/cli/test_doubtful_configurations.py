"""Gauge configurations that should not be believed as they are: links outside SU(3), the other byte order, records that
contradict each other, checks that fail and are ignored by the user's word; and that causeway convert writes nothing that
causeway info refuses."""
import itertools
import os
from pathlib import Path

import program
from configuration_files import (SMALL, Files, Links, checksum_xml, ildg, ildg_format, milc, nersc, parse_lime, parse_nersc,
                                 private_file, private_record, record, scidac, scidac_sums)

LONG = os.environ.get("CW_LONG") == "1"
DATA = Path(__file__).resolve().parents[3] / "shared/data"


class Doubtful(Files):
    def stretched(self, by, seed=3):
        """Links of which one has its first row stretched: U U^dagger - 1 is (1 + by)^2 - 1 there, and det U - 1 is by."""
        links = Links.random(SMALL, seed)
        links.u[1, 0, 1, 3][2][0] = [(1 + by) * z for z in links.u[1, 0, 1, 3][2][0]]
        return links


class Group(Doubtful):
    """Links must be in SU(3) within 1e-5."""

    def test_limit(self):
        for by, good in ((4.9e-6, True), (5.1e-6, False)):  # twice that is the deviation
            data = ildg(self.stretched(by), 64)
            if good:
                self.assertAlmostEqual(self.info(self.put("file", data))["measured"]["unitarity"], 2 * by, delta=1e-9)
            else:
                self.refused(data, "links are not in SU(3): U U^dagger - 1 is up to 1.02e-05 and det U - 1 up to 5.1e-06, at most 1e-05")

    def test_every_format(self):
        links = self.stretched(0.1)
        for data in (ildg(links, 64), ildg(links, 32), scidac(links, 64), nersc(links, 64), nersc(links, 32, rows=3), milc(links, "<"),
                     milc(links, ">")):
            self.refused(data, "links are not in SU(3): U U^dagger - 1 is up to 0.21 and det U - 1 up to 0.1,")
        # of two rows the third is made: it takes the stretch a second time
        self.refused(nersc(links, 64, rows=2), "U U^dagger - 1 is up to 0.21")

    def test_unitary_but_not_special(self):
        links = Links.random(SMALL, 3)
        links.u[0, 0, 0, 0][0] = [[-z for z in row] for row in links.u[0, 0, 0, 0][0]]
        self.refused(ildg(links, 64), "and det U - 1 up to 2,")

    def test_overflow(self):
        links = Links.random(SMALL, 3)
        links.u[0, 0, 0, 0][0][1] = [1e200 * z for z in links.u[0, 0, 0, 0][0][1]]
        self.refused(ildg(links, 64), "U U^dagger - 1 is up to infinity")
        self.refused(nersc(links, 64), "U U^dagger - 1 is up to infinity")

    def test_no_word_lets_them_pass(self):
        line = self.bad(["convert", self.put("file", ildg(self.stretched(0.1), 64)), "out.ildg", "--ignore-checks", "unitarity"],
                        "--ignore-checks: unknown word 'unitarity'", "checksum, plaquette, link_trace")
        self.assertNotIn("did you mean", line)
        self.refused(ildg(self.stretched(0.1), 64), "links are not in SU(3)", words=("--ignore-checks", "checksum,plaquette,link_trace"))


class ByteOrder(Doubtful):
    """Numbers in another order than the file says are recognised by the links that they are when exchanged."""

    def test_ildg(self):
        for bits, sums_of in itertools.product((32, 64), "<>"):  # the writer may have summed before or after it swapped
            a, b = scidac_sums(self.small.payload(bits, sums_of, 3), len(self.small.u))
            data = ildg(self.small, bits, payload=self.small.payload(bits, "<", 3), checksum=checksum_xml(a, b))
            self.refused(data, "payload is little endian: expected big endian numbers, found links that are in SU(3), within")
            self.refused(data, "payload is little endian", words=("--ignore-checks", "checksum"))
        self.refused(ildg(self.small, 64, payload=self.small.payload(64, "<", 3), checksum=""), "payload is little endian")

    def test_nersc(self):
        for bits, order, rows in itertools.product((32, 64), "<>", (2, 3)):
            said, found = ("BIG", "little") if order == "<" else ("LITTLE", "big")
            data = nersc(self.small, bits, order, rows, word=f"IEEE{bits}{said}")
            self.refused(data, f"payload is {found} endian")
            self.refused(data, f"payload is {found} endian", words=("--ignore-checks", "checksum,plaquette,link_trace"))

    def test_milc(self):
        for order, other in ("<>", "><"):
            data = milc(self.small, order)[:96] + milc(self.small, other)[96:]
            self.refused(data, f"payload is {'big' if other == '>' else 'little'} endian")

    def test_damage_is_not_taken_for_it(self):
        """One link that is not in SU(3) either way: the first reason stays."""
        links = self.stretched(0.1)
        self.assertNotIn("endian", self.refused(ildg(links, 64), "links are not in SU(3)"))
        self.assertNotIn("endian", self.refused(ildg(links, 64, payload=links.payload(64, "<", 3)), "file"))


class Contradictions(Doubtful):
    """What is said twice must be the same; said alike, it is read with a warning."""

    def twice(self, data, *parts):
        self.refused(data, "contradict each other", *parts)

    def alike(self, data, *parts):
        warnings = self.info(self.put("file", data))["warnings"]
        self.assertEqual(len(warnings), 1, warnings)
        for part in parts:
            self.assertIn(part, warnings[0])

    def test_lime_records(self):
        form, other = record("ildg-format", ildg_format(SMALL, 64)), record("ildg-format", ildg_format((4, 2, 2, 2), 64))
        a, b = scidac_sums(self.small.payload(64, ">", 3), 32)
        good = ildg(self.small, 64)
        for data in (ildg(self.small, 64, extra=[other]), good + other):
            self.twice(data, "ildg-format", "2x2x2x4 in 64 bits", "4x2x2x2 in 64 bits")
        self.twice(ildg(self.small, 64, extra=[record("ildg-format", ildg_format(SMALL, 32))]), "2x2x2x4 in 32 bits and 2x2x2x4 in 64 bits")
        self.twice(ildg(self.small, 64, extra=[private_file(SMALL), private_file((8, 2, 2, 1))]), "2x2x2x4 and 8x2x2x1")
        self.twice(ildg(self.small, 64, extra=[private_record(64), private_record(32)]), "64 bits and 32 bits")
        for extra in (dict(extra=[record("scidac-checksum", checksum_xml(1, 2))]), {}):
            data = ildg(self.small, 64, **extra) + (b"" if extra else record("scidac-checksum", checksum_xml(1, 2)))
            self.twice(data, "scidac-checksum", f"{a:08x} / {b:08x}", "00000001 / 00000002")
        self.alike(ildg(self.small, 64, extra=[form]), "2 records ildg-format; they agree")
        self.alike(good + form, "2 records ildg-format")
        self.alike(ildg(self.small, 64, extra=[private_file(SMALL)] * 2), "2 records scidac-private-file-xml")
        self.alike(ildg(self.small, 64, extra=[private_record(64)] * 3), "3 records scidac-private-record-xml")
        self.alike(good + record("scidac-checksum", checksum_xml(a, b)), "2 records scidac-checksum")
        self.refused(good + form * 8, "expected at most 8 records ildg-format for the same links")

    def test_elements_of_a_record(self):
        for old, new in (("<lt>4</lt>", "<lt>4</lt><lt>8</lt>"), ("<precision>64", "<precision>32</precision><precision>64")):
            self.refused(ildg(self.small, 64, form=ildg_format(SMALL, 64).replace(old, new)), "is there twice, and not the same")
        self.assertEqual(self.info(self.put("file", ildg(self.small, 64, form=ildg_format(SMALL, 64).replace(
            "<lt>4</lt>", "<lt>4</lt><lt> 4 </lt>"))))["warnings"], [])

    def test_between_records(self):
        """Each of ildg-format, SciDAC, --lattice and the size of the data against each other."""
        self.refused(ildg(self.small, 64, extra=[private_file((4, 2, 2, 2))]), "dimensions disagree: 2x2x2x4 in ildg-format, 4x2x2x2")
        self.refused(ildg(self.small, 64, extra=[private_record(32)]), "precisions disagree: 64 in ildg-format, 32 in scidac-private-record-xml")
        sizes = private_record(32).replace(b"<precision>F</precision>", b"<precise>F</precise>    ")[144:].rstrip(b"\0")
        self.refused(ildg(self.small, 64, extra=[record("scidac-private-record-xml", sizes)]), "precisions disagree: 64 in ildg-format, 32 in")
        self.refused(ildg(self.small, 64), "expected a lattice 4x2x2x2, found 2x2x2x4", words=("--lattice", "4,2,2,2"))
        self.refused(nersc(self.small), "expected a lattice 4x2x2x2, found 2x2x2x4", words=("--lattice", "4,2,2,2"))
        self.refused(milc(self.small, ">"), "expected a lattice 4x2x2x2, found 2x2x2x4", words=("--lattice", "4,2,2,2"))

    def test_messages_of_one_file(self):
        """Several binary records, each with its own descriptions: they do not contradict each other."""
        other = Links.random((4, 2, 1, 2), 5)
        for first, second in ((ildg(self.small, 64), ildg(other, 32)), (ildg(self.small, 64), scidac(other, 32)),
                              (scidac(self.small, 64), scidac(other, 32))):
            found = self.info(self.put("file", first + second))
            self.assertEqual((found["lattice"], found["precision"], len(found["warnings"])), (list(SMALL), 64, 1), found)
            self.check_measured(found, self.small)
        # QIO states the dimensions of all records in front of the first
        self.refused(scidac(other, 32) + ildg(self.small, 64), "dimensions disagree: 2x2x2x4 in ildg-format, 4x2x1x2 in")
        # without a checksum of its own, it has none
        found = self.info(self.put("file", ildg(self.small, 64, checksum="") + ildg(other, 32)))
        self.assertIsNone(found["checksum"])

    def test_nersc_lines(self):
        def with_line(line):
            return nersc(self.small).replace(b"ENSEMBLE_LABEL", line.encode() + b"\nENSEMBLE_LABEL", 1)

        for key, value in (("DATATYPE", "4D_SU3_GAUGE"), ("DIMENSION_4", "8"), ("CHECKSUM", "0"), ("PLAQUETTE", "0.5"), ("LINK_TRACE", "0.5"),
                           ("FLOATING_POINT", "IEEE32BIG")):
            self.twice(with_line(f"{key} = {value}"), "two lines of the header", f"{key} = ")
        self.alike(with_line("DIMENSION_4 = 4"), "the header has DIMENSION_4 more than once; the lines agree")


class Ignored(Doubtful):
    """--ignore-checks: a warning instead of a failure, which stays with the links."""

    def ignoring(self, data, words, *parts):
        name = self.put("file", data)
        found = self.info(name, "--ignore-checks", words)
        self.assertEqual(len(found["warnings"]), len(parts), found["warnings"])
        for warning, part in zip(found["warnings"], parts):
            self.assertIn(f"ignored, as asked for: wrong {part}", warning)
        self.check_measured(found, self.small)
        return found

    def check_recorded(self, checks, words):
        """In both formats, again and again, and told by info."""
        self.convert("file", "one.nersc", "--overwrite", "--ignore-checks", words)
        self.convert("one.nersc", "two.ildg", "--overwrite")
        self.convert("two.ildg", "three.nersc", "--overwrite")
        self.assertEqual(parse_nersc((self.dir / "one.nersc").read_bytes())[0]["IGNORED_CHECKS"], ", ".join(checks))
        self.assertIn(("causeway-ignored-checks", 0, ", ".join(checks).encode()), parse_lime((self.dir / "two.ildg").read_bytes()))
        for name in ("one.nersc", "two.ildg", "three.nersc"):
            found = self.info(name)
            self.assertEqual(found["ignored_checks"], checks)
            self.assertIn(f"it was made of a file of which checks failed and were ignored: {', '.join(checks)}", found["warnings"])

    def test_checksums(self):
        for data, name in ((ildg(self.small, 64, checksum=checksum_xml(1, 2)), "SciDAC checksum: expected 00000001 / 00000002"),
                           (nersc(self.small, CHECKSUM="0"), "CHECKSUM: expected 00000000")):
            found = self.ignoring(data, "checksum", name)
            self.assertEqual(found["ignored_checks"], ["checksum"])
            self.assertIn(" (WRONG, ignored)", self.good("info", "file", "--ignore-checks", "checksum"))
            self.check_recorded(["checksum"], "checksum")

    def test_milc_5p7(self):
        """MILC's lat.sample.5p7: its programs print a violation of both checksums, and unitary links."""
        name = self.put("file", milc(self.small, ">", sums=(0x2e218ab1, 0x2d188e6b)))
        self.bad(["info", name], "wrong sum29 / sum31: expected 2e218ab1 / 2d188e6b, found")
        found = self.info(name, "--ignore-checks", "checksum")
        self.assertEqual((found["checksum"], found["ignored_checks"]), ("2e218ab1 / 2d188e6b", ["checksum"]))
        self.check_recorded(["checksum"], "checksum")

    def test_exchanged(self):
        plaquette, trace = f"{self.small.plaquettes()[0]:.10f}", f"{self.small.link_trace():.10f}"
        data = nersc(self.small, PLAQUETTE=trace, LINK_TRACE=plaquette)
        self.refused(data, "wrong PLAQUETTE", "PLAQUETTE and LINK_TRACE are exchanged")
        self.refused(data, "wrong LINK_TRACE", words=("--ignore-checks", "plaquette"))
        found = self.ignoring(data, "plaquette,link_trace", "PLAQUETTE", "LINK_TRACE")
        self.assertEqual(found["ignored_checks"], ["plaquette", "link_trace"])
        self.check_recorded(["plaquette", "link_trace"], "link_trace,plaquette")
        self.assertNotIn("exchanged", self.refused(nersc(self.small, PLAQUETTE="0.7"), "wrong PLAQUETTE"))

    def test_no_numbers(self):
        data = nersc(self.small, CHECKSUM="-1", PLAQUETTE="nan", LINK_TRACE="?")
        self.refused(data, "CHECKSUM: expected a hexadecimal number of 32 bits, found '-1'")
        self.refused(data, "LINK_TRACE: expected a number, found '?'", words=("--ignore-checks", "checksum,plaquette"))
        found = self.info(self.put("file", data), "--ignore-checks", "checksum,plaquette,link_trace")
        self.assertEqual(found["ignored_checks"], ["checksum", "plaquette", "link_trace"])
        self.check_recorded(["checksum", "plaquette", "link_trace"], "checksum,plaquette,link_trace")

    def test_among_many_warnings(self):
        """Doubts come first, however many there are."""
        boundaries = {f"BOUNDARY_{k}": "OPEN" for k in (1, 2, 3, 4)}
        for extra in (b"", b"DATATYPE = 4D_SU3_GAUGE_3x3\nDIMENSION_1 = 2\nDIMENSION_2 = 2\nDIMENSION_3 = 2\n"):
            data = nersc(self.small, CHECKSUM="-1", PLAQUETTE="0.7", LINK_TRACE="0.7", IGNORED_CHECKS="plaquette", **boundaries)
            data = data.replace(b"ENSEMBLE_LABEL", extra + b"ENSEMBLE_LABEL", 1) + b"x"
            warnings = self.info(self.put("file", data), "--ignore-checks", "checksum,plaquette,link_trace")["warnings"]
            for warning, part in zip(warnings, ("CHECKSUM", "PLAQUETTE", "LINK_TRACE", "it was made of a file")):
                self.assertIn(part, warning)
            self.assertEqual(len(warnings), 8)
            self.assertEqual(len(set(warnings)), 8, warnings)
            self.assertIn("more that deserves", warnings[-1])

    def test_what_is_right_is_not_recorded(self):
        self.put("file", nersc(self.small))
        self.assertEqual(self.convert("file", "out.nersc", "--ignore-checks", "checksum,plaquette,link_trace"), [])
        self.assertNotIn(b"IGNORED", (self.dir / "out.nersc").read_bytes())
        self.assertEqual(self.info("out.nersc")["ignored_checks"], [])
        self.assertIn("plaquette, link trace (verified)", self.good("info", "file", "--ignore-checks", "plaquette"))

    def test_words(self):
        name = self.put("file", nersc(self.small))
        for command in (["info", name], ["convert", name, "out.ildg"]):
            self.bad([*command, "--ignore-checks", "cheksum"], "--ignore-checks: unknown word 'cheksum'; did you mean 'checksum'?")
            self.bad([*command, "--ignore-checks", "checksum,linktrace"], "unknown word 'linktrace'; did you mean 'link_trace'?")
            for words in ("", "checksum,", "zzz"):
                self.bad([*command, "--ignore-checks", words], "--ignore-checks: unknown word", "(known: checksum, plaquette, link_trace)")
            self.bad([*command, "--ignore-check", "checksum"], "did you mean '--ignore-checks'?")
        self.assertFalse((self.dir / "out.ildg").exists())


class Convert(Doubtful):
    """Every file that convert writes, info accepts; and what convert refuses to write, it does not leave behind."""

    FORMS = [("ildg", bits, 3) for bits in (32, 64)] + [("nersc", bits, rows) for bits in (32, 64) for rows in (2, 3)]

    def inputs(self):
        for by in (0, 3e-6, 4.99e-6, 4.9999e-6):  # up to the limit: rounding and a third row that is made may pass it
            links = self.stretched(by)
            for bits in (32, 64):
                yield f"ildg{bits}", ildg(links, bits)
                for order, rows in itertools.product("<>", (2, 3)):
                    yield f"nersc{bits}{order}{rows}", nersc(links, bits, order, rows)
            yield "scidac", scidac(links, 64)
            yield "milc", milc(links, "<")
        yield "no sums", nersc(self.small, drop=("CHECKSUM", "PLAQUETTE", "LINK_TRACE"))
        yield "two", ildg(self.small, 64) + scidac(self.links, 32)
        for value in (float("nan"), float("inf"), 1e300, 0.0, 2.0):
            links = Links.random(SMALL, 6)
            links.u[0, 1, 0, 1][1][1][1] = complex(value, value)
            yield f"with {value}", ildg(links, 64)
            yield f"with {value}", nersc(links, 64, rows=2, drop=("PLAQUETTE", "LINK_TRACE"))
        yield "little", ildg(self.small, 64, payload=self.small.payload(64, "<", 3))

    def test_property(self):
        """Two forms for each input, of which there are 12 for each deviation; with CW_LONG=1 all of them."""
        written = refused = 0
        for number, (name, data) in enumerate(self.inputs()):
            self.put("in", data)
            readable = self.run_program("info", "in")[0] == 0
            for form, bits, rows in self.FORMS if LONG else self.FORMS[(number + number // 12) % 3::3]:
                words = ["convert", "in", "out", "--format", form, "--precision", bits, "--rows", rows]
                code, _, err = self.run_program(*words)
                with self.subTest(name=name, form=form, bits=bits, rows=rows):
                    self.assertEqual(code == 0, (self.dir / "out").exists())
                    if code == 0:
                        self.assertTrue(readable)
                        found = self.info("out")
                        self.assertLessEqual(max(found["measured"]["unitarity"], found["measured"]["determinant"]), 1e-5)
                        self.assertEqual((found["format"], found["precision"], found["rows"]), (form, bits, rows))
                        written += 1
                    else:
                        self.assertRegex(err, r"\Aerror: '(in|out)'.*: (links are not|expected finite|payload is)")
                        refused += 1
                (self.dir / "out").unlink(missing_ok=True)
        self.assertGreater(written, 150 if LONG else 50)
        self.assertGreater(refused, 30 if LONG else 10)

    def test_rounding_passes_the_limit(self):
        """A field that is accepted in 64 bits and would not be in 32: convert measures what it writes."""
        for by in (4.99e-6, 4.9999e-6):
            for seed in range(3, 6):
                links = self.stretched(by, seed)
                self.put("in", ildg(links, 64))
                self.info("in")
                rounded = Links.of_payload(SMALL, links.payload(32, ">", 3), 32, ">", 3)
                m = rounded.u[1, 0, 1, 3][2][0]
                if sum(abs(z) ** 2 for z in m) - 1 > 1.0000001e-5:
                    self.bad(["convert", "in", "out.ildg", "--precision", 32], "'out.ildg' is not written: links are not in SU(3)")
                    return
        self.fail("no such field among these")


class Shared(Doubtful):
    """The files that come with the sources' neighbour shared/data, as its two README.md describe them."""

    GOOD = {"milc_l4444.ildg": (), "milc_l4444.scidac": (), "milc_l4444.milc": (), "lat_nersc_l8t4": (), "lat_ildg_l8t4": (),
            "failing/good_2222.lime": (), "failing/good_2222.nersc": (),
            "failing/trailing_zeros_2222.lime": ("512 zero bytes behind the last record",),
            "failing/zeros_behind_2222.nersc": ("512 bytes behind the links",)}
    BAD = {"failing/little_endian_2222.lime": "payload is little endian",
           "failing/momentum_2222.lime": "links are not in SU(3): U U^dagger - 1 is up to 9.42e+04 and det U - 1 up to 1.01e+07",
           "failing/two_formats_2222.lime": "two records ildg-format contradict each other: 2x2x2x2 in 64 bits and 4x4x4x4 in 64 bits"}
    DOUBTFUL = {"failing/qlat_swapped_2222.nersc": ["plaquette", "link_trace"], "failing/null_checks_2222.nersc": ["checksum", "link_trace"]}

    def setUp(self):
        super().setUp()
        if not DATA.is_dir():
            self.skipTest(f"the files of other codes are not there ({DATA})")

    def test_good(self):
        for name, warnings in self.GOOD.items():
            with self.subTest(name=name):
                found = self.info(DATA / name)
                self.assertEqual(len(found["warnings"]), len(warnings), found["warnings"])
                for warning, part in zip(found["warnings"], warnings):
                    self.assertIn(part, warning)
                if "2222" in name:
                    self.assertAlmostEqual(found["measured"]["plaquette"], 0.009746850061, delta=1e-12)
                for out in ("out.nersc", "out.ildg"):
                    self.convert(DATA / name, out, "--overwrite")
                    self.assertEqual(self.info(out)["measured"]["plaquette"], found["measured"]["plaquette"])
                    self.assertEqual(self.info(out)["warnings"], [])

    def test_bad(self):
        for name, part in self.BAD.items():
            for words in ((), ("--ignore-checks", "checksum,plaquette,link_trace")):
                with self.subTest(name=name):
                    self.refused((DATA / name).read_bytes(), part, words=words)

    def test_doubtful(self):
        for name, checks in self.DOUBTFUL.items():
            with self.subTest(name=name):
                self.refused((DATA / name).read_bytes(), "wrong ")
                words = ("--ignore-checks", ",".join(checks))
                self.assertEqual(self.info(DATA / name, *words)["ignored_checks"], checks)
                self.convert(DATA / name, "new.ildg", "--overwrite", *words)
                found = self.info("new.ildg")
                self.assertEqual(found["ignored_checks"], checks)
                self.assertAlmostEqual(found["measured"]["plaquette"], 0.009746850061, delta=1e-12)

    def test_none_is_forgotten(self):
        names = {str(p.relative_to(DATA)) for p in DATA.rglob("*") if p.is_file() and p.suffix not in (".md", ".yaml")}
        self.assertLessEqual(names, {*self.GOOD, *self.BAD, *self.DOUBTFUL})


if __name__ == "__main__":
    program.main()
