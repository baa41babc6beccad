"""Gauge configurations made and parsed by this module alone, from the descriptions of the formats: matrices of SU(3), SU(2) and
U(1), every format, precision, byte order and number of rows. Standard library only."""
import json
import math
import random
import struct
import zlib

from program import Case

EXTENT = (2, 4, 3, 5)  # x, y, z, t: all different, so that no order can be mistaken for another
SMALL = (2, 2, 2, 4)


# ------------------------------------------------------------------ matrices

def random_su3(rng):
    def row():
        return [complex(rng.gauss(0, 1), rng.gauss(0, 1)) for _ in range(3)]

    def unit(v):
        norm = sum(abs(z) ** 2 for z in v) ** 0.5
        return [z / norm for z in v]

    a, b = unit(row()), row()
    for _ in range(2):
        overlap = sum(x.conjugate() * y for x, y in zip(a, b))
        b = unit([y - overlap * x for x, y in zip(a, b)])
    return with_third_row([a, b])


def random_su2(rng):
    a = [rng.gauss(0, 1) for _ in range(4)]
    norm = sum(x * x for x in a) ** 0.5
    return with_last_row([[complex(a[0], a[1]) / norm, complex(a[2], a[3]) / norm]])


def random_u1(rng):
    angle = rng.uniform(-math.pi, math.pi)
    return [[complex(math.cos(angle), math.sin(angle))]]


RANDOM = {"su3": random_su3, "su2": random_su2, "u1": random_u1}
COLOURS = {"su3": 3, "su2": 2, "u1": 1}


def with_last_row(rows):
    """Of SU(2) and SU(3)."""
    if len(rows) == 1:
        a, b = rows[0]
        return [[a, b], [-b.conjugate(), a.conjugate()]]
    return with_third_row(rows)


def with_third_row(rows):
    a, b = rows
    return [a, b, [(a[1] * b[2] - a[2] * b[1]).conjugate(), (a[2] * b[0] - a[0] * b[2]).conjugate(),
                   (a[0] * b[1] - a[1] * b[0]).conjugate()]]


def product(a, b):
    n = range(len(a))
    return [[sum(a[i][k] * b[k][j] for k in n) for j in n] for i in n]


def dagger(a):
    return [[a[j][i].conjugate() for j in range(len(a))] for i in range(len(a))]


def coordinates(extent):
    """All sites in the order of every format: x fastest, t slowest."""
    nx, ny, nz, nt = extent
    return [(x, y, z, t) for t in range(nt) for z in range(nz) for y in range(ny) for x in range(nx)]


class Links:
    """u[x, y, z, t][mu] is a matrix."""

    def __init__(self, extent, u, group="su3"):
        self.extent, self.u, self.group, self.n = extent, u, group, COLOURS[group]

    @classmethod
    def random(cls, extent, seed=1, group="su3"):
        rng = random.Random(seed)
        return cls(extent, {x: [RANDOM[group](rng) for _ in range(4)] for x in coordinates(extent)}, group)

    @classmethod
    def of_payload(cls, extent, payload, precision, order, rows, group="su3"):
        """What a file holds: numbers as they are stored, the third row made if it is not."""
        numbers = struct.unpack(f"{order}{len(payload) * 8 // precision}{'f' if precision == 32 else 'd'}", payload)
        u, at, n = {}, iter(numbers), COLOURS[group]
        for x in coordinates(extent):
            u[x] = []
            for _ in range(4):
                m = [[complex(next(at), next(at)) for _ in range(n)] for _ in range(rows)]
                u[x].append(m if rows == n else with_last_row(m))
        return cls(extent, u, group)

    def payload(self, precision, order, rows):
        numbers = [part for x in coordinates(self.extent) for m in self.u[x] for row in m[:rows] for z in row
                   for part in (z.real, z.imag)]
        return struct.pack(f"{order}{len(numbers)}{'f' if precision == 32 else 'd'}", *numbers)

    def step(self, x, mu):
        return tuple((x[k] + (k == mu)) % self.extent[k] for k in range(4))

    def plaquettes(self):
        """(mean, of spatial planes, of temporal planes)"""
        sums = {False: [], True: []}
        for x in coordinates(self.extent):
            for mu in range(4):
                for nu in range(mu):
                    up = product(self.u[x][nu], self.u[self.step(x, nu)][mu])
                    back = product(dagger(self.u[self.step(x, mu)][nu]), dagger(self.u[x][mu]))
                    p = product(up, back)
                    sums[mu == 3].append(sum(p[i][i].real for i in range(self.n)) / self.n)
        spatial, temporal = (sum(s) / len(s) for s in (sums[False], sums[True]))
        return (spatial + temporal) / 2, spatial, temporal

    def link_trace(self):
        traces = [sum(m[i][i].real for i in range(self.n)) / self.n for x in coordinates(self.extent) for m in self.u[x]]
        return sum(traces) / len(traces)


