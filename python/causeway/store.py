"""The store of a run: arrays of its stages, out of their segments (docs/results.md, "The store")."""
import re
from pathlib import Path

import h5py
import numpy as np

from .configuration import kept_fields
from .sealed import Damaged, open_sealed, text


class Store:
    """DIR/store. Files are read when they are asked for, and each is checked once."""

    def __init__(self, directory):
        self.path = Path(directory) / "store"
        if not self.path.is_dir():
            raise FileNotFoundError(f"{self.path}: there is no such directory: {directory} is not the output of causeway run")
        self._stages = {}

    @property
    def stages(self):
        """Names of the stages that have a segment: "hmc", or "CASE/hmc"."""
        found = (re.fullmatch(r"(.+)\.(\d{6,})\.h5", file.name) for file in self.path.iterdir())
        return sorted({match.group(1).replace("+", "/") for match in found if match})

    def __getitem__(self, stage):
        if stage not in self._stages:
            if stage not in self.stages:
                raise KeyError(f"{self.path}: there is no stage {stage!r}, but {', '.join(self.stages) or 'none at all'}")
            self._stages[stage] = Stage(self.path, stage)
        return self._stages[stage]

    @property
    def job(self):
        """The resolved job, YAML: what every segment carries."""
        stages = self.stages
        if not stages:
            raise ValueError(f"{self.path}: it holds no results yet")
        with self[stages[0]].open(0) as file:
            return text(file.attrs["job"])


class Stage:
    """Arrays by name: stage["primary"] is that of all segments, joined along its first dimension."""

    def __init__(self, path, name):
        self.name = name
        numbers = sorted(path.glob(f"{name.replace('/', '+')}.[0-9]*.h5"), key=lambda file: int(file.name.split(".")[-2]))
        self._files = [file for file in numbers if re.fullmatch(re.escape(name.replace("/", "+")) + r"\.\d{6,}\.h5", file.name)]
        if int(self._files[-1].name.split(".")[-2]) != len(self._files) - 1:
            raise Damaged(f"{path}: stage {name!r} has {len(self._files)} segments, of which the last is {self._files[-1].name}: "
                          "some are missing")
        self._checked = set()
        self._arrays = {}

    def open(self, segment):
        """The h5py.File of a segment, -1 the last, once its seal and its place are known to be right."""
        file = self._files[segment]
        if file in self._checked:
            return h5py.File(file, "r")
        opened = open_sealed(file, "causeway-segment")
        place = text(opened.attrs["stage"]), int(opened.attrs["index"])
        if place != (self.name, range(len(self._files))[segment]):
            opened.close()
            raise Damaged(f"{file}: it holds segment {place[1]} of stage {place[0]}: it was renamed")
        self._checked.add(file)
        return opened

    def keys(self):
        """Names of the arrays."""
        names = {}
        for segment in range(len(self._files)):
            with self.open(segment) as file:
                names.update(dict.fromkeys(file))
        return list(names)

    def __contains__(self, name):
        return name in self.keys()

    def __getitem__(self, name):
        """state.* come from the last segment, in which the stage goes on from them."""
        if name not in self._arrays:
            segments = range(len(self._files) - 1, len(self._files)) if name.startswith("state.") else range(len(self._files))
            parts = []
            for segment in segments:
                with self.open(segment) as file:
                    if name in file:
                        parts.append(file[name][()])
            if not parts:
                raise KeyError(f"stage {self.name!r} has no array {name!r}, but {', '.join(self.keys())}")
            self._arrays[name] = np.concatenate(parts)
        return self._arrays[name]

    def note(self, array, key):
        """An attribute of an array as text; None where the causeway that wrote it did not tell."""
        for segment in reversed(range(len(self._files))):
            with self.open(segment) as file:
                if array in file and key in file[array].attrs:
                    return text(file[array].attrs[key])
        return None

    def columns(self, array="primary"):
        """{name: units} of the numbers in a row of an array."""
        names, units = self.note(array, "columns"), self.note(array, "units")
        if names is None:
            raise ValueError(f"stage {self.name!r}: array {array!r} does not say what its columns are")
        return dict(zip(names.split(), units.split()))

    @property
    def configurations(self):
        """Those that were kept (`keep` of a sampler section), (row, chain, *extents, ...): configuration.kept_fields."""
        config = self["config"]
        kind, extents = self.note("config", "kind"), self.note("config", "extents")
        if kind is None:
            raise ValueError(f"stage {self.name!r}: its configurations do not say which lattice they are of; "
                             "causeway convert writes them to files")
        return kept_fields(kind, [int(n) for n in extents.split()], config)
