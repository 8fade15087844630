"""Names of columns and header fields with a role: the sample's id, its class, its patient."""

from __future__ import annotations

SAMPLE_ID = "sample_id"
LABEL = "label"  # the class, where no other column is named
SUBJECTS = ("patient", "patient_id", "subject", "subject_id")  # the patient, where no other column is named


def is_subject(name: str) -> bool:
    """Whether a column holds the patient by its name alone, in any letter case."""
    return name.casefold() in SUBJECTS
