"""HTML that the pages write themselves: from templates of this folder, in the environment of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import ChoiceLoader, PackageLoader

from cohortsmith.evaluation.html import ENVIRONMENT
from cohortsmith.evaluation.html import fill as fill_in

if TYPE_CHECKING:
    from markupsafe import Markup

_LOADERS = [loader for loader in (PackageLoader("cohortsmith.app.ui"), ENVIRONMENT.loader) if loader is not None]
_ENVIRONMENT = ENVIRONMENT.overlay(loader=ChoiceLoader(_LOADERS))


def fill(macro: str, *values: Any) -> Markup:
    """HTML of a macro in `templates/app.html`; plain text among `values` is escaped."""
    return fill_in("app.html", macro, *values, environment=_ENVIRONMENT)
