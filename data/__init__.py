"""Cohorts of patients: the value itself, files, named sets, simulation, scales and splits."""

from data.alignment import on_columns, shared_columns
from data.catalog import NamedSet, named_sets
from data.cohort import Cohort, Kind, Scale
from data.duplication import Duplicates, duplicates
from data.errors import DataError
from data.nucleotides import ALPHABET, GAP, MASKED, SYMBOLS, decode, encode, one_hot
from data.reading import read_cohort
from data.scale import detect_scale, from_log, log_expression, to_log
from data.simulation import SIMULATORS, simulate
from data.splits import Split, split
from data.writers import CohortWriter, open_writer, write_cohort

__all__ = [
    "ALPHABET",
    "Cohort",
    "CohortWriter",
    "DataError",
    "Duplicates",
    "GAP",
    "Kind",
    "MASKED",
    "NamedSet",
    "SIMULATORS",
    "SYMBOLS",
    "Scale",
    "Split",
    "decode",
    "detect_scale",
    "duplicates",
    "encode",
    "from_log",
    "log_expression",
    "named_sets",
    "on_columns",
    "one_hot",
    "open_writer",
    "read_cohort",
    "shared_columns",
    "simulate",
    "split",
    "to_log",
    "write_cohort",
]
