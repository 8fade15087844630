"""Duplicates within a cohort or across two: equal records, nearly equal profiles, and images that look alike."""

from cohortsmith.data.duplication.image_likeness import NEAR_IMAGES, look_alikes, standardised
from cohortsmith.data.duplication.records import Duplicates, duplicates

__all__ = ["Duplicates", "NEAR_IMAGES", "duplicates", "look_alikes", "standardised"]
