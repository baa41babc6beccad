"""python3 configuration_seeds.py DIR: small whole files of every format for fuzz_configuration, by the writers of
tests/cli/configuration_files.py."""
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cli"))
from configuration_files import Links, ildg, ildg_format, milc, nersc, openqcd, private_file, private_record, record, scidac  # noqa: E402

EXTENT = (2, 1, 1, 2)


def seeds():
    links = Links.random(EXTENT)
    for bits in (32, 64):
        yield f"ildg{bits}", ildg(links, bits)
        yield f"ildg-scidac{bits}", ildg(links, bits, extra=[private_file(EXTENT), private_record(bits), record("ildg-data-lfn", "x")])
        yield f"ildg-bare{bits}", ildg(links, bits, form="", checksum="")
        yield f"scidac{bits}", scidac(links, bits)
        for order in "<>":
            for rows in (2, 3):
                yield f"nersc{bits}{'le' if order == '<' else 'be'}{rows}", nersc(links, bits, order, rows)
        yield f"nersc-plain{bits}", nersc(links, bits, word=f"IEEE{bits}", drop=("CHECKSUM", "PLAQUETTE"), BOUNDARY_4="OPEN")
    for order in "<>":
        yield f"milc{'le' if order == '<' else 'be'}", milc(links, order)
    yield "openqcd", openqcd(Links.random((2, 2, 2, 2)))
    yield "openqcd-origin", openqcd(Links.random((2, 2, 2, 2))) + b"IGNORED_CHECKS checksum\n"
    yield "milc-wrong-sums", milc(links, ">", sums=(1, 2))
    yield "nersc-exchanged", nersc(links, PLAQUETTE=f"{links.link_trace():.10f}", LINK_TRACE=f"{links.plaquettes()[0]:.10f}")
    yield "nersc-other-order", nersc(links, 64, "<", word="IEEE64BIG")
    yield "nersc-twice", nersc(links).replace(b"DIMENSION_2", b"DIMENSION_1 = 2\nDIMENSION_2", 1)
    yield "nersc-origin", nersc(links, IGNORED_CHECKS="checksum, plaquette")
    yield "ildg-other-order", ildg(links, 64, payload=links.payload(64, "<", 3))
    yield "ildg-two-formats", ildg(links, 64, extra=[record("ildg-format", ildg_format(EXTENT, 64))])
    yield "ildg-origin", ildg(links, 32, extra=[record("causeway-ignored-checks", "checksum")])
    yield "ildg-zeros", ildg(links, 32) + bytes(512)
    yield "ildg-two", ildg(links, 32) + scidac(links, 64)
    for group in ("su2", "u1"):
        links = Links.random(EXTENT, group=group)
        yield f"ildg-{group}", ildg(links, 64)
        yield f"nersc-{group}", nersc(links)
        yield f"nersc-short-{group}", nersc(links, 32, rows=1)


def main():
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} DIR")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds():
        (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
