"""The HTML page of an audit."""

from cohortsmith.evaluation.html.audit.decision import banner, criteria, limits, rules
from cohortsmith.evaluation.html.audit.page import audit_page
from cohortsmith.evaluation.html.audit.wording import HEADLINES, KNOWS

__all__ = ["HEADLINES", "KNOWS", "audit_page", "banner", "criteria", "limits", "rules"]
