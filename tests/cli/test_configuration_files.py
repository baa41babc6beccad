"""Gauge configurations through causeway info and convert: files of every format that configuration_files.py makes, damaged files, and
what causeway writes, parsed there again."""
import os
import re
import struct
import xml.etree.ElementTree as ElementTree

import program
from configuration_files import (EXTENT, SMALL, Files, Links, checksum_xml, coordinates, ildg, ildg_format, milc, milc_sums,
                                 nersc, nersc_sum, openqcd, parse_lime, parse_nersc, plain, private_file, private_record, record, scidac,
                                 scidac_sums)


class Reading(Files):
    def check(self, data, form, precision, order, rows, links, checksum):
        name = self.put("file", data)
        found = self.info(name)
        self.assertEqual(found["warnings"], [])
        self.assertEqual((found["format"], found["lattice"], found["precision"], found["byte_order"], found["rows"]),
                         (form, list(links.extent), precision, "big" if order == ">" else "little", rows))
        self.assertEqual(found["checksum"], checksum)
        payload = links.payload(precision, order, rows)
        stored = Links.of_payload(links.extent, payload, precision, order, rows)
        self.check_measured(found, stored)
        limit = 1e-6 if precision == 32 else 1e-14
        self.assertLess(found["measured"]["unitarity"], limit)
        self.assertLess(found["measured"]["determinant"], limit)
        # The links themselves: through a 64-bit ILDG file, parsed here.
        self.assertEqual(self.convert(name, "out.ildg", "--precision", 64, "--overwrite"), [])
        written = dict((kind, body) for kind, _, body in parse_lime((self.dir / "out.ildg").read_bytes()))
        if rows == 3:
            self.assertEqual(written["ildg-binary-data"], stored.payload(64, ">", 3))
        else:
            again = Links.of_payload(links.extent, written["ildg-binary-data"], 64, ">", 3)
            for x in coordinates(links.extent):
                for m, n in zip(again.u[x], stored.u[x]):
                    self.assertEqual(m[:2], n[:2])
                    self.assertLess(max(abs(a - b) for a, b in zip(m[2], n[2])), 1e-15)

    def test_ildg_and_scidac(self):
        for links in (self.links, self.small):
            for precision in (32, 64):
                a, b = scidac_sums(links.payload(precision, ">", 3), len(links.u))
                for form, data in (("ildg", ildg(links, precision)), ("scidac", scidac(links, precision)),
                                   ("ildg", ildg(links, precision, extra=[private_file(links.extent), private_record(precision)]))):
                    with self.subTest(form=form, precision=precision):
                        self.check(data, form, precision, ">", 3, links, f"{a:08x} / {b:08x}")

    def test_nersc(self):
        for links in (self.links, self.small):
            for precision in (32, 64):
                for order in "<>":
                    for rows in (2, 3):
                        with self.subTest(precision=precision, order=order, rows=rows):
                            total = nersc_sum(links.payload(precision, order, rows), order)
                            self.check(nersc(links, precision, order, rows), "nersc", precision, order, rows, links, f"{total:08x}")

    def test_milc(self):
        for order in "<>":
            with self.subTest(order=order):
                a, b = milc_sums(self.links.payload(32, order, 3), order)
                self.check(milc(self.links, order), "milc", 32, order, 3, self.links, f"{a:08x} / {b:08x}")

    def test_openqcd(self):
        links = Links.random((2, 4, 6, 8), seed=3)
        self.check(openqcd(links), "openqcd", 64, "<", 3, links, None)
        # Written, it is what this module writes, but for the last bits of the plaquette.
        self.put("in.ildg", ildg(links, 64))
        self.assertEqual(self.convert("in.ildg", "out.openqcd"), [])
        written, made = (self.dir / "out.openqcd").read_bytes(), openqcd(links)
        self.assertEqual((written[:16], written[24:]), (made[:16], made[24:]))
        self.assertAlmostEqual(struct.unpack("<d", written[16:24])[0], 3 * links.plaquettes()[0], delta=1e-14)
        (self.dir / "out.ildg").unlink()
        self.refused(openqcd(self.small, plaquette=0.1), "wrong PLAQUETTE: expected 0.0333")
        self.refused(openqcd(self.small)[:-8], "truncated: a lattice 2x2x2x4", "18432 bytes", "found 18424")
        self.put("odd.ildg", ildg(self.links, 64))
        self.bad(["convert", "odd.ildg", "odd.openqcd"], "expected even extents (openqcd has no others), found 3")
        self.put("more", openqcd(self.small) + b"something")
        self.assertEqual(self.convert("more", "more.ildg"), ["9 bytes behind the links are not read"])

    def test_not_read(self):
        """What people have is named where it is not read."""
        for data, what in ((b"\x1f\x8b\x08", "compressed by gzip"), (b"BZh9", "compressed by bzip2"),
                           (b"\xfd7zXZ\x00", "compressed by xz"), (b"\x28\xb5\x2f\xfd", "compressed by zstd"),
                           (struct.pack(">i", 59354), "an old one of MILC"),
                           (struct.pack("<i", 53546), "an old one of MILC"), (struct.pack(">I", 0x71626434), "an old one of MILC"),
                           (struct.pack(">5id", 3, 8, 4, 4, 4, 0.5), "HiRep")):
            with self.subTest(what=what):
                self.refused(data + bytes(200), f"found a file that is {what}")
        self.put("file", b"\x89HDF\r\n\x1a\n" + bytes(200))  # `info` takes it for a model
        self.bad(["convert", "file", "out.ildg"], "expected the seal of causeway at the end of an HDF5 file", "of another code")

    def test_text(self):
        self.put("a.nersc", nersc(self.links))
        text = self.good("info", "a.nersc")
        plaquette = self.links.plaquettes()[0]
        for line in (r"format +nersc", r"lattice +2 x 4 x 3 x 5 \(x, y, z, t; 120 sites\)", r"numbers +64 bits, big endian, 3 rows",
                     r"checksum +[0-9a-f]{8} \(verified\)", r"header +plaquette, link trace \(verified\)",
                     rf"plaquette +{plaquette:.12f} ", r"unitarity +\d\.\d\de-\d\d "):
            self.assertRegex(text, rf"(?m)^{line}")
        self.assertNotIn("WARNING", text)


