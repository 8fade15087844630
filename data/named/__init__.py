"""Data sets known by name, and `read_cohort`, which reads a cohort from a name, a file or a folder."""

from cohortsmith.data.named.catalog import NamedSet, find_set, named_sets
from cohortsmith.data.named.reading import load_cohort, read_cohort

__all__ = ["NamedSet", "find_set", "load_cohort", "named_sets", "read_cohort"]
