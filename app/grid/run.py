"""A grid carried out: stage after stage, resumed where it stopped; then table, verdicts, page."""

from __future__ import annotations

import json
import shutil
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from cohortsmith.app.config import Arm, PretextSet
from cohortsmith.app.grid import jobs as grid_jobs
from cohortsmith.app.grid.checks import check_grid, read_cohorts
from cohortsmith.app.grid.jobs import GridStudy
from cohortsmith.app.grid.plan import Planned, plan_grid
from cohortsmith.app.grid.report import write_report
from cohortsmith.app.grid.results import fuse, merge, read_probabilities, write_rows
from cohortsmith.app.grid.workers import Task, check_workers, workers
from cohortsmith.app.pipeline import duration
from cohortsmith.app.terminal import is_main_process, say, status
from cohortsmith.app.workspace import owned, read_json, require_writable, write_json
from cohortsmith.data import DataError
from cohortsmith.data.io import whole_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import pandas as pd

    from cohortsmith.app.config import Grid
    from cohortsmith.app.grid.workers import Workers
    from cohortsmith.data import Cohort

GRID = "grid.json"
# A job's name says its seed and its labels, so more of either are more jobs of the same grid, and fewer are fewer; by
# which metric arms are judged is no matter of theirs.
_MAY_DIFFER = ("seeds", "labelled", "metric")
_FOLDERS = ("virtual", "pretext", "rows", "probabilities")
_LINE_EVERY = 20.0  # seconds between two lines where there is no terminal to animate


@dataclass(frozen=True)
class Carried:
    """A grid that is done.

    Attributes:
        rows: the whole table.
        failed: a row for each job that could not be done, with `stage` and `reason`.
    """

    rows: pd.DataFrame
    failed: list[dict[str, Any]]


def carry_out_grid(
    grid: Grid,
    folder: Path,
    *,
    jobs: int = 1,
    backend: str = "",
    cluster: str = "",
    facts: Mapping[str, Any] | None = None,
) -> Carried:
    """Do the jobs of a grid that are not done yet, and put table, verdicts and page into `folder`.

    Args:
        grid: what to do.
        folder: of the results; one of the same grid, be it with other seeds, numbers of labels or another metric, is
            resumed.
        jobs: workers at a time.
        backend: sequential, loky, dask or ray; "" is loky, and this very process for one job at a time.
        cluster: address of a dask scheduler; "" starts workers on this machine.
        facts: more for the page to say; see `cohortsmith.evaluation.html.study.page`.

    Raises:
        DataError: wrong input, a folder of another grid or of something else, or workers that are not available.
    """
    check_grid(grid)
    check_workers(backend, jobs, cluster)
    require_writable(folder)
    with owned(folder):
        return _carried_out(grid, folder, jobs=jobs, backend=backend, cluster=cluster, facts=facts)


def _carried_out(
    grid: Grid, folder: Path, *, jobs: int, backend: str, cluster: str, facts: Mapping[str, Any] | None
) -> Carried:
    cohorts = read_cohorts(grid)
    plan = plan_grid(grid, cohorts)
    study = GridStudy(grid, folder.absolute())
    open_folder(study, cohorts)
    failed: dict[str, dict[str, Any]] = {}
    with workers(backend, jobs, cluster) as ready:
        _do(ready, "virtual patients", _virtual_jobs(study, plan), failed)
        _do(ready, "pretexts", _pretext_jobs(study, plan, failed), failed)
        _do(ready, "classifiers", _arm_jobs(study, plan, failed), failed)
    done = [study.rows(arm) for arm in plan.arms if study.rows(arm).exists()]
    done += list(_fused(study, plan))
    rows = merge(done, folder / "results.parquet")
    with whole_file(folder / "failed.json") as temporary:
        temporary.write_text(json.dumps(list(failed.values()), indent=2) + "\n", encoding="utf-8")
    if failed:
        say(f"{len(failed)} jobs failed; see {folder / 'failed.json'}")
    if len(rows):
        write_report(study, plan, rows, {"failed": list(failed.values()), **(facts or {})})
    return Carried(rows, list(failed.values()))


def open_folder(study: GridStudy, cohorts: Mapping[str, Cohort]) -> None:
    """Make the folder of a grid, or go on with the one there.

    Raises:
        DataError: it holds something else, or what another grid, or the same one on other patients, has left.
    """
    folder = study.folder
    about = {name: {"digest": cohort.digest(), "samples": len(cohort)} for name, cohort in cohorts.items()}
    asked: dict[str, Any] = json.loads(json.dumps(study.grid.resolved() | {"cohorts": about}))
    if folder.is_file():
        raise DataError(f"a folder was expected for the results, {folder} is a file; name another with --out")
    if (folder / GRID).is_file():
        found = read_json(folder / GRID)
        other = [key for key in {**asked, **found} if key not in _MAY_DIFFER and asked.get(key) != found.get(key)]
        if other:
            raise DataError(
                f"{folder} holds results of another grid: it differs in {', '.join(other)}; name another folder with "
                "--out, or resume the grid that is there"
            )
    elif folder.exists() and any(folder.iterdir()):
        raise DataError(f"{folder} holds files that cohortsmith did not write; name another folder with --out")
    for name in _FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for left in (folder / name).glob(".*.tmp"):  # of a run that was killed
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    with whole_file(folder / GRID) as temporary:
        write_json(temporary, asked)


