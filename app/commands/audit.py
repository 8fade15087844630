"""`cohortsmith audit`, `release` and `verify`: may a synthetic cohort be released, and is it unchanged since."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
ShadowJobs = Annotated[int, typer.Option("--jobs", min=1, metavar="N", help="Generators fitted in parallel.")]
Folds = Annotated[
    int | None,
    typer.Option(
        "--folds",
        min=0,
        metavar="K",
        help="Generators to fit, each without one part of the patients, so that everybody is unseen once: for small "
        "cohorts. Default: what the run's experiment file says, or none.",
    ),
]


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
    folds: Folds = None,
    samples_only: Annotated[
        bool, typer.Option("--samples-only", help="Judge the samples alone: the model stays inside, as in `release`.")
    ] = False,
    family: Annotated[
        str | None, typer.Option(metavar="NAME", help="With three files: the generator that --shadows and --folds fit.")
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

    A run is judged with its model: samples, model files, and further rows drawn from the model.

    Exit code: 0 passed, 1 failed a test, 3 not evaluable because there are too few patients or the holdout is not
    comparable (2: bad input).

    Examples: [bold]cohortsmith audit runs/20260101T120000Z-demo-1a2b3c4d --out audited[/bold]

    [bold]cohortsmith audit --train train.csv --holdout rest.csv --synthetic virtual.csv --out audited[/bold]
    """
    from cohortsmith.app.config import parse_settings
    from cohortsmith.app.release import case_of_files, case_of_run, with_family, write_audit
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
    done = _audited(
        case, limits, device, precision, seed=seed, shadows=shadows, folds=folds, samples_only=samples_only, jobs=jobs
    )
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
    folds: Folds = None,
    jobs: ShadowJobs = 1,
    seed: Seed = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Release though the audit did not pass, and say so; but no copies, no identifiers.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Audit a run and, when it passes, write what may be released: samples, model card, data card, audit, checksums.

    The model stays inside. A run that does not pass is refused, with the audit's exit code, unless --force is given.

    Example: [bold]cohortsmith release runs/20260101T120000Z-demo-1a2b3c4d --out released[/bold]
    """
    from cohortsmith.app.release import CHECKSUMS, case_of_run, fill_release, release_folder

    limits = _policy(policy)
    with release_folder(out) as working:
        case = case_of_run(run, copy_into=working)
        done = _audited(
            case, limits, device, precision, seed=seed, shadows=shadows, folds=folds, samples_only=True, jobs=jobs
        )
        refused = done.outcome != "pass"
        if stops := done.hard_stops:
            _tell(done, case, as_json)
            fail(f"not released, with or without --force: {'; '.join(stops)}")
            raise typer.Exit(CODES[done.outcome])
        if refused and not force:
            _tell(done, case, as_json)
            fail(f"not released: the audit did not pass ({done.outcome}); --force releases it anyway and says so")
            raise typer.Exit(CODES[done.outcome])
        fill_release(working, out, case, done, forced=refused)
    _tell(done, case, as_json)
    if refused:
        say("warning: released by force; the cards say that the audit did not pass")
    elif done.loosened:
        say("warning: passed under looser limits than the default; the cards list them")
    if not as_json:
        result(str(out / CHECKSUMS))


def verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that `cohortsmith release` wrote.")],
) -> None:
    """Check a released folder: checksums, links, and whether audit, cards and samples agree; exit code 1 if not.

    Example: [bold]cohortsmith verify released[/bold]
    """
    from cohortsmith.app.release import changes

    found = changes(folder)
    for line in found:
        fail(f"{folder}: {line}")
    if found:
        raise typer.Exit(CHANGED)
    result(f"{folder}: unchanged since it was released")


def _audited(case: Case, policy: Policy, device: str, precision: str, *, folds: int | None, **options: Any) -> Audit:
    """The audit of a case, with the folds that its run asks for where the command names none."""
    from cohortsmith.app.config import TrainingPart, checked
    from cohortsmith.app.pipeline import image_models_for
    from cohortsmith.app.release import carry_out_audit

    image_models = image_models_for(case.train.kind, checked(TrainingPart, device=device, precision=precision))
    asked = case.folds if folds is None else folds
    return carry_out_audit(case, policy=policy, image_models=image_models, folds=asked, **options)


def _policy(path: Path | None) -> Policy:
    from cohortsmith.evaluation.privacy import DEFAULT, read_policy

    return DEFAULT if path is None else read_policy(path)


def _tell(done: Audit, case: Case, as_json: bool) -> None:
    if as_json:
        from cohortsmith.app.release import facts_of_audit

        show_json(facts_of_audit(done, case))
        return
    from cohortsmith.app.release import steps_after
    from cohortsmith.app.terminal import audit_table

    show(audit_table(done, steps_after(done, case)))
