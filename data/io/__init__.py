"""Files: what is read into a `Cohort`, what is written from one, and how a file or folder is written whole."""

from cohortsmith.data.io.assembly import LABEL, Table, assemble
from cohortsmith.data.io.atomic import whole_file, whole_folder
from cohortsmith.data.io.covariates import tidy
from cohortsmith.data.io.image_assembly import SIZE
from cohortsmith.data.io.medmnist_npz import holds_images
from cohortsmith.data.io.medmnist_sets import MEDMNIST, fetch
from cohortsmith.data.io.png_folder import TABLE, png_files
from cohortsmith.data.io.read import (
    DELIMITED,
    PNG_FOLDER,
    SUFFIXES,
    check_written,
    fitting,
    has_known_suffix,
    kind_of,
    read_file,
    stem_of,
    suffix_like,
    suffix_of,
)
from cohortsmith.data.io.sequence_records import count_records, fields_of
from cohortsmith.data.io.stored import Stored, sha256
from cohortsmith.data.io.tables import SAMPLE_ID, header_of
from cohortsmith.data.io.write import CohortWriter, open_writer, write_cohort

__all__ = [
    "CohortWriter",
    "DELIMITED",
    "LABEL",
    "MEDMNIST",
    "PNG_FOLDER",
    "SAMPLE_ID",
    "SIZE",
    "SUFFIXES",
    "Stored",
    "TABLE",
    "Table",
    "assemble",
    "check_written",
    "count_records",
    "fetch",
    "fields_of",
    "fitting",
    "has_known_suffix",
    "header_of",
    "holds_images",
    "kind_of",
    "open_writer",
    "png_files",
    "read_file",
    "sha256",
    "stem_of",
    "suffix_like",
    "suffix_of",
    "tidy",
    "whole_file",
    "whole_folder",
    "write_cohort",
]
