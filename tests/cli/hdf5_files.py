"""HDF5 files made and read by HDF5's own library, without causeway: only ctypes, since h5py is not everywhere. The layout of
configurations and the seal are written down here once more, from docs/configurations.md."""
import ctypes
import re
import struct
import subprocess
import unittest
import zlib

import program

HID = ctypes.c_int64
DEFAULT, READ, TRUNCATE, SCALAR = 0, 0, 2, 0  # H5P_DEFAULT, H5F_ACC_RDONLY, H5F_ACC_TRUNC, H5S_SCALAR
INTEGER, FLOAT, STRING = 0, 1, 3  # H5T_class_t


class Library:
    """The shared library that the program itself is linked with."""

    def __init__(self):
        linked = subprocess.run(["ldd", program.PROGRAM], capture_output=True, text=True, check=False).stdout
        found = re.search(r"libhdf5\S* => (\S+)", linked)
        if found is None:
            raise unittest.SkipTest("the program is not linked with a shared HDF5")
        self.lib = ctypes.CDLL(found[1])
        self.call("H5open")

    def call(self, name, *arguments):
        """Of 64 bits each, as far as they are numbers; fails if the result is negative."""
        function = getattr(self.lib, name)
        function.restype = HID if name not in ("H5Tget_size",) else ctypes.c_size_t
        if name in ("H5open", "H5Fclose", "H5Sget_simple_extent_ndims", "H5Sget_simple_extent_dims", "H5Aread", "H5Dread", "H5Awrite",
                    "H5Dwrite", "H5Tget_class", "H5Pset_chunk", "H5Pset_fletcher32", "H5Tset_size", "H5Tset_cset", "H5Tset_strpad", "H5Aget_num_attrs"):
            function.restype = ctypes.c_int
        result = function(*(HID(a) if isinstance(a, int) else a for a in arguments))
        assert result >= 0, (name, result)
        return result

    def constant(self, name):
        return HID.in_dll(self.lib, name + "_g").value

    # ------------------------------------------------------------------- writing

    def put_attribute(self, root, name, value):
        space = self.call("H5Screate", SCALAR)
        if isinstance(value, str):
            data = value.encode()  # as h5py writes them: no final zero
            kind = self.call("H5Tcopy", self.constant("H5T_C_S1"))
            self.call("H5Tset_size", kind, len(data))
            self.call("H5Tset_strpad", kind, 1)  # padded with zeros
            self.call("H5Tset_cset", kind, 1)  # UTF-8
        else:
            data = struct.pack("<q" if isinstance(value, int) else "<d", value)
            kind = self.constant("H5T_STD_I64LE" if isinstance(value, int) else "H5T_IEEE_F64LE")
        attribute = self.call("H5Acreate2", root, name.encode(), kind, space, DEFAULT, DEFAULT)
        self.call("H5Awrite", attribute, kind, data)

    def put_doubles(self, root, name, shape, numbers, filtered):
        kind = self.constant("H5T_IEEE_F64LE")
        space = self.call("H5Screate_simple", len(shape), (ctypes.c_uint64 * len(shape))(*shape), None)
        layout = self.call("H5Pcreate", self.constant("H5P_CLS_DATASET_CREATE_ID"))
        if filtered:
            self.call("H5Pset_chunk", layout, len(shape), (ctypes.c_uint64 * len(shape))(*shape))
            self.call("H5Pset_fletcher32", layout)
        data = self.call("H5Dcreate2", root, name.encode(), kind, space, DEFAULT, layout, DEFAULT)
        self.call("H5Dwrite", data, kind, 0, 0, DEFAULT, struct.pack(f"<{len(numbers)}d", *numbers))

    def write(self, path, attributes, arrays, filtered=True):
        """arrays: {name: (shape, numbers)}"""
        file = self.call("H5Fcreate", str(path).encode(), TRUNCATE, DEFAULT, DEFAULT)
        for name, value in attributes.items():
            self.put_attribute(file, name, value)
        for name, (shape, numbers) in arrays.items():
            self.put_doubles(file, name, shape, numbers, filtered)
        self.call("H5garbage_collect")
        self.close_all(file)

    def close_all(self, file):
        """The file and what is open of it: objects hold a file open until they are closed."""
        objects = (HID * 64)()
        for kind in (0x1E, 0x1E):  # H5F_OBJ_ALL but files
            function = self.lib.H5Fget_obj_ids
            function.restype = ctypes.c_ssize_t
            count = function(HID(file), ctypes.c_uint(kind), ctypes.c_size_t(64), objects)
            for i in range(count):
                self.lib.H5Idec_ref(objects[i] if isinstance(objects[i], HID) else HID(objects[i]))
        self.call("H5Fclose", file)

    # ------------------------------------------------------------------- reading

    def shape_of(self, space):
        rank = self.call("H5Sget_simple_extent_ndims", space)
        shape = (ctypes.c_uint64 * max(rank, 1))()
        if rank > 0:
            self.call("H5Sget_simple_extent_dims", space, shape, None)
        return tuple(shape[:rank])

    def read_array(self, path, name):
        """(shape, numbers)"""
        file = self.call("H5Fopen", str(path).encode(), READ, DEFAULT)
        data = self.call("H5Dopen2", file, name.encode(), DEFAULT)
        shape = self.shape_of(self.call("H5Dget_space", data))
        count = 1
        for extent in shape:
            count *= extent
        buffer = (ctypes.c_double * max(count, 1))()
        self.call("H5Dread", data, self.constant("H5T_IEEE_F64LE"), 0, 0, DEFAULT, buffer)
        self.close_all(file)
        return shape, list(buffer[:count])

    def read_attribute(self, path, name):
        file = self.call("H5Fopen", str(path).encode(), READ, DEFAULT)
        attribute = self.call("H5Aopen", file, name.encode(), DEFAULT)
        kind = self.call("H5Aget_type", attribute)
        buffer = ctypes.create_string_buffer(self.call("H5Tget_size", kind))
        self.call("H5Aread", attribute, kind, buffer)
        what = self.call("H5Tget_class", kind)
        self.close_all(file)
        if what == STRING:
            return buffer.raw.rstrip(b"\0").decode()
        return struct.unpack("<q" if what == INTEGER else "<d", buffer.raw)[0]


def sealed(data):
    """The bytes with the seal behind them."""
    data += b"CWSEAL01" + struct.pack("<Q", len(data))
    return data + struct.pack("<I", zlib.crc32(data))


def numbers_of(links):
    """In the order of the data set: sites with x fastest, direction, row, column, re and im."""
    return [part for z in sorted(links.u, key=lambda x: x[::-1]) for m in links.u[z] for row in m for c in row for part in (c.real, c.imag)]


def shape_of_links(links):
    return (*links.extent[::-1], 4, links.n, links.n, 2)