def _virtual_jobs(study: GridStudy, plan: Planned) -> list[tuple[Task, bool, str]]:
    return [
        (Task(wanted.name, grid_jobs.make_virtual, (study, wanted)), study.virtual(wanted).exists(), "")
        for wanted in plan.virtual
    ]


def _pretext_jobs(study: GridStudy, plan: Planned, failed: Mapping[str, Any]) -> list[tuple[Task, bool, str]]:
    return [
        (
            Task(wanted.name, grid_jobs.make_pretext, (study, wanted, classifier)),
            study.pretext(wanted).exists(),
            _missing(wanted.arm, None, failed),
        )
        for wanted, classifier in plan.pretexts.items()
    ]


def _arm_jobs(study: GridStudy, plan: Planned, failed: Mapping[str, Any]) -> list[tuple[Task, bool, str]]:
    return [
        (
            Task(arm.name, grid_jobs.make_rows, (study, arm, pretext)),
            study.rows(arm).exists(),
            _missing(arm, pretext, failed),
        )
        for arm, pretext in plan.arms.items()
    ]


def _missing(arm: Arm, pretext: PretextSet | None, failed: Mapping[str, Any]) -> str:
    """Why an arm cannot be done, "" where all that it needs is there."""
    if arm.virtual is not None and arm.virtual.name in failed:
        return f"no virtual patients: {failed[arm.virtual.name]['reason']}"
    if pretext is not None and pretext.name in failed:
        return f"no pretext: {failed[pretext.name]['reason']}"
    return ""


def _do(ready: Workers, stage: str, jobs: list[tuple[Task, bool, str]], failed: dict[str, dict[str, Any]]) -> None:
    """Do the jobs of a stage that are not done and lack nothing; those that fail become rows of `failed`."""
    by_name = {job.name: job for job, _, _ in jobs}
    for job, _, missing in jobs:
        if missing:
            failed[job.name] = _failure(stage, job, missing)
    todo = [job for job, done, missing in jobs if not done and not missing]
    done = sum(done for _, done, _ in jobs)
    if done:
        say(f"{stage}: {done} of {len(jobs)} were done before")
    if not todo:
        return
    with _progress(stage, len(todo)) as advance:
        for outcome in ready.do(todo):
            for line in outcome.lines:
                say(f"warning: {outcome.name}: {line}")
            if outcome.failure:
                say(f"failed: {outcome.name}: {outcome.failure}")
                failed[outcome.name] = _failure(stage, by_name[outcome.name], outcome.failure)
            advance()


def _failure(stage: str, job: Task, reason: str) -> dict[str, Any]:
    what = job.arguments[1]
    return {
        "stage": stage,
        "job": job.name,
        **asdict(what.arm if isinstance(what, PretextSet) else what),
        "reason": reason,
    }


def _fused(study: GridStudy, plan: Planned) -> Iterator[Path]:
    """Files of the fusions whose members are all there."""
    for name, arms in plan.fusions:
        target = study.rows(replace(arms[0], classifier=name))
        members = [study.rows(arm) for arm in arms]
        if not all(path.exists() for path in members):
            continue
        if not target.exists():
            parts = study.parts(arms[0].data, arms[0].seed)
            probabilities = [read_probabilities(study.probabilities(arm)) for arm in arms]
            write_rows(target, fuse(name, list(arms), parts, probabilities, members))
        yield target


@contextmanager
def _progress(title: str, total: int) -> Iterator[Callable[[], None]]:
    """Give a callback for each job done: jobs and time left on stderr, animated on a terminal."""
    started = reported = time.monotonic()
    done = 0

    def left() -> str:
        return duration((time.monotonic() - started) / done * (total - done)) if done else "?"

    if is_main_process() and status.is_terminal:
        from rich.progress import BarColumn, Progress, TextColumn

        columns = (
            TextColumn(f"[bold]{title}[/bold]"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[left]} left"),
        )
        with Progress(*columns, console=status, transient=True) as bar:
            task = bar.add_task(title, total=total, left=left())

            def advance() -> None:
                nonlocal done
                done += 1
                bar.update(task, completed=done, left=left())

            yield advance
        return

    def line() -> None:
        nonlocal done, reported
        done += 1
        if time.monotonic() - reported >= _LINE_EVERY or done == total:
            reported = time.monotonic()
            say(f"{title}: {done}/{total} done, {left()} left")

    yield line
