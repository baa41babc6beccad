"""Runs of causeway in Python.

    import causeway
    run = causeway.open("runs/phi4-8x8")
    chi2 = run["hmc"]["chi2"]
    chi2.value, chi2.error      # those of the program
    chi2.history                # (chain, step), from the store

docs/python.md says more.
"""
from .configuration import Configuration, read_configuration
from .run import Result, Results, Run, Vector, open
from .sealed import Damaged
from .store import Stage, Store

__all__ = ["Configuration", "Damaged", "Result", "Results", "Run", "Stage", "Store", "Vector", "open", "read_configuration"]
