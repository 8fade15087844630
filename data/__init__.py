"""Cohorts of patients: the `Cohort` value, reading and writing files, named and simulated sets, scales and splits."""

from cohortsmith.data.cohort import Cohort, Scale
from cohortsmith.data.duplication import Duplicates, duplicates
from cohortsmith.data.errors import DataError, ReadWarning
from cohortsmith.data.io import CohortWriter, open_writer, write_cohort
from cohortsmith.data.kinds import Kind
from cohortsmith.data.named import NamedSet, load_cohort, named_sets, read_cohort
from cohortsmith.data.nucleotides import ALPHABET, GAP, MASKED, SYMBOLS, decode, encode, one_hot
from cohortsmith.data.scale import detect_scale, from_log, log_expression, numbers_of, to_log
from cohortsmith.data.sequences import on_columns, shared_columns
from cohortsmith.data.simulators import SIMULATORS, simulate
from cohortsmith.data.splits import Split, split

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
    "ReadWarning",
    "SIMULATORS",
    "SYMBOLS",
    "Scale",
    "Split",
    "decode",
    "detect_scale",
    "duplicates",
    "encode",
    "from_log",
    "load_cohort",
    "log_expression",
    "named_sets",
    "numbers_of",
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
