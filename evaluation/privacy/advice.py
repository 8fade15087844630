"""What to do after an audit: what would bring a decision, or another one, with ready commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cohortsmith.evaluation.privacy.attack_settings import MIN_SAMPLES
from cohortsmith.evaluation.privacy.statements import patients_needed

if TYPE_CHECKING:
    from cohortsmith.evaluation.privacy.auditing import Audit

FOLDS = 10  # recommended, if each then has enough patients


class Step(NamedTuple):
    """Something that would bring a decision: in words, and as a command ("" if there is none)."""

    words: str
    command: str


class Commands(NamedTuple):
    """Ready command lines of the case that was audited, "" where there is none.

    Attributes:
        audit: the same audit again, without its output folder.
        release: of the samples.
        private_fit: a fit with differential privacy to the same cohort.
    """

    audit: str = ""
    release: str = ""
    private_fit: str = ""


def next_steps(audit: Audit, commands: Commands, *, private: bool = False) -> tuple[Step, ...]:
    """What would bring a decision, or another one, with ready commands.

    Args:
        audit: what was found.
        commands: of the case.
        private: fitted with differential privacy; numbers of patients are not named then.
    """
    if audit.outcome == "pass":
        words = "Release the samples with cards and checksums" + ("" if commands.release else ", from a run")
        return (Step(words, commands.release),)
    c = audit.comparison
    n = len(np.unique(c.train.subjects)) + len(np.unique(c.holdout.subjects))
    need = patients_needed(audit.policy, 0.5)
    steps = []
    if not audit.comparable:
        words = (
            "Draw the holdout at random from the patients of train (same centre, platform and batch): a run splits its "
            "cohort itself"
        )
        steps.append(Step(words, ""))
    if audit.outcome == "not evaluable" and not audit.folds and n >= 2 * MIN_SAMPLES:
        folds = min(FOLDS, n // MIN_SAMPLES)
        everybody = "everybody" if private else f"each of the {n} patients"
        command = f"{commands.audit} --folds {folds} --out audited-in-folds" if commands.audit else ""
        steps.append(Step(f"Fit {folds} generators, so that {everybody} serves on both sides", command))
    if audit.outcome == "not evaluable" and audit.comparable:
        more = f"Without folds, about {need} patients would decide, half of them held out"
        enough = "Hold out half of the patients: [data] holdout = 0.5 in the experiment file"
        steps.append(Step(enough if n >= need else more, ""))
    if commands.private_fit and not private and (audit.outcome == "fail" or n < need):
        steps.append(Step("Fit with differential privacy, which holds against every attack", commands.private_fit))
    if audit.outcome == "fail":
        steps.append(Step("Give the generator less to remember: merge small classes, or keep fewer genes", ""))
    steps.append(Step("Release to named recipients under contract, as the institution decides", ""))
    return tuple(steps)
