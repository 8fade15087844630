"""What a person or a program sees: results on stdout, everything else on stderr, one line for an error.

In a run of several processes only the first one speaks and writes.
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.segment import Segment, Segments

if TYPE_CHECKING:
    from rich.console import RenderableType

INTERRUPTED = 130
USER_ERROR = 2

status = Console(stderr=True, highlight=False)
_results = Console(highlight=False)


def is_main_process() -> bool:
    """Whether this process is the first of the run, whatever started the others (Fabric, torchrun, SLURM).

    The rule of `training.is_main_process`, repeated here because asking for help must not load torch.
    """
    env = os.environ
    if "RANK" in env:
        return env["RANK"] == "0"
    if "SLURM_PROCID" in env and "LOCAL_RANK" not in env and env.get("SLURM_NTASKS", "1") != "1":
        return env["SLURM_PROCID"] == "0"
    return env.get("LOCAL_RANK", "0") == "0" and env.get("NODE_RANK", env.get("GROUP_RANK", "0")) == "0"


def say(text: str) -> None:
    """Print a line on the way, on stderr."""
    if is_main_process():
        print(shown(text), file=sys.stderr, flush=True)


def show(renderable: RenderableType) -> None:
    """Print a table or another Rich renderable, on stdout."""
    if is_main_process():
        whole = _results.render_str(renderable) if isinstance(renderable, str) else renderable
        _results.print(Segments(Segment(shown(part.text), part.style) for part in _results.render(whole)), end="")


def result(text: str) -> None:
    """Print a plain line on stdout, never wrapped: a path stays one word for whatever reads it."""
    if is_main_process():
        print(shown(text), flush=True)


def show_json(value: Any) -> None:
    """Print `value` as JSON on stdout."""
    result(json.dumps(value, indent=2, allow_nan=False, default=str))


def explain(error: BaseException) -> str | None:
    """One line for an error a person can do something about; None for one that is ours."""
    if hasattr(error, "format_message"):  # a usage error of the command line
        context = getattr(error, "ctx", None)
        hint = f" (see: {context.command_path} --help)" if context is not None else ""
        return one_line(str(error.format_message())) + hint
    if isinstance(error, OSError):
        named = f": {error.filename}" if error.filename else ""
        return one_line(f"{error.strerror or error}{named}")
    if isinstance(error, ValueError):
        # Looked up by name so that asking for help loads neither pandas nor torch.
        ours = [("cohortsmith.data.errors", "DataError"), ("cohortsmith.training", "TrainingError")]
        if any(
            module in sys.modules and isinstance(error, getattr(sys.modules[module], name)) for module, name in ours
        ):
            return one_line(str(error))
    return None


def fail(message: str) -> None:
    """Print the one line of an error on stderr."""
    say(f"error: {message}")


def one_line(text: str) -> str:
    """Text on one line, without what would move a terminal's cursor."""
    return shown(" ".join(text.split()))


def shown(text: str) -> str:
    """Text as a terminal may show it: escape sequences, which may come with the data, are made visible."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


# Control characters but tab and line feed, and those that turn the direction of writing.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
