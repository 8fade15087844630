"""The privacy audit: attacks, risks, copies, shadow models, and the policy that judges the results."""

from cohortsmith.evaluation.privacy.advice import Commands, Step, next_steps
from cohortsmith.evaluation.privacy.attacks import title_of_attack, what_it_does
from cohortsmith.evaluation.privacy.audit_json import ReadAudit, read_audit, toml_of
from cohortsmith.evaluation.privacy.auditing import Audit, audit, check
from cohortsmith.evaluation.privacy.criteria import SMOKE
from cohortsmith.evaluation.privacy.folds import Folds, fit_folds
from cohortsmith.evaluation.privacy.membership_attacks import Attack
from cohortsmith.evaluation.privacy.near_copies import pictures
from cohortsmith.evaluation.privacy.policy import (
    DEFAULT,
    Criterion,
    Judged,
    Judgement,
    Measured,
    Outcome,
    Policy,
    judge,
    read_policy,
)
from cohortsmith.evaluation.privacy.risks import Risk
from cohortsmith.evaluation.privacy.scoring import Evidence, asked_rows
from cohortsmith.evaluation.privacy.shadow_models import joined, shadow_attack
from cohortsmith.evaluation.privacy.statements import patients_needed

__all__ = [
    "asked_rows",
    "Attack",
    "Audit",
    "audit",
    "check",
    "Commands",
    "Criterion",
    "DEFAULT",
    "Evidence",
    "fit_folds",
    "Folds",
    "joined",
    "judge",
    "Judged",
    "Judgement",
    "Measured",
    "next_steps",
    "Outcome",
    "patients_needed",
    "pictures",
    "Policy",
    "read_audit",
    "read_policy",
    "ReadAudit",
    "Risk",
    "shadow_attack",
    "SMOKE",
    "Step",
    "title_of_attack",
    "toml_of",
    "what_it_does",
]
