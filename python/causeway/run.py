"""A run: its results with errors, as the program made them, and the histories that they are of."""
import difflib
import json
import math
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from .store import Store


def open(directory, program=None):  # pylint: disable=redefined-builtin
    """The run in a directory, the --out of causeway run.

    Results are those of DIR/results.json, which a run writes at its end. program: path of a causeway, which makes them
    now; of a run that goes on or was stopped, or that an older causeway made.
    """
    if program is not None:
        words = [str(program), "show", str(directory), "--json"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ValueError(done.stderr.strip() or f"{' '.join(words)}: exit code {done.returncode}")
        return Run(directory, json.loads(done.stdout))
    path = Path(directory) / "results.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file: the run has not ended, or this is not the output of causeway run; "
                                "of a run that has not ended, open(directory, program=\"causeway\") gives what there is")
    return Run(directory, json.loads(path.read_text()))


def value_text(value, error):
    """"0.5949(22)": two digits of the error."""
    if value is None or not math.isfinite(value):
        return "-"
    if error is None or not error > 0:
        return f"{value:.6g}" + ("(?)" if error is None else "")
    digits = max(0, 1 - math.floor(math.log10(float(f"{error:.1e}"))))
    shown = f"{error:.{digits}f}" if digits == 0 or error >= 1 else str(round(error * 10**digits))
    return f"{value:.{digits}f}({shown})"


class Result:
    """One number: value, error, units and the other keys of docs/results.md as attributes, None where there is no such;
    entry, all of them as results.json has them."""

    def __init__(self, run, entry):
        self._run, self.entry = run, entry
        self.name, self.value, self.error, self.units = (entry[key] for key in ("name", "value", "error", "units"))

    def __getattr__(self, key):
        if key in ("error2", "tau_int", "tau_int_error", "tau_int_chains", "ess", "n", "rhat", "why", "gain", "scatter", "expected"):
            return self.entry.get(key)
        raise AttributeError(key)

    def __repr__(self):
        units = "" if self.units == "1" else f" {self.units}"
        return f"{self.name} = {value_text(self.value, self.error)}{units}"

    @property
    def place(self):
        """Where the history is: the entry `history` of results.json. ValueError: nowhere."""
        place = self.entry.get("history")
        if place is None:
            raise ValueError(f"{self.name}: it is no function of means, and has no history in the store; or results.json is of a "
                             "causeway that did not say where: open(directory, program=\"causeway\")")
        return place

    @property
    def _stage(self):
        return self._run.store[self.place["stage"]]

    @property
    def log_weight(self):
        """(n) log-weights of the rows of weighted samples; None of chains."""
        name = self.place.get("log_weight")
        return None if name is None else self._stage[name]

    @property
    def history(self):
        """(chain, step): numbers of which value is the mean over all, and error that of this mean.

        Of a mean of measured numbers these are they. What else depends on means is linearised at them, as for its error:
        value + sum_k slope_k (O_k - <O_k>). Of weighted samples, (1, n), that stands times w/<w>, so that the plain mean of
        independent numbers is what is left."""
        place = self.place
        rows = self._stage[place["array"]]
        if "at" in place:
            rows = rows[self._stage[place["at"]].astype(int)]
        if place["columns"] is None:
            series = rows
        elif "log_weight" not in place and place["slopes"] == [1]:
            series = rows[..., place["columns"][0]]
        else:
            series = self._linearised(rows[..., place["columns"]], np.array(place["slopes"]))
        series = series.reshape(len(series), -1).T
        if series.size != self.n:
            raise ValueError(f"{self.name}: {self.n} measurements in its results and {series.size} in the store, which has gone on "
                             "since: open(directory, program=\"causeway\")")
        return series

    def _linearised(self, rows, slopes):
        if self.log_weight is None:
            return self.value + (rows - rows.mean(axis=tuple(range(rows.ndim - 1)))) @ slopes
        weight = np.exp(self.log_weight - self.log_weight.max())
        weight /= weight.mean()
        return self.value + weight * ((rows - weight @ rows / len(rows)) @ slopes)

    def obs(self, ensemble=None):
        """The history as a pyerrors.Obs, of which gamma_method() makes the error: each chain a replica "ENSEMBLE|rN".

        ensemble: by itself JOB.SEED.STAGE, the same for all that was measured on the same chains, so that pyerrors knows
        that they are correlated. Weighted samples are independent: gamma_method(S=0)."""
        import pyerrors  # pylint: disable=import-outside-toplevel

        history, every = self.history, self.place["every"]
        ensemble = ensemble or f"{self._run.job}.{self._run.seed}.{self.place['stage'].replace('/', '.')}"
        steps = range(every, every * history.shape[1] + 1, every)
        return pyerrors.Obs(list(history), [f"{ensemble}|r{chain}" for chain in range(len(history))], idl=[steps] * len(history))


