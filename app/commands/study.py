"""`cohortsmith study`: whole studies as one command each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cohortsmith.app.commands.options import (
    Backend,
    Blast,
    Cluster,
    Device,
    DryRun,
    Force,
    GridFolder,
    Jobs,
    Json,
    Label,
    OutFolder,
    Seed,
    Subject,
)
from cohortsmith.app.terminal import result, show, show_json

Sources = Annotated[list[str] | None, typer.Argument(metavar="COHORT...", help="Files or named sets.")]
Labelled = Annotated[
    str,
    typer.Option("--labelled", metavar="N,N,...", help="Patients with labels: numbers, shares, half, quarter, full."),
]
Seeds = Annotated[int, typer.Option("--seeds", min=1, help="Number of repetitions, over which intervals are computed.")]
Some = Annotated[str, typer.Option("--classifiers", metavar="NAME,...", help="Only these; --dry-run shows the names.")]

app = typer.Typer(no_args_is_help=True, help="Carry out a whole study in one command.")


@app.callback()
def _studies() -> None:
    """Keeps `study` a group of commands, however few there are."""


@app.command("tp53-founding")
def tp53_founding(
    out: OutFolder,
    seed: Seed = 0,
    variants: Annotated[
        Path | None,
        typer.Option("--variants", metavar="TSV", help="Draw somatic variants from this table (HGVSc, n_patients)."),
    ] = None,
    blast: Blast = False,
    device: Device = "auto",
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Train on 20 mutated and 20 other TP53 sequences, and report what 40 patients allow; under two minutes.

    Writes DIR/report.html and DIR/study.json, and a run folder for each family: a discriminator on its own with and
    without activation; a GAN and its discriminator's scores, and the same discriminator against copies and against
    random edits; WGAN, VAE and diffusion beside it; the share of new patients' variants that the 40 patients lack.

    Example: [bold]cohortsmith study tp53-founding --out runs/founding[/bold]
    """
    from rich.markup import escape

    from cohortsmith.app.config import TrainingPart, checked
    from cohortsmith.app.founding import carry_out_study, sentences, study_facts, study_table, write_study
    from cohortsmith.app.pipeline import identity_by_blast, require_blastn
    from cohortsmith.app.workspace import require_free, whole_folder

    require_free(out, force=force)
    training = checked(TrainingPart, device=device)
    if blast:
        require_blastn()
    study = carry_out_study(seed, training, variants)
    measured = {name: identity_by_blast(o.synthetic, study.train) for name, o in study.outcomes.items() if blast}
    facts = study_facts(study, measured, seed)
    with whole_folder(out, force=force) as working:
        write_study(working, study, measured, facts, training=training, seed=seed)
    if as_json:
        show_json(facts)
        return
    show(study_table(study, measured))
    for sentence in sentences(study):
        show(escape(sentence))
    result(str(out / "report.html"))


@app.command("images-2025")
def images_2025(
    cohorts: Sources = None,
    out: GridFolder = None,
    preset: Annotated[
        str, typer.Option(metavar="cpu|gpu", help="cpu: narrow networks, hours; gpu: as in 2025.")
    ] = "cpu",
    labelled: Labelled = "full,quarter",
    seeds: Seeds = 3,
    classifiers: Some = "",
    unlabelled: Annotated[
        str | None,
        typer.Option(
            "--unlabelled",
            metavar="FILE",
            help="More images for the pretexts; their classes are not read.",
        ),
    ] = None,
    jobs: Jobs = 1,
    backend: Backend = "",
    cluster: Cluster = "",
    device: Device = "auto",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Supervised, four pretext tasks with the backbone frozen (BF) or not (BNF), and their fusions, on medical images.

    Default cohorts: bloodmnist and dermamnist. Beside the founding supervised recipe stands a strong one
    (small-cnn); the page sets the thesis's figures beside ours. moco34-bf and moco34-bnf (ResNet-34) and
    simclr-small-cnn run when named with --classifiers; MoCo-Plus is moco-bnf with --unlabelled.

    Example: [bold]cohortsmith study images-2025 bloodmnist --out runs/images --jobs 2[/bold]
    """
    from cohortsmith.app.commands.utility import run_grid
    from cohortsmith.app.config import TrainingPart, checked
    from cohortsmith.app.founding import images_facts, images_grid

    asked = images_grid(
        cohorts or ["bloodmnist", "dermamnist"],
        preset=preset,
        labelled=_numbers(labelled),
        seeds=seeds,
        classifiers=_words(classifiers),
        unlabelled=unlabelled,
        training=checked(TrainingPart, device=device),
    )
    run_grid(asked, out, images_facts(asked, preset), jobs, backend, cluster, dry_run=dry_run, as_json=as_json)


@app.command("transcriptome-2021")
def transcriptome_2021(
    cohorts: Annotated[list[str], typer.Argument(metavar="COHORT...", help="Files or named sets of expression.")],
    out: GridFolder = None,
    preset: Annotated[
        str,
        typer.Option(metavar="tcga-2021|microarray-2021", help="Hyperparameters of one of its data sets."),
    ] = "tcga-2021",
    labelled: Labelled = "50,100,200,500,1000,full",
    seeds: Seeds = 3,
    classifiers: Some = "",
    mask_sizes: Annotated[
        bool, typer.Option("--mask-sizes", help="Compare shares of masked genes instead of pretexts.")
    ] = False,
    label: Label = None,
    subject: Subject = None,
    jobs: Jobs = 1,
    backend: Backend = "",
    cluster: Cluster = "",
    device: Device = "auto",
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Learning curves of a supervised reference and of self-supervised classifiers on gene expression.

    Masked prediction with 0 to 3 layers frozen or with predicted patients (lambda 0.1, 1, 10), contrastive learning,
    VIME, SCARF and SubTab; pretexts see all training patients, and only the requested labels are used.

    Example: [bold]cohortsmith study transcriptome-2021 tcga.h5ad --labelled 50,100,full --out runs/genes[/bold]
    """
    from cohortsmith.app.commands.utility import run_grid
    from cohortsmith.app.config import TrainingPart, checked
    from cohortsmith.app.founding import transcriptome_facts, transcriptome_grid

    asked = transcriptome_grid(
        cohorts,
        preset=preset,
        labelled=_numbers(labelled),
        seeds=seeds,
        classifiers=_words(classifiers),
        mask_sizes=mask_sizes,
        label=label,
        subject=subject,
        training=checked(TrainingPart, device=device),
    )
    run_grid(asked, out, transcriptome_facts(preset), jobs, backend, cluster, dry_run=dry_run, as_json=as_json)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _numbers(text: str) -> list[int | float | str]:
    """Numbers, shares and words as a grid has them."""
    return [int(word) if word.isdigit() else word for word in _words(text)]
