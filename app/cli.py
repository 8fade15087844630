"""The command `cohortsmith`: where the commands are put together and every error becomes one line."""

from __future__ import annotations

import io
import logging
import os
import re
import signal
import sys
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from cohortsmith.app.commands import app as commands_app
from cohortsmith.app.commands import audit as commands_audit
from cohortsmith.app.commands import data as commands_data
from cohortsmith.app.commands import evaluate as commands_evaluate
from cohortsmith.app.commands import model as commands_model
from cohortsmith.app.commands import runs as commands_runs
from cohortsmith.app.commands import study as commands_study
from cohortsmith.app.commands import utility as commands_utility
from cohortsmith.app.terminal import INTERRUPTED, USER_ERROR, explain, fail

if TYPE_CHECKING:
    from collections.abc import Sequence


class Commands(TyperGroup):
    """Root of the commands: bad input ends with one line on stderr and exit code 2, never with a traceback."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line; an error that is not the user's keeps its traceback."""
        try:
            code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
        except (KeyboardInterrupt, typer.Abort):
            code = INTERRUPTED
        except BrokenPipeError:
            code = 1  # whoever read our output went away, as `| head` does
        except Exception as error:
            message = explain(error)
            if message is None:
                raise
            fail(message)
            code = USER_ERROR
        if code == INTERRUPTED:
            fail("interrupted")
        sys.exit(code or 0)


app = typer.Typer(
    cls=Commands,
    name="cohortsmith",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,  # its tracebacks can show local variables: patients' values
    help="Virtual patients from real cohorts, with an honest scorecard for fidelity, utility and privacy.\n\n"
    "Start with: [bold]cohortsmith compare gse7390 --families diffusion,mvn --out first[/bold]",
)
app.add_typer(commands_data.app, name="data")
app.command("fit")(commands_model.fit)
app.command("sample")(commands_model.sample)
app.command("evaluate")(commands_evaluate.evaluate)
app.command("compare")(commands_evaluate.compare)
app.command("utility")(commands_utility.utility)
app.command("audit")(commands_audit.audit)
app.command("release")(commands_audit.release)
app.command("verify")(commands_audit.verify)
app.command("run")(commands_runs.run)
app.add_typer(commands_runs.app, name="runs")
app.add_typer(commands_study.app, name="study")
app.command("app")(commands_app.open_app)


# Numbers of threads that libraries read when they are loaded, some of them ending the process over a wrong one.
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def main() -> None:
    """Entry point of the installed command."""
    # Threads that wait by spinning take the cores from those that work: on two busy cores a fit became 20 times slower.
    # Read when the OpenMP runtime loads, which is after this.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    for stream in (sys.stdout, sys.stderr):  # a terminal of latin-1 or ASCII shows what it can
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    for name in _THREADS:
        if (value := os.environ.get(name)) and not re.fullmatch(r" *[1-9][0-9]*( *, *[1-9][0-9]*)* *", value):
            fail(f"{name} must be a whole number of at least 1; got {value!r}: unset it, or correct it")
            sys.exit(USER_ERROR)
    logging.disable(logging.INFO)  # what libraries tell about themselves, once a process
    # A polite kill unwinds like an error does, so that files under temporary names are removed.
    signal.signal(signal.SIGTERM, _terminate)
    app()


def _terminate(signum: int, frame: object) -> None:
    raise SystemExit(128 + signum)
