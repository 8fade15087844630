"""`cohortsmith audit`, `release` and `verify`: may a synthetic cohort be released, and is it unchanged since."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cohortsmith.app.commands.options import (
    DEFAULTS,
    CohortOptions,
    Device,
    Force,
    Json,
    OutFolder,
    Precision,
    Seed,
    Settings,
    ShowPatients,
    with_cohort_options,
)
from cohortsmith.app.terminal import fail, result, say, show, show_json

if TYPE_CHECKING:
    from cohortsmith.app.release import Case
    from cohortsmith.evaluation.privacy import Audit, Policy

CODES = {"pass": 0, "fail": 1, "not evaluable": 3}
CHANGED = 1

PolicyFile = Annotated[
    Path | None, typer.Option("--policy", metavar="TOML", help="The institution's own limits; see the README.")
]
Shadows = Annotated[
    int,
    typer.Option("--shadows", min=0, metavar="N", help="Shadow generators to fit for an additional attack; 0: none."),
]
ShadowJobs = Annotated[int, typer.Option("--jobs", min=1, metavar="N", help="Shadow generators fitted in parallel.")]


@with_cohort_options
def audit(
    out: OutFolder,
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="Run folder, or three files with the options below.")
    ] = None,
    train: Annotated[
        Path | None, typer.Option("--train", metavar="FILE", help="Patients the generator was fitted on.")
    ] = None,
    holdout: Annotated[
        Path | None, typer.Option("--holdout", metavar="FILE", help="Real patients it never saw.")
    ] = None,
    synthetic: Annotated[Path | None, typer.Option("--synthetic", metavar="FILE", help="Virtual patients.")] = None,
    reading: CohortOptions = DEFAULTS,
    policy: PolicyFile = None,
    shadows: Shadows = 0,
    family: Annotated[
        str | None, typer.Option(metavar="NAME", help="With three files: the generator that --shadows fits again.")
    ] = None,
    settings: Settings = None,
    jobs: ShadowJobs = 1,
    seed: Seed = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    show_patients: ShowPatients = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Attack a synthetic cohort and say whether it may be shared; writes DIR/audit.html and DIR/audit.json.

    Exit code: 0 passed, 1 failed a test, 3 not evaluable because there are too few patients (2: bad input).

    Examples: [bold]cohortsmith audit runs/20260101T120000Z-demo-1a2b3c4d --out audited[/bold]

    [bold]cohortsmith audit --train train.csv --holdout rest.csv --synthetic virtual.csv --out audited[/bold]
    """
    from cohortsmith.app.config import TrainingPart, checked, parse_settings
    from cohortsmith.app.pipeline import image_models_for
    from cohortsmith.app.release import carry_out_audit, case_of_files, case_of_run, with_family, write_audit
    from cohortsmith.app.workspace import require_free, require_images, whole_folder
    from cohortsmith.data import DataError

    require_free(out, force=force)
    limits = _policy(policy)
    given = reading.given
    given += [f"--{name}" for name, v in (("train", train), ("holdout", holdout), ("synthetic", synthetic)) if v]
    given += ["--family"] * bool(family) + ["--set"] * bool(settings)
    if run is not None and given:
        raise DataError(f"a run folder has its own files and settings: leave out {', '.join(given)}, or leave out RUN")
    if run is not None:
        case = case_of_run(run)
    else:
        part = reading.part(train) if train else None
        case = with_family(case_of_files(train, holdout, synthetic, part), family, parse_settings(settings))
    if show_patients:
        require_images(case.train)
    image_models = image_models_for(case.train.kind, checked(TrainingPart, device=device, precision=precision))
    done = carry_out_audit(case, policy=limits, seed=seed, image_models=image_models, shadows=shadows, jobs=jobs)
    with whole_folder(out, force=force) as working:
        write_audit(working, done, case, show_patients=show_patients)
    _tell(done, case, as_json)
    if not as_json:
        result(str(out / "audit.html"))
    raise typer.Exit(CODES[done.outcome])


def release(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Run folder whose virtual patients are to be released.")],
    out: OutFolder,
    policy: PolicyFile = None,
    shadows: Shadows = 0,
    jobs: ShadowJobs = 1,
    seed: Seed = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    force: Annotated[
        bool, typer.Option("--force", help="Release even though the audit did not pass; the cards say so.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Audit a run and, when it passes, write what may be released: samples, model card, data card, audit, checksums.

    A run that does not pass is refused, with the audit's exit code, unless --force is given.

    Example: [bold]cohortsmith release runs/20260101T120000Z-demo-1a2b3c4d --out released[/bold]
    """
    from cohortsmith.app.config import TrainingPart, checked
    from cohortsmith.app.pipeline import image_models_for
    from cohortsmith.app.release import CHECKSUMS, carry_out_audit, case_of_run, fill_release
    from cohortsmith.app.workspace import whole_folder
    from cohortsmith.data import DataError

    if out.exists() and (out.is_file() or any(out.iterdir())):
        raise DataError(f"{out} exists already, and a release is never overwritten; name another folder")
    limits = _policy(policy)
    case = case_of_run(run)
    image_models = image_models_for(case.train.kind, checked(TrainingPart, device=device, precision=precision))
    done = carry_out_audit(case, policy=limits, seed=seed, image_models=image_models, shadows=shadows, jobs=jobs)
    refused = done.outcome != "pass"
    if refused and not force:
        _tell(done, case, as_json)
        fail(f"not released: the audit did not pass ({done.outcome}); --force releases it anyway and says so")
        raise typer.Exit(CODES[done.outcome])
    with whole_folder(out) as working:
        fill_release(working, case, done, forced=refused)
    _tell(done, case, as_json)
    if refused:
        say("warning: released by force; the cards say that the audit did not pass")
    if not as_json:
        result(str(out / CHECKSUMS))


def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that `cohortsmith release` wrote.")],
) -> None:
    """Check a released folder against its checksums; exit code 1, naming the file, when something has changed.

    Example: [bold]cohortsmith verify released[/bold]
    """
    from cohortsmith.app.release import changes

    found = changes(folder)
    for line in found:
        fail(f"{folder}: {line}")
    if found:
        raise typer.Exit(CHANGED)
    result(f"{folder}: unchanged since it was released")


def _policy(path: Path | None) -> Policy:
    from cohortsmith.evaluation.privacy import DEFAULT, read_policy

    return DEFAULT if path is None else read_policy(path)


def _tell(done: Audit, case: Case, as_json: bool) -> None:
    if as_json:
        from cohortsmith.app.release import stamp_of

        show_json(done.to_json() | {"stamp": stamp_of(done, case)})
        return
    from cohortsmith.app.terminal import audit_table

    show(audit_table(done))
