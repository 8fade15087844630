"""Terminal output: messages, errors, progress and tables."""

from cohortsmith.app.terminal.console import (
    INTERRUPTED,
    USER_ERROR,
    explain,
    fail,
    is_main_process,
    one_line,
    result,
    say,
    show,
    show_json,
    status,
)
from cohortsmith.app.terminal.tables import audit_table, comparison_table, figures_table, scorecard

__all__ = [
    "INTERRUPTED",
    "USER_ERROR",
    "audit_table",
    "comparison_table",
    "explain",
    "fail",
    "figures_table",
    "is_main_process",
    "one_line",
    "result",
    "say",
    "scorecard",
    "show",
    "show_json",
    "status",
]
