"""Names of columns and header fields with a role: the sample's id, its class, its patient."""

from __future__ import annotations

import re

SAMPLE_ID = "sample_id"
LABEL = "label"  # the class, where no other column is named
NO_LABEL, ONE_CLASS = "none", "all"  # what is stated of a cohort without classes, and the name of its only class
REPEATED = "subject"  # the patient's column that is made where one record stands twice and none is named
# The patient, where no other column is named, as `plain_name` has it. The second line are names of patients that are
# often ids of samples instead: they are patients only where they do not name each sample.
SUBJECTS = ("patient", "patient_id", "subject", "subject_id")
PATIENTS = (*SUBJECTS, "patientid", "subjectid", "mrn", "case_id", "caseid", "participant", "participant_id",
            "patient_barcode", "bcr_patient_barcode")  # fmt: skip
_SAMPLES = ("sample_id", "sampleid", "sample", "samples", "sample_name", "samplename", "sample_barcode", "id", "ids",
            "barcode", "barcodes", "cell_id", "cellid", "cell_barcode", "accession", "geo_accession", "record_id",
            "submitter_id", "aliquot_id", "library_id", "run_accession", "rowname", "rownames", "row_names",
            "obs_names", "index")  # fmt: skip
_IDS = frozenset((*_SAMPLES, *PATIENTS[len(SUBJECTS) :]))
_FIRST = ("x", "v1", "name", "cell", "run")  # ids only in front, where R and others leave row names under them
_REGISTER = re.compile(r"\w+_(id|ids|no|nr|num|number|code|key|idx)")
_UNNAMED_BEGIN = ("", "U", "u", "_", "L", "l", "I", "i")
_BETWEEN = re.compile(r"[\s.\-]+")
_UNNAMED = re.compile(r"|unnamed: \d+(\.\d+)?|__index_level_\d+__|level_\d+|index", re.IGNORECASE)


def plain_name(name: str) -> str:
    """A column's name in lower case, blanks, dots and hyphens as underscores: `Sample ID` is `sample_id`."""
    plain = name.casefold()
    return plain if plain.isalnum() else _BETWEEN.sub("_", plain.strip())


def is_subject(name: str) -> bool:
    """Whether a column holds the patient by its name alone, however that is spelled."""
    return plain_name(name) in PATIENTS


def names_samples(name: str, *, first: bool = False) -> bool:
    """Whether a column holds ids of samples by its name; `first`: it is the first one of the table."""
    plain = plain_name(name)
    return plain in _IDS or (first and (plain in _FIRST or is_unnamed(name)))


def is_number(name: str) -> bool:
    """Whether a column's name ends as those of ids and numbers of a register do: `hospital_no`, `tumour_id`."""
    plain = plain_name(name)
    return "_" in plain and _REGISTER.fullmatch(plain) is not None


def is_unnamed(name: str) -> bool:
    """Whether a column has no name of its own: what pandas makes of an index that it wrote."""
    return name[:1] in _UNNAMED_BEGIN and _UNNAMED.fullmatch(name) is not None
