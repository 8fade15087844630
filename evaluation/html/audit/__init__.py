"""The HTML page of an audit."""

from cohortsmith.evaluation.html.audit.decision import banner, criteria, limits, rules
from cohortsmith.evaluation.html.audit.page import UNSTATED, audit_page
from cohortsmith.evaluation.html.audit.wording import HEADLINES, KNOWS, headline, looser_limits

__all__ = [
    "HEADLINES",
    "KNOWS",
    "UNSTATED",
    "audit_page",
    "banner",
    "criteria",
    "headline",
    "limits",
    "looser_limits",
    "rules",
]
