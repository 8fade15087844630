"""Shared by the benchmark scripts: machine description, resumable rows of results, tables, fits in processes."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shlex
import signal
import statistics
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "benchmarks.md"
NEURAL = ("diffusion", "wgan", "vae", "gan")
_PLACES = ("--out", "--model", "--picture", "--samples")  # options whose value is a path on this machine


class Results:
    """Rows of a JSON Lines file, each written as soon as it is measured, so that an interrupted run can be resumed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.rows: list[dict[str, Any]] = []
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        for line in text.splitlines():
            try:
                self.rows.append(json.loads(line))
            except ValueError:
                continue  # a line truncated by a kill
        if text and not text.endswith("\n"):
            with path.open("a", encoding="utf-8") as file:
                file.write("\n")

    def find(self, **key: Any) -> dict[str, Any] | None:
        """The latest row with this key, or None."""
        return next((row for row in reversed(self.rows) if all(row.get(k) == v for k, v in key.items())), None)

    def measured(self, key: dict[str, Any], measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The row with this key on this machine, measured and written if missing."""
        key = {**key, "machine": machine()}
        row = self.find(**key)
        if row is None:
            say(f"{' '.join(str(v) for k, v in key.items() if k != 'machine')} ...")
            row = {**key, "commit": commit(), **measure()}
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            self.rows.append(row)
            say(f"    {_brief(row, key)}")
        return row


def parser(doc: str | None, name: str) -> argparse.ArgumentParser:
    """Parser with the common options: `--out`, `--set`, `--write`."""
    out = ROOT / "runs" / "benchmarks" / f"{name}.jsonl"
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    rows = "file of results; existing rows are not measured again (remove it to start over)"
    made.add_argument("--out", type=Path, default=out, metavar="FILE", help=rows)
    chosen = "a setting of all families that have it, e.g. steps=20 for a trial; may be repeated"
    made.add_argument("--set", action="append", metavar="[FAMILY.]KEY=VALUE", dest="settings", help=chosen)
    made.add_argument("--write", action="store_true", help="write the table into docs/benchmarks.md")
    return made


def main(run: Callable[[], None]) -> None:
    """Run a script; user errors end it with one line."""
    from cohortsmith.data import DataError

    try:
        run()
    except DataError as error:
        sys.exit(f"error: {error}")


def data_file(name: str) -> Path:
    """A file in the folder given by COHORTSMITH_DATA."""
    from cohortsmith.data import DataError

    folder = os.environ.get("COHORTSMITH_DATA")
    if not folder:
        raise DataError(f"this benchmark needs COHORTSMITH_DATA, the folder that contains {name}")
    return Path(folder) / name


def arguments(made: argparse.ArgumentParser) -> argparse.Namespace:
    """Parse the command line, and print the machine and the command."""
    args = made.parse_args()
    say(f"machine: {machine()}\ncommand: {command()}")
    return args


def say(text: str) -> None:
    """Print without buffering, for long runs watched through a pipe."""
    print(text, flush=True)


def machine() -> str:
    """Cores, processor, memory, Python and torch, in one line, without host names or paths."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists() and (found := re.search(r"^model name\s*:\s*(.+)$", information.read_text(), re.M)):
        model = found[1]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    threads = os.environ.get("OMP_NUM_THREADS")
    limit = f", OMP_NUM_THREADS={threads}" if threads else ""
    packages = ", ".join(f"{name} {_version(name)}" for name in ("torch", "sdv"))
    return f"{cores} cores of {model}, {memory:.0f} GiB, Python {platform.python_version()}, {packages}{limit}"


def command() -> str:
    """The command line, without paths on this machine."""
    words, skip = [], False
    for word in sys.argv[1:]:
        if not skip and word != "--write" and word.partition("=")[0] not in _PLACES:
            words.append(word)
        skip = word in _PLACES
    return f"python benchmarks/{Path(sys.argv[0]).name} {shlex.join(words)}".rstrip()


def commit() -> str:
    """Short id of the current commit, with a plus for uncommitted changes; empty outside git."""
    called = ["git", "-C", str(ROOT), "describe", "--always", "--dirty=+", "--exclude=*"]
    done = subprocess.run(called, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def spread(values: Sequence[float | None], digits: int = 3) -> str:
    """Mean ± standard deviation of the values that are not None."""
    present = [value for value in values if value is not None]
    if not present:
        return "-"
    mean = f"{statistics.fmean(present):.{digits}f}"
    return f"{mean} ± {statistics.stdev(present):.{digits}f}" if len(present) > 1 else mean


def points(row: Any) -> str:
    """A gain of `study.gains` in percentage points, with its interval if there are several seeds."""
    if not row["seeds"]:
        return "-"
    interval = f"{100 * row['low']:+.1f} to {100 * row['high']:+.1f}" if row["seeds"] > 1 else "one seed"
    return f"{100 * row['gain']:+.1f} ({interval})"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Markdown table, first column left-aligned, others right-aligned."""
    lines = [list(head), ["---", *("---:" for _ in head[1:])], *(list(row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def publish(block: str, text: str, rows: Sequence[dict[str, Any]], *, seeds: Sequence[int], write: bool) -> None:
    """Print a table with its provenance; with `write`, write it between the block's markers in docs/benchmarks.md."""
    commits = ", ".join(sorted({row["commit"] for row in rows if row.get("commit")}))
    machines = "; ".join(sorted({row["machine"] for row in rows if row.get("machine")})) or machine()
    called = sorted({row["command"] for row in rows if row.get("command")}) or [command()]
    commands = "; ".join(f"`{one}`" for one in called)
    about = [f"- Command: {commands}", f"- Machine: {machines}", f"- Seeds: {', '.join(map(str, seeds))}"]
    made = "\n".join([*about, *([f"- Commit: {commits}"] if commits else []), "", text])
    say(f"\n{made}\n")
    if write:
        start, end = f"<!-- {block} -->", f"<!-- end {block} -->"
        document = DOCUMENT.read_text(encoding="utf-8")
        before, found, rest = document.partition(start)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            sys.exit(f"error: {DOCUMENT.name} has no {start} ... {end} to write into")
        DOCUMENT.write_text(f"{before}{start}\n{made}\n{end}{after}", encoding="utf-8")
        say(f"written to {DOCUMENT.relative_to(ROOT)}, block {block!r}")


def fit_apart(
    family: str, cohort: dict[str, Any], settings: dict[str, Any], seed: int, timeout: float = 0
) -> dict[str, Any]:
    """Fit in a fresh process (`measure.py`): `fit_seconds` and `peak_mb`, or `more_than` (timeout), or `error`."""
    task = {"family": family, "cohort": cohort, "settings": settings, "seed": seed, "timeout": timeout}
    called = [sys.executable, str(ROOT / "benchmarks" / "measure.py"), json.dumps(task)]
    # Files, not pipes: orphaned workers of a stopped fit would keep a pipe open forever.
    with TemporaryFile("w+") as out, TemporaryFile("w+") as err:
        with subprocess.Popen(called, stdout=out, stderr=err, text=True, start_new_session=True) as fit:
            ended = fit.wait()
        with suppress(ProcessLookupError):
            os.killpg(fit.pid, signal.SIGKILL)
        if ended == -signal.SIGALRM:
            return {"more_than": timeout}
        printed, said = (_lines_of(file) for file in (out, err))
    if ended:
        last = said[-1:] or [f"ended with {ended}"]
        return {"error": last[0].removeprefix("error: ")[:200]}
    row: dict[str, Any] = json.loads(printed[-1])
    return row


def _lines_of(file: IO[str]) -> list[str]:
    file.seek(0)
    return file.read().strip().splitlines()


def format_seconds(seconds: float) -> str:
    """One decimal; two significant digits below a second."""
    return f"{seconds:.1f}" if seconds >= 1 else f"{seconds:.2g}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _brief(row: dict[str, Any], key: dict[str, Any]) -> str:
    shown = {k: v for k, v in row.items() if k not in key and k != "commit" and not isinstance(v, dict | list)}
    return ", ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in shown.items())
