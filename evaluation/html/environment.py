"""The Jinja2 environment of every page: what is filled in is escaped, and a name that is missing is an error.

Templates, styles and scripts are the files in `templates/` beside this one. Only HTML that a template here has made is
`Markup` and stands as it is.
"""

from __future__ import annotations

import base64
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from cohortsmith.evaluation.core import GLOSSARY, MINIMUM, number, term_of, title_of
from cohortsmith.evaluation.plots import class_style, png

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ROOM = "cohortsmith.evaluation.html"


def css_colour(colour: str) -> str:
    """CSS for a colour of `panels`."""
    return f"var(--{colour.removeprefix('theme:')})" if colour.startswith("theme:") else colour


def _breakable(name: str) -> Markup:
    """A plain name that may break after an underscore."""
    return escape(name).replace("_", Markup("_<wbr>"))


def _data_uri(image: bytes | NDArray[np.uint8]) -> str:
    """Address that holds an image itself: bytes of a PNG, or pixels (height, width, channels)."""
    content = image if isinstance(image, bytes) else png(image)
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


ENVIRONMENT = Environment(
    loader=PackageLoader(_ROOM),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.filters |= {
    "breakable": _breakable,
    "css_colour": css_colour,
    "data_uri": _data_uri,
    "number": number,
    "term_of": term_of,
    "title_of": title_of,
}
ENVIRONMENT.globals |= {"GLOSSARY": GLOSSARY, "MINIMUM": MINIMUM, "class_style": class_style}


def fill(template: str, macro: str, *values: Any, environment: Environment = ENVIRONMENT) -> Markup:
    """HTML of a macro in a file of `templates/`; plain text among `values` is escaped, `Markup` is not."""
    filled: Markup = getattr(environment.get_template(template).module, macro)(*values)
    return filled


@cache
def asset(name: str) -> Markup:
    """A stylesheet or script of `templates/`, as it stands."""
    return Markup(resources.files(_ROOM).joinpath("templates", name).read_text(encoding="utf-8"))