class Vector(Sequence):
    """The results of a vector quantity, correlator[0], correlator[1], ..."""

    def __init__(self, name, results):
        self.name, self._results = name, results

    def __getitem__(self, i):
        return self._results[i]

    def __len__(self):
        return len(self._results)

    def __repr__(self):
        return "\n".join(map(repr, self))

    def _numbers(self, key):
        return np.array([np.nan if getattr(r, key) is None else getattr(r, key) for r in self], dtype=float)

    @property
    def value(self):
        return self._numbers("value")

    @property
    def error(self):
        return self._numbers("error")

    @property
    def history(self):
        """(entry, chain, step)"""
        return np.stack([r.history for r in self])

    def obs(self, ensemble=None):
        """A list of pyerrors.Obs."""
        return [r.obs(ensemble) for r in self]


class Results(Mapping):
    """Results whose names begin alike: those of a case, of a method, of a rung.

    results[KEY] is a Result, a Vector ("correlator"), or Results, for any part of a name: run["one"]["hmc"]["chi2"],
    run["one.hmc"]["chi2"] and run["one.hmc.chi2"] are the same."""

    def __init__(self, run, prefix):
        self._run, self._prefix = run, prefix

    def __iter__(self):
        return (name.removeprefix(self._prefix) for name in self._run.by_name if name.startswith(self._prefix))

    def __len__(self):
        return sum(1 for _ in self)

    def __contains__(self, key):
        try:
            self[key]
        except KeyError:
            return False
        return True

    def __getitem__(self, key):
        name = self._prefix + key
        if name in self._run.by_name:
            return self._run.by_name[name]
        entries = [result for other, result in self._run.by_name.items() if re.fullmatch(re.escape(name) + r"\[\d+\]", other)]
        if entries:
            return Vector(name, entries)
        inner = Results(self._run, name + ".")
        if len(inner) > 0:
            return inner
        known = {part for own in self for part in (own, own.split("[")[0], own.rpartition(".")[0])} - {""}
        near = difflib.get_close_matches(key, known, 1)
        raise KeyError(f"no results {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))

    def __repr__(self):
        return "\n".join(repr(self[name]) for name in self)

    @property
    def methods(self):
        """Names of the methods, and of parts of them such as rungs, that have results here."""
        return list(dict.fromkeys(name.rpartition(".")[0] for name in self if "." in name))

    @property
    def rungs(self):
        """Of a ladder: Results of its measured rungs, from the first to the last, which goes by the method's own name."""
        own = sorted((name for name in self.methods if re.fullmatch(r"rung\d+", name)), key=lambda name: int(name[4:]))
        return [self[name] for name in own] + [self]

    @property
    def stage(self):
        """The Stage of the store that the method left: arrays by name, columns, configurations."""
        name = self._prefix.removesuffix(".")
        case = max((c for c in self._run.cases if name.startswith(c + ".")), key=len, default="")
        return self._run.store[f"{case}/{name.removeprefix(case + '.')}" if case else name]

    @property
    def configurations(self):
        """(row, chain, *extents, ...): those that the sampler section kept; configuration.kept_fields."""
        return self.stage.configurations

    def column(self, name):
        """(chain, step), or (1, n) of weighted samples: what was measured under that name, a column of the store."""
        known = []
        for own in self:
            entry = self._run.by_name[self._prefix + own]
            if "." in own or "history" not in entry.entry or entry.place["columns"] is None:
                continue
            stage, array = self._run.store[entry.place["stage"]], entry.place["array"]
            if (stage, array) in known:
                continue
            known.append((stage, array))
            columns = list(stage.columns(array))
            if name in columns:
                rows = stage[array][..., columns.index(name)]
                return rows.reshape(len(rows), -1).T
        names = [column for stage, array in known for column in stage.columns(array)]
        raise KeyError(f"nothing here was measured under the name {name!r}, but {', '.join(names) or 'nothing at all'}")


class Run(Results):
    """All results of a run; open() makes it.

    job, seed, version; warnings and missing, lists of sentences; timing, seconds by stage; flow, the quality of the flow
    (of the first case); cases, the names of cases; store, all arrays; document, all of results.json."""

    def __init__(self, directory, document):
        super().__init__(self, "")
        self.dir, self.document = Path(directory), document
        self.job, self.seed, self.version = document["job"], document["seed"], document["version"]
        self.warnings, self.missing, self.timing = document["warnings"], document["missing"], document["timing"]
        self.flow, self.cases = document["flow"], list(document.get("cases", {}))
        self.by_name = {entry["name"]: Result(self, entry) for entry in document["results"]}
        self.store = Store(directory)

    def table(self):
        """All results as a pandas.DataFrame, a row for each, by name."""
        import pandas  # pylint: disable=import-outside-toplevel

        left_out = ("history", "tau_int_chains", "expected")
        rows = [{key: x for key, x in entry.items() if key not in left_out} for entry in self.document["results"]]
        return pandas.DataFrame(rows).set_index("name")
