"""The scan of model and sample files for records, rare values and identifiers."""

from cohortsmith.evaluation.privacy.artefacts.scanner import scan

__all__ = ["scan"]
