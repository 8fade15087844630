"""`cohortsmith evaluate` and `cohortsmith compare`: the scorecard of one synthetic cohort, or of several families."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cohortsmith.app.commands.options import (
    DEFAULTS,
    Blast,
    CohortOptions,
    Device,
    Force,
    Json,
    OutFolder,
    Precision,
    Seed,
    Settings,
    ShowPatients,
    Source,
    with_cohort_options,
)
from cohortsmith.app.terminal import result, show, show_json

Only = Annotated[
    list[str] | None, typer.Option("--only", metavar="METRIC", help="Compute only this metric; may be repeated.")
]


@with_cohort_options
def evaluate(
    train: Annotated[Path, typer.Option("--train", metavar="FILE", help="Patients the generator was fitted on.")],
    holdout: Annotated[Path, typer.Option("--holdout", metavar="FILE", help="Real patients it never saw.")],
    synthetic: Annotated[Path, typer.Option("--synthetic", metavar="FILE", help="Virtual patients to evaluate.")],
    out: OutFolder,
    reading: CohortOptions,
    only: Only = None,
    show_patients: ShowPatients = False,
    blast: Blast = False,
    seed: Seed = 0,
    device: Device = "auto",
    precision: Precision = "auto",
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Evaluate virtual patients for fidelity, utility and privacy; writes DIR/report.html and DIR/metrics.json.

    The label column, the scale and the reference of the training file hold for all three files. Features of
    images come from small networks trained here (--device); a file with its own splits is used by train and test.

    Examples: [bold]cohortsmith evaluate --train train.csv --holdout rest.csv --synthetic virtual.csv --out card[/bold]

    [bold]cohortsmith evaluate --train a.fasta --holdout b.fasta --synthetic virtual.fasta --blast --out card[/bold]

    [bold]cohortsmith evaluate --train blood.npz --holdout blood.npz --synthetic virtual.npz --out card[/bold]
    """
    from cohortsmith.app.config import TrainingPart, checked
    from cohortsmith.app.pipeline import evaluating, image_models_for, require_blastn, with_blast
    from cohortsmith.app.terminal import scorecard
    from cohortsmith.app.workspace import (
        read_holdout,
        read_synthetic,
        read_train,
        report_duplicates,
        require_free,
        require_images,
        whole_folder,
    )
    from cohortsmith.evaluation import evaluate as measure

    require_free(out, force=force)
    if blast:
        require_blastn()
    part = reading.part(train)
    real = read_train(part)
    if show_patients:
        require_images(real)
    unseen = read_holdout(holdout, part, real)
    virtual = read_synthetic(synthetic, part, real)
    report_duplicates(real, unseen)
    image_models = image_models_for(real.kind, checked(TrainingPart, device=device, precision=precision))
    with evaluating("scorecard") as on_progress:
        report = measure(
            real, unseen, virtual, only=only, seed=seed, image_models=image_models, on_progress=on_progress
        )
    if blast:
        report = with_blast(report)
    from cohortsmith.evaluation.html import write_report

    with whole_folder(out, force=force) as working:
        write_report(report, working, title=f"Scorecard of {synthetic.name}", show_patients=show_patients)
    if as_json:
        show_json(report.to_json())
        return
    show(scorecard(report))
    result(str(out / "report.html"))


@with_cohort_options
def compare(
    cohort: Source,
    out: OutFolder,
    families: Annotated[
        str | None,
        typer.Option(metavar="A,B,C", help="Families, separated by commas; default: all for the data kind."),
    ] = None,
    reading: CohortOptions = DEFAULTS,
    holdout: Annotated[
        float, typer.Option(metavar="SHARE", help="Share of the samples held out from every generator.")
    ] = 0.3,
    seed: Seed = 0,
    settings: Settings = None,
    device: Device = "auto",
    precision: Precision = "auto",
    only: Only = None,
    show_patients: ShowPatients = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Compare families on one cohort: one split, one table, beside what real data and chance score.

    Writes DIR/report.html and DIR/comparison.json, and a run folder for each family. `--set` gives a setting to
    one family as family.key=value, or to every family that has it as key=value.

    Examples: [bold]cohortsmith compare gse7390 --families diffusion,wgan,mvn,bootstrap --out runs/first[/bold]

    [bold]cohortsmith compare tp53.fasta --reference NM_000546.6 --out runs/tp53[/bold]

    [bold]cohortsmith compare bloodmnist.npz --families vae,diffusion,mvn --out runs/blood[/bold]
    """
    from cohortsmith.app.config import TrainingPart, checked, parse_settings
    from cohortsmith.app.pipeline import compare_families
    from cohortsmith.app.workspace import read, require_free, require_images, whole_folder

    require_free(out, force=force)
    training = checked(TrainingPart, device=device, precision=precision)
    names = None if families is None else [name.strip() for name in families.split(",") if name.strip()]
    chosen = parse_settings(settings)
    part = reading.part(cohort, holdout=holdout)
    patients = read(part)
    if show_patients:
        require_images(patients)
    with whole_folder(out, force=force) as working:
        compared = compare_families(
            patients,
            names,
            chosen,
            part=part,
            training=training,
            seed=seed,
            only=only,
            folder=working,
            show_patients=show_patients,
        )
    if as_json:
        show_json(compared.facts)
        return
    show(compared.table)
    result(str(out / "report.html"))
