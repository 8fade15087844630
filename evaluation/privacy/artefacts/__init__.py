"""The scan of model and sample files for records, rare values and identifiers."""

from cohortsmith.evaluation.privacy.artefacts.finding import ArtefactFinding
from cohortsmith.evaluation.privacy.artefacts.scanner import scan
from cohortsmith.evaluation.privacy.artefacts.unread_parts import unread

__all__ = ["ArtefactFinding", "scan", "unread"]
