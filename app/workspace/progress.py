"""`Watch`: progress of a run, written to disk while it goes on, for the app or another terminal."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from cohortsmith.app.workspace.folders import read_json_as
from cohortsmith.data import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from cohortsmith.app.config import Experiment
    from cohortsmith.training import Progress

STANDING = "progress.json"
ROWS = "train.jsonl"
CHECKPOINT = "checkpoint"
_EVERY = 0.5  # seconds between two writings of where it stands


@dataclass(frozen=True)
class Standing:
    """Where a run stands.

    Attributes:
        stage: what it does.
        done: steps taken, or metrics measured.
        total: of how many.
        what: the metric being measured.
        seconds_left: as the pace so far tells; None where nothing tells it.
    """

    stage: Literal["training", "sampling", "measuring"]
    done: int = 0
    total: int = 0
    what: str = ""
    seconds_left: float | None = None


class Watch:
    """Writes `progress.json`, and `train.jsonl` row by row, into the working folder of a run.

    Args:
        folder: working folder of the run.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._told = 0.0
        self._row: dict[str, float] = {}

    def training(self, progress: Progress) -> None:
        """Take in a report of the training loop."""
        if progress.metrics and progress.metrics != self._row:
            self._row = dict(progress.metrics)
            self._append({"step": progress.step, **self._row})
        now = time.monotonic()
        if now - self._told >= _EVERY or progress.step == progress.steps:
            self._told = now
            self._tell(Standing("training", progress.step, progress.steps, seconds_left=progress.seconds_left))

    def sampling(self, patients: int) -> None:
        """Say that so many virtual patients are being drawn."""
        self._tell(Standing("sampling", total=patients))

    def measuring(self, metric: str, done: int, total: int) -> None:
        """Say which metric is being measured."""
        self._tell(Standing("measuring", done, total, metric))

    def remove(self) -> None:
        """Take away what no finished run needs."""
        (self._folder / STANDING).unlink(missing_ok=True)

    def _append(self, row: dict[str, float]) -> None:
        with (self._folder / ROWS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def _tell(self, standing: Standing) -> None:
        temporary = self._folder / f"{STANDING}.tmp"
        temporary.write_text(json.dumps(asdict(standing)), encoding="utf-8")
        os.replace(temporary, self._folder / STANDING)


def working_folder(experiment: Experiment, runs: Path) -> Path:
    """Where a run is written until it is whole."""
    return runs / f".{experiment.name}-{experiment.digest()}.partial"


def standing_of(folder: Path) -> Standing | None:
    """Progress of the run of this working folder; None before its first report."""
    try:
        return read_json_as(Standing, folder / STANDING)
    except (DataError, OSError):
        return None


@dataclass(frozen=True)
class _Values:
    history: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Checkpointed:
    """`checkpoint.json`, as far as others than the training loop read it.

    Attributes:
        step: that training goes on from.
        values: of the loop; among them the training curve.
    """

    step: int
    values: _Values = field(default_factory=_Values)


def checkpointed(checkpoint: Path) -> Checkpointed | None:
    """What a checkpoint tells; None where there is none, or a broken one: the training loop says what is wrong."""
    try:
        return read_json_as(Checkpointed, checkpoint / "checkpoint.json")
    except (DataError, OSError):
        return None


def rows_so_far(folder: Path) -> list[dict[str, Any]]:
    """Training curve of a run that goes on: the rows of its checkpoint, and those written since, by step."""
    kept = checkpointed(folder / CHECKPOINT)
    rows = list(kept.values.history) if kept else []
    rows += json_lines(folder / ROWS)
    by_step = {row["step"]: row for row in rows if isinstance(row.get("step"), int)}
    return [by_step[step] for step in sorted(by_step)]


def json_lines(path: Path) -> list[dict[str, Any]]:
    """Rows of a file with a JSON object a line, without the values that are null; a line not yet whole is left out."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    rows = []
    for line in lines:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            rows.append({key: value for key, value in row.items() if value is not None})
    return rows