class Missing(Files):
    """Optional parts that a file lacks: read, with a warning in info and in convert."""

    def warned(self, data, *parts, words=()):
        name = self.put("file", data)
        found = self.info(name, *words)
        self.assertEqual(len(found["warnings"]), len(parts), found["warnings"])
        for warning, part in zip(found["warnings"], parts):
            self.assertIn(part, warning)
            self.assertIn(f"WARNING             {warning}\n", self.good("info", name, *words))
        self.check_measured(found, self.small)
        self.assertEqual(self.convert(name, "out.nersc", "--overwrite", *words), found["warnings"])
        return found

    def test_ildg(self):
        lattice = ("--lattice", "2,2,2,4")
        found = self.warned(ildg(self.small, 64, checksum=""), "no scidac-checksum")
        self.assertIsNone(found["checksum"])
        self.warned(ildg(self.small, 64, form=""), "no ildg-format: the dimensions are what the user says", words=lattice)
        self.bad(["info", self.put("file", ildg(self.small, 64, form=""))], "no ildg-format", "--lattice X,Y,Z,T")
        self.bad(["info", "file", "--lattice", "2,2,2,2"], "for a lattice 2x2x2x2", "found 18432")
        self.warned(ildg(self.small, 64, form="", extra=[private_file(SMALL)]), "those of scidac-private-file-xml")
        text = ildg_format(SMALL, 64)
        self.warned(ildg(self.small, 64, form=text.replace("precision>", "precise>")), "lacks <precision>")
        self.warned(ildg(self.small, 64, form=text.replace("version>", "edition>")), "lacks <version>")
        self.warned(ildg(self.small, 64, form=text.replace("field>", "fields>")), "lacks <field>")
        self.warned(ildg(self.small, 64) + ildg(self.links, 32), "2 records of binary data")
        whole = ildg(self.small, 64, checksum="") + record("scidac-checksum", checksum_xml(
            *scidac_sums(self.small.payload(64, ">", 3), 32)) + "  ", pad=False)
        self.assertNotEqual(len(whole) % 8, 0)
        self.warned(whole, "not padded")
        for n in (1, 7, 144, 5000):
            self.warned(ildg(self.small, 64) + bytes(n), f"{n} zero bytes behind the last record")

    def test_scidac(self):
        self.warned(scidac(self.small, 64, checksum=False), "no scidac-checksum")

    def test_nersc(self):
        found = self.warned(nersc(self.small, drop=("CHECKSUM", "PLAQUETTE", "LINK_TRACE")), "no CHECKSUM", "no PLAQUETTE",
                            "no LINK_TRACE")
        self.assertEqual((found["checksum"], found["states_plaquette"], found["states_link_trace"]), (None, False, False))
        self.warned(nersc(self.small, BOUNDARY_4="ANTIPERIODIC", BOUNDARY_1="PERIODIC"), "BOUNDARY_4 = ANTIPERIODIC")
        self.warned(nersc(self.small) + b"abc", "3 bytes behind the links")
        for order, name in ((">", "BIG"), ("<", "LITTLE")):
            self.warned(nersc(self.small, 64, order, word="IEEE64"), f"by the first link it is {name}")

    def test_all_at_once(self):
        """More oddities than there is room for: the last sentence says so."""
        data = nersc(self.small, word="IEEE64", drop=("CHECKSUM", "PLAQUETTE", "LINK_TRACE"),
                     **{f"BOUNDARY_{k}": "OPEN" for k in (1, 2, 3, 4)})
        found = self.info(self.put("file", data + b"x"))
        self.assertEqual(len(found["warnings"]), 8)
        self.assertIn("more that deserves", found["warnings"][-1])


