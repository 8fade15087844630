"""Reading and writing cohorts in every file format, and atomic writing of files and folders."""

from cohortsmith.data.io.assembly import Table, assemble
from cohortsmith.data.io.atomic import sweep, temporary_name, whole_file, whole_folder
from cohortsmith.data.io.column_names import LABEL, SAMPLE_ID
from cohortsmith.data.io.covariates import tidy
from cohortsmith.data.io.delimited import header_of
from cohortsmith.data.io.image_assembly import IMAGE_SIZE
from cohortsmith.data.io.medmnist_npz import NPZ_KEYS, holds_images
from cohortsmith.data.io.medmnist_sets import MEDMNIST, fetch
from cohortsmith.data.io.png_folder import IMAGE_TABLE, png_files
from cohortsmith.data.io.read import (
    DELIMITED,
    EVERY_SUFFIX,
    PNG_FOLDER,
    SUFFIXES,
    WRITTEN,
    check_written,
    fitting,
    has_known_suffix,
    kind_of_file,
    read_file,
    read_memory,
    stem_of,
    suffix_like,
    suffix_of,
)
from cohortsmith.data.io.sequence_records import count_records, fields_of
from cohortsmith.data.io.stored import Stored, sha256
from cohortsmith.data.io.tables import METADATA
from cohortsmith.data.io.write import CohortWriter, open_writer, write_cohort

__all__ = [
    "METADATA",
    "NPZ_KEYS",
    "CohortWriter",
    "DELIMITED",
    "EVERY_SUFFIX",
    "LABEL",
    "MEDMNIST",
    "PNG_FOLDER",
    "SAMPLE_ID",
    "IMAGE_SIZE",
    "SUFFIXES",
    "Stored",
    "IMAGE_TABLE",
    "Table",
    "WRITTEN",
    "assemble",
    "check_written",
    "count_records",
    "fetch",
    "fields_of",
    "fitting",
    "has_known_suffix",
    "header_of",
    "holds_images",
    "kind_of_file",
    "open_writer",
    "png_files",
    "read_file",
    "read_memory",
    "sha256",
    "stem_of",
    "suffix_like",
    "suffix_of",
    "sweep",
    "temporary_name",
    "tidy",
    "whole_file",
    "whole_folder",
    "write_cohort",
]
