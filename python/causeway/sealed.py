"""HDF5 files with causeway's seal: a checksum of all bytes behind the data, which HDF5 ignores."""
import struct
import zlib
from pathlib import Path

import h5py

SEAL_BYTES = 20  # "CWSEAL01", length of the data (u64) and CRC-32 of all before it (u32), little endian


class Damaged(ValueError):
    """A file that is not what causeway wrote."""


def check_seal(path):
    """Raises Damaged unless the seal holds for every byte of the file."""
    data = Path(path).read_bytes()
    mark, length, checksum = struct.unpack("<8sQI", data[-SEAL_BYTES:]) if len(data) >= SEAL_BYTES else (b"", 0, 0)
    if mark != b"CWSEAL01" or length != len(data) - SEAL_BYTES:
        raise Damaged(f"{path}: there is no seal at its end: it is cut short, or no file of causeway")
    found = zlib.crc32(data[:-4])
    if found != checksum:
        raise Damaged(f"{path}: its checksum is {found:08x} and should be {checksum:08x}")


def text(value):
    """An attribute of text, which h5py gives as bytes or as str."""
    return value.decode() if isinstance(value, bytes) else str(value)


def open_sealed(path, kind):
    """The h5py.File of a sealed file whose attribute `format` is kind."""
    check_seal(path)
    file = h5py.File(path, "r")
    found = text(file.attrs.get("format", "nothing that it names"))
    if found != kind:
        file.close()
        raise Damaged(f"{path}: expected a {kind}, found {found}")
    return file