class Damaged(Files):
    """Exit 2 and one line that says file, what was expected and what was found; convert leaves nothing behind."""

    def test_flipped_byte(self):
        a, b = scidac_sums(self.small.payload(64, ">", 3), 32)
        for make, start, part in ((lambda: ildg(self.small, 64), 700, f"wrong SciDAC checksum: expected {a:08x} / {b:08x}, found"),
                                  (lambda: scidac(self.small, 32), 1500, "wrong SciDAC checksum: expected"),
                                  (lambda: nersc(self.small, 64), 600, "wrong CHECKSUM: expected"),
                                  (lambda: milc(self.small, "<"), 97, "wrong sum29 / sum31: expected")):
            for step in (0, 1111, 7777):
                data = bytearray(make())
                data[start + step] ^= 0x01
                self.refused(bytes(data), part)

    def test_swapped_sites(self):
        """Two sites that changed places: the plaquette would differ, and the checksum does."""
        payload = self.small.payload(64, ">", 3)
        data = ildg(self.small, 64)
        at = data.index(payload)
        self.refused(data[:at] + payload[576:1152] + payload[:576] + data[at + 1152:], "wrong SciDAC checksum")

    def test_wrong_checksum(self):
        self.refused(ildg(self.small, 64, checksum=checksum_xml(1, 2)), "expected 00000001 / 00000002, found")
        self.refused(ildg(self.small, 64, checksum="<scidacChecksum><suma>1</suma></scidacChecksum>"), "expected <sumb>")
        self.refused(ildg(self.small, 64, checksum=checksum_xml(1, 2).replace("<suma>1", "<suma>123456789a")), "<suma>", "123456789a")
        self.refused(nersc(self.small, CHECKSUM="0"), "wrong CHECKSUM: expected 00000000, found")
        self.refused(nersc(self.small, CHECKSUM="xyz"), "CHECKSUM: expected a hexadecimal number", "'xyz'")
        self.refused(milc(self.small, ">", sums=(1, 2)), "wrong sum29 / sum31: expected 00000001 / 00000002, found")

    def test_wrong_plaquette_and_trace(self):
        plaquette, trace = self.small.plaquettes()[0], self.small.link_trace()
        self.refused(nersc(self.small, PLAQUETTE=f"{plaquette + 1e-7:.10f}"), "wrong PLAQUETTE: expected", f"found {plaquette:.8f}"[:14])
        self.refused(nersc(self.small, 32, PLAQUETTE=f"{plaquette + 2e-5:.10f}"), "wrong PLAQUETTE: expected")
        self.refused(nersc(self.small, LINK_TRACE=f"{trace - 1e-7:.10f}"), "wrong LINK_TRACE: expected")
        self.refused(nersc(self.small, PLAQUETTE="nan"), "PLAQUETTE: expected a number, found 'nan'")
        self.refused(nersc(self.small, PLAQUETTE="0.5x"), "PLAQUETTE: expected a number, found '0.5x'")
        self.info(self.put("file", nersc(self.small, PLAQUETTE=f"{plaquette:.4f}")))  # only the digits that are there count

    def test_truncated(self):
        for data in (ildg(self.small, 64, checksum=""), scidac(self.small, 32, checksum=False), nersc(self.small), milc(self.small, "<")):
            for cut in (1, 8, 577, len(data) // 2):
                self.refused(data[:-cut], "truncated")
        self.refused(ildg(self.small, 64)[:100], "truncated: a LIME header takes 144 bytes")
        self.refused(nersc(self.small)[:60], "END_HEADER")
        self.refused(milc(self.small, "<")[:40], "truncated: the MILC header takes 96 bytes")

    def test_lime(self):
        good, payload = ildg(self.small, 64), self.small.payload(64, ">", 3)
        self.refused(b"\x45\x67\x89\xac" + good[4:], "expected a configuration")
        self.refused(b"\xab\x89\x67\x45" + good[4:], "its LIME records are little endian")
        self.refused(good + b"\0" * 144 + b"x", f"expected a LIME record (magic 456789ab) at byte {len(good)}", "found 00000000")
        self.refused(record("x", "", version=9) + good, "expected a LIME record of version 1", "found version 9")
        for length in (2**64 - 1, 2**63, 2**40):
            self.refused(good + record("x", "data", length=length), "truncated: the record x has")
            self.refused(record("ildg-format", "<lx>", length=length), "truncated: the record ildg-format has")
        self.refused(record("ildg-format", ildg_format(SMALL, 64)), "expected a LIME record ildg-binary-data", "found none")
        self.refused(record("ildg-format", "<a>" * 500000) + record("ildg-binary-data", payload), "absurd record ildg-format")
        self.refused(record("\x1b[2J\n", payload) + good[:700], "truncated")
        self.refused(record("\x1b[2J\n", payload, length=10**9), "the record ?[2J? has")

    def test_ildg_xml(self):
        def with_format(old, new):
            return ildg(self.small, 64, form=ildg_format(SMALL, 64).replace(old, new))

        self.refused(with_format("<lt>4</lt>", ""), "expected <lt>, found none")
        self.refused(with_format("<lt>4</lt>", "<lt>-4</lt>"), "expected a number in <lt>, found '-4'")
        self.refused(with_format("<lt>4</lt>", "<lt>4"), "expected a short text in <lt>")
        self.refused(with_format("<lt>4</lt>", f"<lt>{'4' * 100}</lt>"), "<lt>")
        self.refused(with_format("<lt>4</lt>", "<lt>99999999999999999999</lt>"), "<lt>", "99999999999999999999")
        self.refused(with_format("<lt>4</lt>", "<lt>4\n\x1b</lt>"), "found '4??'")
        self.refused(with_format(">64<", ">80<"), "expected precision 32 or 64, found 80")
        self.refused(with_format(">64<", ">32<"), "expected 9216 bytes for a lattice 2x2x2x4 of SU(3) in 32 bits, found 18432")
        self.refused(with_format("su3gauge", "su4gauge"), "expected the field su3gauge, su2gauge or u1gauge, found 'su4gauge'")
        self.refused(with_format("su3gauge", "su2gauge"), "of SU(2) in 64 bits, found 18432")
        self.refused(ildg(self.small, 64, extra=[private_file(EXTENT)]), "dimensions disagree")
        self.refused(ildg(self.small, 64, extra=[private_record(32)]), "precisions disagree")
        self.refused(scidac(self.small, 64, count=1), "expected a gauge field of 576 bytes per site, found 1 times 144")
        self.refused(scidac(self.small, 64, colors=4), "expected 1 to 3 colors, found 4")
        self.refused(scidac(self.small, 64, colors=2), "expected a gauge field of 256 bytes per site, found 4 times 144")
        self.refused(ildg(self.small, 64), "expected a lattice 4x2x2x2", "found 2x2x2x4", words=("--lattice", "4,2,2,2"))

    def test_absurd_dimensions(self):
        for extent in ((0, 2, 2, 4), (65536,) * 4, (4294967295, 1, 1, 1), (2**31, 1, 1, 1)):
            self.refused(ildg(self.small, 64, form=ildg_format(extent, 64)), "absurd dimensions")
            self.refused(milc(self.small, "<", extent=extent), "absurd dimensions")
            self.refused(milc(self.small, ">", extent=extent), "absurd dimensions")
            self.refused(nersc(self.small, **{f"DIMENSION_{k + 1}": n for k, n in enumerate(extent)}), "absurd dimensions")
        self.refused(ildg(self.small, 64, form=ildg_format((100,) * 4, 64)), "expected 57600000000 bytes", "found 18432")
        self.refused(nersc(self.small, DIMENSION_1=1000000), "truncated: a lattice 1000000x2x2x4", "found 18432")
        self.refused(milc(self.small, "<", extent=(2, 2, 2, 1000)), "truncated: a lattice 2x2x2x1000", "found 9216")

    def test_nersc_header(self):
        self.refused(nersc(self.small, DATATYPE="4D_SU4_GAUGE"), "expected 4D_SU3_GAUGE, 4D_SU3_GAUGE_3x3, 4D_SU2_GAUGE,",
                     "or 4D_U1_GAUGE, found '4D_SU4_GAUGE'")
        self.refused(nersc(self.small, word="TIDSP32"), "FLOATING_POINT: expected IEEE32BIG", "found 'TIDSP32'")
        self.refused(nersc(self.small, DIMENSION_3="two"), "DIMENSION_3: expected a number, found 'two'")
        for key in ("DATATYPE", "DIMENSION_2", "FLOATING_POINT"):
            self.refused(nersc(self.small, drop=(key,)), f"expected a line {key} = ")
        self.refused(b"BEGIN_HEADER\n" + b"X = 1\n" * 20000, "expected a line END_HEADER within 65536 bytes")

    def test_milc_order(self):
        self.refused(milc(self.small, "<", sites=1), "expected sites in lexicographic order (0), found order 1")

    def test_not_a_number(self):
        for value in (float("nan"), float("inf")):
            links = Links.random(SMALL, seed=4)
            links.u[1, 0, 1, 2][3][2][2] = complex(0, value)
            self.refused(ildg(links, 64), "expected finite numbers", "at site 1,0,1,2")
        links = Links.random(SMALL, seed=4)
        for row in links.u[0, 1, 0, 3][2]:
            row[:] = [1e200 * z for z in row]
        data = nersc(links, 64, rows=2, drop=("PLAQUETTE", "LINK_TRACE"))  # the third row overflows
        self.refused(data, "expected finite numbers", "at site 0,1,0,3")

    def test_no_configuration(self):
        self.refused(b"", "expected a configuration", "0 bytes")
        self.refused(b"\x1b[31mred", "starts with '?[31mred'")
        self.bad(["info", "absent"], "cannot open 'absent'")
        self.bad(["info", "."], "cannot read '.': it is not a file")


class Writing(Files):
    """What causeway writes, byte for byte."""

    def test_ildg(self):
        self.put("in", nersc(self.links, 64))
        for precision in (32, 64):
            out = self.good("convert", "in", "out.ildg", "--precision", precision, "--overwrite")
            self.assertRegex(out, rf"(?m)^out.ildg: ildg, {precision} bits")
            records = parse_lime((self.dir / "out.ildg").read_bytes())
            self.assertEqual([kind for kind, _, _ in records],
                             ["ildg-format", "ildg-data-lfn", "ildg-binary-data", "scidac-checksum"])
            self.assertEqual([flags for _, flags, _ in records], [0x8000, 0, 0, 0x4000])
            data = {kind: body for kind, _, body in records}
            form = plain(ElementTree.fromstring(data["ildg-format"]))
            self.assertEqual([form[tag] for tag in ("version", "field", "precision", "lx", "ly", "lz", "lt")],
                             ["1.0", "su3gauge", str(precision), "2", "4", "3", "5"])
            payload = self.links.payload(precision, ">", 3)
            self.assertEqual(data["ildg-binary-data"], payload)
            self.assertEqual(data["ildg-data-lfn"], b"lfn://causeway/out.ildg")
            sums = plain(ElementTree.fromstring(data["scidac-checksum"]))
            self.assertEqual((int(sums["suma"], 16), int(sums["sumb"], 16)), scidac_sums(payload, len(self.links.u)))

    def test_nersc(self):
        self.put("in", ildg(self.links, 64))
        for precision in (32, 64):
            for rows in (2, 3):
                self.good("convert", "in", "out", "--format", "nersc", "--precision", precision, "--rows", rows, "--overwrite")
                header, payload = parse_nersc((self.dir / "out").read_bytes())
                self.assertEqual(payload, self.links.payload(precision, ">", rows))
                stored = Links.of_payload(EXTENT, payload, precision, ">", rows)
                self.assertEqual([header[f"DIMENSION_{k}"] for k in (1, 2, 3, 4)], [str(n) for n in EXTENT])
                self.assertEqual(header["DATATYPE"], "4D_SU3_GAUGE_3x3" if rows == 3 else "4D_SU3_GAUGE")
                self.assertEqual(header["FLOATING_POINT"], f"IEEE{precision}BIG")
                self.assertEqual(int(header["CHECKSUM"], 16), nersc_sum(payload, ">"))
                self.assertAlmostEqual(float(header["PLAQUETTE"]), stored.plaquettes()[0], delta=1e-14)
                self.assertAlmostEqual(float(header["LINK_TRACE"]), stored.link_trace(), delta=1e-14)

    def test_precision_of_the_input(self):
        """Without --precision, that of the file which is read."""
        for precision in (32, 64):
            self.put("in", ildg(self.small, precision))
            self.good("convert", "in", "out.lime", "--overwrite")
            self.assertEqual(self.info("out.lime")["precision"], precision)
        self.put("in", milc(self.small, "<"))
        self.good("convert", "in", "out.nersc")
        self.assertEqual(parse_nersc((self.dir / "out.nersc").read_bytes())[1], self.small.payload(32, ">", 3))

    def test_there_and_back(self):
        self.put("a.ildg", ildg(self.links, 64))
        self.good("convert", "a.ildg", "b.nersc")
        self.good("convert", "b.nersc", "c.ildg")
        self.good("convert", "c.ildg", "d.nersc")
        self.assertEqual((self.dir / "b.nersc").read_bytes(), (self.dir / "d.nersc").read_bytes())

    def test_never_overwrites_unasked(self):
        self.put("in", ildg(self.small, 64))
        self.put("out.nersc", b"precious")
        self.bad(["convert", "in", "out.nersc"], "'out.nersc' exists", "--overwrite")
        self.assertEqual((self.dir / "out.nersc").read_bytes(), b"precious")
        os.symlink("nowhere", self.dir / "link.nersc")
        self.bad(["convert", "in", "link.nersc"], "'link.nersc' exists")
        self.bad(["convert", "in", "nowhere/out.nersc"], "cannot write 'nowhere/out.nersc'")
        self.good("convert", "in", "out.nersc", "--overwrite")
        self.assertEqual(sorted(p.name for p in self.dir.iterdir()), ["in", "link.nersc", "out.nersc"])
        self.good("convert", "in", self.dir / "in", "--format", "nersc", "--overwrite")  # onto itself
        self.assertEqual(self.info("in")["format"], "nersc")

    def test_options(self):
        self.put("in", ildg(self.small, 64))
        self.bad(["convert", "in", "out"], "which format?", "--format nersc")
        self.bad(["convert", "in", "out.ildg", "--rows", "2"], "only format nersc")
        self.bad(["convert", "in", "out", "--format", "milc"], "--format: expected one of ildg, nersc, openqcd, hdf5, found 'milc'")
        self.bad(["convert", "in", "out.ildg", "--precision", "16"], "expected one of 32, 64, found '16'")
        self.bad(["convert", "in", "out.ildg", "--rows", "4"], "expected one of 1, 2, 3, found '4'")
        self.bad(["convert", "in", "out.nersc", "--rows", "1"], "--rows 1: no format writes so many of 3 x 3 matrices")
        self.bad(["convert", "in", "out.ildg", "--fromat", "ildg"], "unknown option '--fromat'; did you mean '--format'?")
        self.bad(["convert", "in", "out.ildg", "--zzz"], "unknown option '--zzz' (known: --format, --precision,")
        self.bad(["convert", "in", "out.ildg", "--format"], "--format needs a value")
        self.bad(["convert", "in"], "usage: causeway convert IN OUT")
        self.bad(["convert", "in", "b", "c"], "expected IN and OUT, found 'c' too")
        self.bad(["info"], "usage: causeway info FILE")
        self.bad(["info", "in", "b"], "expected one file, found 'b' too")
        self.bad(["info", "in", "--jsno"], "unknown option '--jsno'; did you mean '--json'?")
        for lattice in ("2,2,2", "2,2,2,0", "2,2,2,4,5", "2,2,2,-4", "a", "", "99999,99999,99999,99999", "2,2,2,99999999999999999999"):
            self.bad(["info", "in", "--lattice", lattice], "--lattice: expected X,Y,Z,T")


# Every measured configuration is kept; two sections, of which one keeps none.
RUN = """\
job: kept
seed: 3
lattice: [2, 4, 2, 6]
theory: {kind: su3, beta: 5.7}
heatbath: {chains: 2, thermalise: 2, steps: 8, keep: 16}
hmc: {chains: 1, thermalise: 2, steps: 2}
"""


class FromRun(Files):
    """Configurations that a run kept."""

    def make(self, out, *assignments, job=RUN, **options):
        self.write("job.yaml", job)
        words = [word for assignment in assignments for word in ("--set", assignment)]
        self.good("run", "job.yaml", "--out", out, "--threads", 1, "--quiet", *words, **options)

    def export(self, run, *words):
        """(bytes of the file, what was printed)"""
        out = self.good("convert", run, "out.nersc", "--overwrite", *words)
        return (self.dir / "out.nersc").read_bytes(), out

    def test_all_of_them_have_the_measured_plaquette(self):
        self.make("run")
        files = [self.export("run", "--config", n)[0] for n in range(16)]
        self.assertEqual(len(set(files)), 16)
        headers = [parse_nersc(data)[0] for data in files]
        self.assertEqual([headers[0][f"DIMENSION_{k}"] for k in (1, 2, 3, 4)], ["2", "4", "2", "6"])
        mean = sum(float(header["PLAQUETTE"]) for header in headers) / 16
        measured = {r["name"]: r["value"] for r in self.results("run")["results"]}
        self.assertAlmostEqual(mean, measured["heatbath.plaquette"], delta=1e-13)

    def test_the_last_one_and_the_options(self):
        self.make("run")
        last, out = self.export("run")
        self.assertEqual(last, self.export("run", "--config", 15, "--stage", "heatbath")[0])
        plaquette = float(parse_nersc(last)[0]["PLAQUETTE"])
        self.assertIn("run: stage 'heatbath', configuration 15 of 0 to 15 (row 7, chain 1), 2x4x2x6\n", out)
        self.assertIn(f"out.nersc: nersc, 64 bits, plaquette {plaquette:.12f}\n", out)
        self.good("convert", "run", "out.ildg")
        found = self.info("out.ildg")
        self.assertEqual((found["precision"], found["lattice"], found["warnings"]), (64, [2, 4, 2, 6], []))
        self.assertAlmostEqual(found["measured"]["plaquette"], plaquette, delta=1e-14)
        self.good("convert", "run", "short", "--format", "nersc", "--precision", 32, "--rows", 2)
        found = self.info("short")
        self.assertEqual((found["precision"], found["rows"]), (32, 2))
        self.assertAlmostEqual(found["measured"]["plaquette"], plaquette, delta=1e-6)
        self.bad(["convert", "run", "out.nersc"], "'out.nersc' exists")

    def test_order_of_rows_and_chains(self):
        """A chain depends neither on how many there are beside it, nor on how many steps follow."""
        self.make("both", "heatbath.keep=4")  # rows after steps 4 and 8
        self.make("early", "heatbath.keep=2", "heatbath.steps=4")
        self.make("alone", "heatbath.keep=1", "heatbath.chains=1")
        for n in (0, 1):
            self.assertEqual(self.export("both", "--config", n)[0], self.export("early", "--config", n)[0])
        self.assertEqual(self.export("both", "--config", 2)[0], self.export("alone")[0])

    def test_segments_leave_no_trace(self):
        run = ("heatbath.thermalise=8", "heatbath.steps=16", "heatbath.keep=8", "heatbath.chains=1", "hmc=null")
        self.make("whole", *run, "checkpoint=1000")
        self.make("pieces", *run, "checkpoint=0.5", extra=self.ticking_clock())  # a segment of every step
        names = self.segments("pieces")
        self.assertEqual(len(names), 24)
        whole = [self.export("whole", "--config", n)[0] for n in range(8)]
        for n in range(8):
            self.assertEqual(self.export("pieces", "--config", n)[0], whole[n])
        held = []  # configurations in the store, as it was while the run went on
        for left in (len(names) * 3 // 4, 1):
            for name in names[left:]:
                (self.dir / "pieces/store" / name).unlink(missing_ok=True)
            code, out, err = self.run_program("convert", "pieces", "out.nersc", "--overwrite")
            if code == 0:
                held.append(1 + int(re.search(r"configuration (\d+) of 0 to \1 ", out)[1]))
                self.assertEqual((self.dir / "out.nersc").read_bytes(), whole[held[-1] - 1])
        self.assertEqual((len(held), held[0] < 8), (1, True))
        self.assertIn("stage 'heatbath' has kept no configuration yet", err)

    def test_way_back(self):
        self.make("run")
        self.good("convert", "run", "links.ildg")
        self.make("again", "heatbath=null", "hmc.start_file=links.ildg", "hmc.thermalise=0", "hmc.length=1e-6", "hmc.keep=2")
        plaquette = self.info("links.ildg")["measured"]["plaquette"]
        self.assertAlmostEqual(float(parse_nersc(self.export("again", "--config", 0)[0])[0]["PLAQUETTE"]), plaquette, delta=1e-4)

    def test_cases(self):
        self.make("run", job=RUN + "cases:\n  warm: {}\n  cool: {theory: {beta: 8}}\n")
        self.bad(["convert", "run", "a.ildg"], "--case", "warm, cool")
        self.bad(["convert", "run", "a.ildg", "--case", "cold"], "--case: the run has no 'cold'; did you mean 'cool'?")
        out = self.export("run", "--case", "cool")[1]
        self.assertIn("stage 'cool/heatbath'", out)
        self.assertNotEqual(self.export("run", "--case", "warm")[0], self.export("run", "--case", "cool")[0])

    def test_refusals(self):
        self.make("run")
        self.bad(["convert", "run", "a.ildg", "--config", "16"], "stage 'heatbath' has 16 configurations, 0 to 15")
        for number in ("-1", "", "1x", "99999999999999999999"):
            self.bad(["convert", "run", "a.ildg", "--config", number], "--config: expected a number from 0")
        self.bad(["convert", "run", "a.ildg", "--stage", "heatbaht"], "--stage: the run has no 'heatbaht'; did you mean 'heatbath'?")
        self.bad(["convert", "run", "a.ildg", "--stage", "zzz"], "the run has no 'zzz' (it has: ", "heatbath", "hmc")
        self.bad(["convert", "run", "a.ildg", "--stage", "hmc"], "kept no configurations of 'hmc' (hmc.keep is 0)")
        self.bad(["convert", "run", "a.ildg", "--case", "x"], "--case: the run has no 'x' (it has: none)")
        self.bad(["convert", "run", "a.ildg", "--lattice", "2,4,2,6"], "--lattice: a run knows its lattice")
        self.bad(["convert", "run/store", "a.ildg"], "cannot open store 'run/store/store'")
        self.bad(["convert", "job.yaml", "a.ildg", "--config", "1"], "--config choose from a run")
        self.make("both", "hmc.keep=2")
        self.bad(["convert", "both", "a.ildg"], "--stage", "hmc", "heatbath")
        self.make("none", "heatbath.keep=0")
        self.bad(["convert", "none", "a.ildg"], "keep is 0 in every sampler section")
        self.make("su2", "theory.kind=su2", "theory.beta=2.3")
        self.bad(["convert", "su2", "a.openqcd"], "format openqcd holds SU(3), found SU(2)")
        self.make("plane", "lattice=[4, 4]")
        self.bad(["convert", "plane", "a.ildg"], "expected a lattice of 4 dimensions, found 2")
        self.assertFalse((self.dir / "a.ildg").exists())


if __name__ == "__main__":
    program.main()
