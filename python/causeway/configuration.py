"""Configurations as arrays: field[x, y, z, t, ...], the order of the job's `lattice`, whatever the order on disk."""
import numpy as np

from .sealed import Damaged, open_sealed, text

COLOURS = {"u1": 1, "su2": 2, "su3": 3}


def matrices(kind, links):
    """Links in the components of the store (..., n_real) as matrices (..., N, N) of complex numbers."""
    if kind == "su2":  # a0 + i sum_k a_k sigma_k
        a0, a1, a2, a3 = np.moveaxis(links, -1, 0)
        return np.stack([a0 + 1j * a3, a2 + 1j * a1, -a2 + 1j * a1, a0 - 1j * a3], axis=-1).reshape(*links.shape[:-1], 2, 2)
    n = COLOURS[kind]
    return np.ascontiguousarray(links).view(complex).reshape(*links.shape[:-1], n, n)


def kept_fields(kind, extents, config):
    """Kept configurations of the store, (row, chain, sites * components) with sites in lexicographic order, as
    (row, chain, *extents) of reals or spins, (row, chain, *extents, component) of vectors of them, or
    (row, chain, *extents, direction, N, N) of links."""
    rows = config.reshape(*config.shape[:2], *extents, -1)
    if kind not in COLOURS:
        return rows[..., 0] if rows.shape[-1] == 1 else rows
    return matrices(kind, rows.reshape(*rows.shape[:-1], len(extents), -1))


class Configuration:
    """What a configuration file in HDF5 holds.

    field: (*extents) of reals or spins, (*extents, component) of vectors of them, (*extents, direction, N, N) of links.
    kind: "real", "spin", "u1", "su2" or "su3". attributes: all that the file says of itself.
    """

    def __init__(self, kind, field, attributes):
        self.kind, self.field, self.attributes = kind, field, attributes

    def __repr__(self):
        return f"<configuration of {self.kind}, field {self.field.shape}>"


def read_configuration(path):
    """The configuration in an HDF5 file of causeway (docs/configurations.md)."""
    with open_sealed(path, "causeway-configuration") as file:
        attributes = {key: text(value) if isinstance(value, (bytes, str)) else value.item() for key, value in file.attrs.items()}
        kind = attributes.get("kind")
        name = "links" if kind in COLOURS else "field"
        if name not in file:
            raise Damaged(f"{path}: there is no data set {name} of a configuration of {kind}")
        data = file[name][()]
    inner = 4 if kind in COLOURS else 1  # dimensions behind those of the lattice, which the file has from t to x
    outer = data.ndim - inner
    data = np.ascontiguousarray(data.transpose(*reversed(range(outer)), *range(outer, data.ndim)))
    if kind in COLOURS:
        return Configuration(kind, data.view(complex)[..., 0], attributes)
    return Configuration(kind, data[..., 0] if data.shape[-1] == 1 else data, attributes)
