"""The scan of model and sample files for records, rare values and identifiers."""

from cohortsmith.evaluation.privacy.artefacts.scanner import ArtefactFinding, scan

__all__ = ["ArtefactFinding", "scan"]