# ----------------------------------------------------------------- checksums

def rotate(w, k):
    return (w << k | w >> (32 - k)) & 0xFFFFFFFF


def scidac_sums(payload, n_sites):
    a = b = 0
    size = len(payload) // n_sites
    for k in range(n_sites):
        crc = zlib.crc32(payload[k * size:(k + 1) * size])
        a ^= rotate(crc, k % 29)
        b ^= rotate(crc, k % 31)
    return a, b


def words(payload, order):
    return struct.unpack(f"{order}{len(payload) // 4}I", payload)


def nersc_sum(payload, order):
    return sum(words(payload, order)) % 2**32


def milc_sums(payload, order):
    a = b = 0
    for k, w in enumerate(words(payload, order)):
        a ^= rotate(w, k % 29)
        b ^= rotate(w, k % 31)
    return a, b


# ------------------------------------------------------------------- writers

def record(kind, data, flags=0, length=None, magic=0x456789AB, version=1, pad=True):
    if isinstance(data, str):
        data = data.encode()
    header = struct.pack(">IHHQ128s", magic, version, flags, len(data) if length is None else length, kind.encode())
    return header + data + (b"\0" * (-len(data) % 8) if pad else b"")


def ildg_format(extent, precision, field="su3gauge"):
    x, y, z, t = extent
    return ('<?xml version="1.0" encoding="UTF-8"?><!-- <lx>77</lx> --><ildgFormat xmlns="http://www.lqcd.org/ildg" note="a>b">'
            f"<version>1.0</version><field> {field} </field><precision>{precision}</precision>"
            f"<lx>{x}</lx>\n<ly>{y}</ly><lz> {z}</lz><lt>{t}</lt></ildgFormat>")


def checksum_xml(a, b):
    return f"<scidacChecksum><version>1.0</version><suma>{a:x}</suma><sumb>{b:x}</sumb></scidacChecksum>"


def ildg(links, precision, form=None, checksum=None, extra=(), payload=None):
    """form, checksum: text to take instead, or "" for no such record; extra: records in front; payload: bytes to take instead."""
    payload = links.payload(precision, ">", links.n) if payload is None else payload
    form = ildg_format(links.extent, precision, f"{links.group}gauge") if form is None else form
    checksum = checksum_xml(*scidac_sums(payload, len(links.u))) if checksum is None else checksum
    parts = list(extra)
    if form:
        parts.append(record("ildg-format", form, 0xC000))
    parts.append(record("ildg-binary-data", payload, 0x8000))
    if checksum:
        parts.append(record("scidac-checksum", checksum, 0x4000))
    return b"".join(parts)


def private_file(extent):
    return record("scidac-private-file-xml", "<scidacFile><version>1.1</version><spacetime>4</spacetime>"
                  f"<dims>{' '.join(map(str, extent))} </dims><volfmt>0</volfmt></scidacFile>", 0x8000)


def private_record(precision, count=4, colors=3):
    word, size = ("F", 72) if precision == 32 else ("D", 144)
    return record("scidac-private-record-xml",
                  f"<scidacRecord><version>1.0</version><datatype>QDP_{word}3_ColorMatrix</datatype><precision>{word}</precision>"
                  f"<colors>{colors}</colors><typesize>{size}</typesize><datacount>{count}</datacount></scidacRecord>", 0x8000)


def scidac(links, precision, checksum=True, **options):
    payload = links.payload(precision, ">", 3)
    parts = [private_file(links.extent), record("scidac-file-xml", "Not <closed", 0x4000), private_record(precision, **options),
             record("scidac-record-xml", "text"), record("scidac-binary-data", payload)]
    if checksum:
        parts.append(record("scidac-checksum", checksum_xml(*scidac_sums(payload, len(links.u))), 0x4000))
    return b"".join(parts)


