"""The founding studies, each one command."""

from cohortsmith.app.founding.figures import IMAGES_2025
from cohortsmith.app.founding.folder import study_facts, study_table, write_study
from cohortsmith.app.founding.grids import (
    IMAGES,
    images_facts,
    images_grid,
    images_published,
    transcriptome_facts,
    transcriptome_grid,
)
from cohortsmith.app.founding.page import sentences
from cohortsmith.app.founding.study import carry_out_study
from cohortsmith.app.founding.systems import SYSTEMS, System

__all__ = [
    "IMAGES",
    "IMAGES_2025",
    "SYSTEMS",
    "System",
    "carry_out_study",
    "study_facts",
    "images_facts",
    "images_grid",
    "images_published",
    "sentences",
    "study_table",
    "transcriptome_facts",
    "transcriptome_grid",
    "write_study",
]
