"""`--blast`: identity as NCBI blastn itself finds it, beside the identity of the scorecard."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cohortsmith.data.kinds import SEQUENCE, require_kind

if TYPE_CHECKING:
    from cohortsmith.data import Cohort
    from cohortsmith.evaluation import Report


def require_blastn() -> None:
    """Check before long work that blastn can be called.

    Raises:
        DataError: it is not installed; the message says how to.
    """
    from cohortsmith.evaluation.metrics.sequences import require_blastn as require

    require()


def identity_by_blast(synthetic: Cohort, real: Cohort) -> float:
    """Mean identity in percent of each virtual patient's best hit among real ones, by blastn.

    Raises:
        DataError: blastn is absent or failed, or these are no sequences.
    """
    from cohortsmith.evaluation.metrics.sequences import blast_identity

    require_kind(real.kind, SEQUENCE, "--blast measures identity of sequences")
    return blast_identity(synthetic, real)


def with_blast(report: Report) -> Report:
    """The report with a note of what blastn finds for virtual patients and, beside it, for the holdout."""
    sides = report.comparison
    virtual, real = (identity_by_blast(cohort, sides.train) for cohort in (sides.synthetic, sides.holdout))
    note = (
        f"NCBI blastn, best hit among training patients: identity {virtual:.2f} % of virtual patients, {real:.2f} % of "
        "the holdout"
    )
    return replace(report, notes=(*report.notes, note))
