"""Patients that stand twice: equal records, and images that look alike."""

from cohortsmith.data.duplication.image_likeness import NEAR, look_alikes, standardised
from cohortsmith.data.duplication.records import Duplicates, duplicates

__all__ = ["Duplicates", "NEAR", "duplicates", "look_alikes", "standardised"]
