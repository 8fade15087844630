"""Data sets that can be asked for by name, and `read_cohort`, which takes a name or a file."""

from cohortsmith.data.named.catalog import NamedSet, find_set, named_sets
from cohortsmith.data.named.reading import read_cohort

__all__ = ["NamedSet", "find_set", "named_sets", "read_cohort"]
