"""Cohorts of patients: the value itself, files, named sets, simulation, scales and splits."""

from data.catalog import NamedSet, named_sets
from data.cohort import Cohort, Kind, Scale
from data.duplication import Duplicates, duplicates
from data.errors import DataError
from data.files import read_cohort
from data.scale import detect_scale, from_log, log_expression, to_log
from data.simulation import SIMULATORS, simulate
from data.splits import Split, split
from data.writers import CohortWriter, open_writer, write_cohort

__all__ = [
    "SIMULATORS",
    "Cohort",
    "CohortWriter",
    "DataError",
    "Duplicates",
    "Kind",
    "NamedSet",
    "Scale",
    "Split",
    "detect_scale",
    "duplicates",
    "from_log",
    "log_expression",
    "named_sets",
    "open_writer",
    "read_cohort",
    "simulate",
    "split",
    "to_log",
    "write_cohort",
]