def nersc(links, precision=64, order=">", rows=None, word=None, drop=(), **keys):
    """rows: all, if not said; keys: header lines to change; drop: header lines to leave out; word: of FLOATING_POINT."""
    rows = links.n if rows is None else rows
    payload = links.payload(precision, order, rows)
    stored = Links.of_payload(links.extent, payload, precision, order, rows, links.group)
    datatype = f"4D_{links.group.upper()}_GAUGE" + (f"_{rows}x{rows}" if 1 < rows == links.n else "")
    header = {"HDR_VERSION": "1.0", "DATATYPE": datatype,
              **{f"DIMENSION_{k + 1}": n for k, n in enumerate(links.extent)},
              "CHECKSUM": f"{nersc_sum(payload, order):x}", "LINK_TRACE": f"{stored.link_trace():.10f}",
              "PLAQUETTE": f"{stored.plaquettes()[0]:.10f}", "ENSEMBLE_LABEL": "made by a test = this one",
              "FLOATING_POINT": word or f"IEEE{precision}{'BIG' if order == '>' else 'LITTLE'}"}
    header.update(keys)
    lines = [f"{key} = {value}\n" for key, value in header.items() if key not in drop]
    return "".join(["BEGIN_HEADER\n", *lines, "END_HEADER\n"]).encode() + payload


def milc(links, order, sites=0, extent=None, sums=None):
    payload = links.payload(32, order, 3)
    return struct.pack(f"{order}I4I64sI2I", 20103, *(extent or links.extent), b"Sun Nov 22 2026", sites,
                       *(sums or milc_sums(payload, order))) + payload


def openqcd(links, plaquette=None, extent=None):
    """t, x, y, z; the mean plaquette of matrices whose trace is 3; then, site after site with an odd sum of coordinates, z fastest,
    the links forwards and backwards in t, x, y, z."""
    nx, ny, nz, nt = links.extent
    numbers = []
    for site in ((x, y, z, t) for t in range(nt) for x in range(nx) for y in range(ny) for z in range(nz)):
        if sum(site) % 2 == 0:
            continue
        for mu in (3, 0, 1, 2):
            before = tuple((site[k] - (k == mu)) % links.extent[k] for k in range(4))
            for m in (links.u[site][mu], links.u[before][mu]):
                numbers += [part for row in m for z in row for part in (z.real, z.imag)]
    stated = 3 * links.plaquettes()[0] if plaquette is None else plaquette
    return struct.pack(f"<4id{len(numbers)}d", *(extent or (nt, nx, ny, nz)), stated, *numbers)


# ------------------------------------------------------------------- parsers

def parse_lime(data):
    """[(type, flags, data)]; every header, length and padding is checked."""
    records, at = [], 0
    while at < len(data):
        magic, version, flags, length, kind = struct.unpack(">IHHQ128s", data[at:at + 144])
        assert (magic, version) == (0x456789AB, 1), (at, magic, version)
        body = data[at + 144:at + 144 + length]
        assert len(body) == length, (at, length)
        at += 144 + length + -length % 8
        assert at <= len(data) and set(data[at - (-length % 8):at]) <= {0}
        records.append((kind.rstrip(b"\0").decode(), flags, body))
    return records


def parse_nersc(data):
    """(header as a dictionary, payload)"""
    text, payload = data.split(b"END_HEADER\n", 1)
    lines = text.decode().splitlines()
    assert lines[0] == "BEGIN_HEADER"
    return dict(line.split(" = ", 1) for line in lines[1:]), payload


def plain(tree):
    """{tag without name space: text}"""
    return {e.tag.split("}")[-1]: (e.text or "").strip() for e in tree.iter()}


class Files(Case):
    @classmethod
    def setUpClass(cls):
        cls.links = Links.random(EXTENT)
        cls.small = Links.random(SMALL, seed=2)

    def put(self, name, data):
        (self.dir / name).write_bytes(data)
        return name

    def info(self, *words):
        return json.loads(self.good("info", *words, "--json"))

    def refused(self, data, *parts, words=()):
        """By info and by convert, with the same line; nothing is left behind."""
        name = self.put("file", data)
        line = self.bad(["info", name, *words], "'file'", *parts)
        for out in ("out.ildg", "out.nersc"):
            self.assertEqual(self.bad(["convert", name, out, *words], *parts), line)
            self.assertFalse((self.dir / out).exists())
        return line

    def convert(self, *words):
        """The warnings of a conversion that must succeed."""
        code, out, err = self.run_program("convert", *words)
        self.assertEqual(code, 0, err)
        lines = err.splitlines()
        for line in lines:
            self.assertIn("warning: ", line)
        return [line.split("': ", 1)[1] for line in lines]

    def check_measured(self, found, links):
        """links: as they are in the file."""
        mean, spatial, temporal = links.plaquettes()
        for name, expected in (("plaquette", mean), ("plaquette_spatial", spatial), ("plaquette_temporal", temporal),
                               ("link_trace", links.link_trace())):
            self.assertAlmostEqual(found["measured"][name], expected, delta=1e-14)
