"""The privacy audit: attacks, risks, copies, shadow models, and the policy that judges the results."""

from cohortsmith.evaluation.privacy.audit_json import ReadAudit, read_audit, toml_of
from cohortsmith.evaluation.privacy.auditing import Audit, audit, check
from cohortsmith.evaluation.privacy.criteria import NAMES, SMOKE
from cohortsmith.evaluation.privacy.membership_attacks import Attack
from cohortsmith.evaluation.privacy.near_copies import pictures
from cohortsmith.evaluation.privacy.policy import DEFAULT, Criterion, Judged, Judgement, Outcome, Policy, read_policy
from cohortsmith.evaluation.privacy.risks import Risk
from cohortsmith.evaluation.privacy.shadow_models import shadow_attack

__all__ = [
    "Attack",
    "Audit",
    "Criterion",
    "DEFAULT",
    "Judged",
    "Judgement",
    "NAMES",
    "Outcome",
    "Policy",
    "ReadAudit",
    "Risk",
    "SMOKE",
    "audit",
    "check",
    "pictures",
    "read_audit",
    "read_policy",
    "shadow_attack",
    "toml_of",
]
