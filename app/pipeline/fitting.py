"""Fitting as commands do it: live progress, a checkpoint beside the result, resume after a kill."""

from __future__ import annotations

import shutil
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cohortsmith.app.terminal import is_main_process, say, status
from cohortsmith.app.workspace import checkpointed
from cohortsmith.data import DataError
from cohortsmith.generators import make_generator
from cohortsmith.generators.private import IMPUTED
from cohortsmith.training import Runtime, TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from cohortsmith.app.config import DataPart, TrainingPart
    from cohortsmith.app.workspace import Watch
    from cohortsmith.data import Cohort
    from cohortsmith.generators import Generator
    from cohortsmith.training import Progress

_LINE_EVERY = 20.0  # seconds between two lines where there is no terminal to animate


def fit_generator(
    family: str,
    settings: dict[str, Any],
    train: Cohort,
    *,
    seed: int,
    training: TrainingPart,
    checkpoint: Path | None = None,
    watch: Watch | None = None,
) -> Generator:
    """Fit a family with live progress; goes on from `checkpoint` when it belongs to this very run.

    Raises:
        DataError: unknown family or setting, or a cohort the family cannot learn from.
        TrainingError: the device is absent, a loss is not finite, or the checkpoint is of another run.
    """
    generator = make_generator(family, **settings)
    if checkpoint is not None and (unfinished := checkpointed(checkpoint)):
        say(f"resuming from step {unfinished.step} of an unfinished run in {checkpoint}")
    with live_progress(family) as show:

        def on_progress(progress: Progress) -> None:
            show(progress)
            if watch:
                watch.training(progress)

        runtime = Runtime(
            device=training.device,
            devices=training.devices,
            num_nodes=training.num_nodes,
            precision=training.precision,
            checkpoint=checkpoint,
            checkpoint_every=training.checkpoint_every,
            on_progress=on_progress,
        )
        try:
            generator.fit(train, seed=seed, runtime=runtime)
        except TrainingError as error:
            # A checkpoint that cannot be taken up has its remedy here; one that cannot be written (disk full) has not.
            if str(error).startswith("checkpoint: "):
                raise TrainingError(f"{error}; or start over with --restart") from error
            raise
    return generator


def require_public_reading(part: DataPart, family: str, settings: Mapping[str, Any]) -> None:
    """Check before the cohort is read that a private fit does not ask for medians of its patients.

    Raises:
        DataError: missing values are to be filled, with a budget, and the statistics are not stated to be public.
    """
    if part.impute and settings.get("dp_epsilon") and not settings.get("dp_public_statistics"):
        raise DataError(IMPUTED.format(family=family))


def remove_checkpoint(checkpoint: Path) -> None:
    """Remove the checkpoint of a run whose result is safe, or that is to start over."""
    if is_main_process() and (checkpoint / "checkpoint.json").is_file():
        shutil.rmtree(checkpoint, ignore_errors=True)


@contextmanager
def live_progress(title: str) -> Iterator[Callable[[Progress], None]]:
    """Give a callback that shows the step, the losses and the time left on stderr, animated on a terminal."""
    if not is_main_process():
        yield lambda progress: None
    elif status.is_terminal:
        with _animated(title) as show:
            yield show
    else:
        yield _lines(title)


@contextmanager
def _animated(title: str) -> Iterator[Callable[[Progress], None]]:
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn(f"[bold]{title}[/bold]"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TextColumn("{task.fields[left]} left"),
        TextColumn("[dim]{task.fields[losses]}[/dim]"),
    )
    with Bar(*columns, console=status, transient=True) as bar:
        task = bar.add_task(title, total=1, left="?", losses="")

        def show(progress: Progress) -> None:
            bar.update(
                task,
                total=progress.steps,
                completed=progress.step,
                left=duration(progress.seconds_left),
                losses=_losses(progress),
            )

        yield show


def _lines(title: str) -> Callable[[Progress], None]:
    reported = time.monotonic()

    def show(progress: Progress) -> None:
        nonlocal reported
        if time.monotonic() - reported >= _LINE_EVERY:
            reported = time.monotonic()
            left = duration(progress.seconds_left)
            print(f"{title}: step {progress.step}/{progress.steps}, {left} left", file=sys.stderr, flush=True)

    return show


def _losses(progress: Progress) -> str:
    shown = [(name, value) for name, value in progress.metrics.items() if name != "step"][:4]
    return "  ".join(f"{name} {value:.3g}" for name, value in shown)


def duration(seconds: float) -> str:
    """Minutes and seconds, as in 3:07."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def fit_and_sample(
    family: str, settings: Mapping[str, Any], cohort: Cohort, counts: Mapping[str, int], seed: int
) -> Cohort:
    """Virtual patients, so many of each class, of a generator fitted on a cohort for no longer than this.

    Raises:
        DataError: as `make_generator`, `Generator.fit` and `Generator.sample`.
    """
    return make_generator(family, **settings).fit(cohort, seed=seed).sample(dict(counts), seed=seed)
