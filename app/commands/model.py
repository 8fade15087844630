"""`cohortsmith fit` and `cohortsmith sample`: from patients to a model folder, from a model to virtual patients."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from cohortsmith.app.commands.options import (
    CohortOptions,
    Device,
    DpDelta,
    DpEpsilon,
    Force,
    Json,
    Minutes,
    OutFile,
    Precision,
    Seed,
    Settings,
    Source,
    with_cohort_options,
)
from cohortsmith.app.terminal import is_main_process, result, say, show_json

if TYPE_CHECKING:
    from cohortsmith.data import Kind

STEPS = 9  # from one class to the next


@with_cohort_options
def fit(
    cohort: Source,
    family: Annotated[
        str, typer.Option(metavar="NAME", help="gan, wgan, vae, diffusion, or a baseline: mvn, bootstrap, pwm, ...")
    ],
    out: Annotated[
        Path,
        typer.Option("--out", metavar="MODEL_DIR", help="Folder of the model; it appears only when it is complete."),
    ],
    reading: CohortOptions,
    seed: Seed = 0,
    settings: Settings = None,
    dp_epsilon: DpEpsilon = None,
    dp_delta: DpDelta = None,
    minutes: Minutes = None,
    device: Device = "auto",
    devices: Annotated[int, typer.Option(min=1, help="Processes on this machine, one per device.")] = 1,
    num_nodes: Annotated[int, typer.Option(min=1, help="Machines; run the same command on each.")] = 1,
    precision: Precision = "auto",
    checkpoint_every: Annotated[int, typer.Option(min=1, metavar="STEPS", help="Steps between checkpoints.")] = 500,
    restart: Annotated[bool, typer.Option("--restart", help="Discard the checkpoint of an unfinished run.")] = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Fit a generator to a cohort and save it.

    Of images with their own splits, only train is used.

    A run that was killed resumes from its checkpoint when the same command is run again: the checkpoint is
    MODEL_DIR.partial until the model is complete.

    For example:

    [bold]cohortsmith fit gse7390 --family diffusion --out model[/bold]

    [bold]cohortsmith fit tumours.h5ad --family vae --label type --subject patient --set steps=3000 --out vae[/bold]

    [bold]cohortsmith fit tp53.fasta --reference NM_000546.6 --family diffusion --out tp53-model[/bold]

    [bold]cohortsmith fit bloodmnist.npz --family vae --set profile=cpu --out blood-model[/bold]

    [bold]cohortsmith fit tumours.h5ad --family diffusion --label type --scale log --dp-epsilon 5 --out private[/bold]
    """
    from cohortsmith.app.config import TrainingPart, checked, parse_settings, with_options
    from cohortsmith.app.pipeline import (
        alarms,
        describe_fit,
        fit_generator,
        remove_checkpoint,
        require_public_reading,
        require_savable,
        save,
        summary,
    )
    from cohortsmith.app.workspace import owned, read_train, require_free
    from cohortsmith.generators import make_generator

    chosen = with_options(parse_settings(settings), dp_epsilon=dp_epsilon, dp_delta=dp_delta, minutes=minutes)
    require_free(out, force=force)
    require_savable(make_generator(family, **chosen))
    training = checked(
        TrainingPart,
        device=device,
        devices=devices,
        num_nodes=num_nodes,
        precision=precision,
        checkpoint_every=checkpoint_every,
    )
    part = reading.part(cohort)
    require_public_reading(part, family, chosen)
    with owned(out):
        train = read_train(part)
        say(f"fitting {family} to {train!r}")
        checkpoint = out.with_name(f"{out.name}.partial")
        if restart:
            remove_checkpoint(checkpoint)
        generator = fit_generator(family, chosen, train, seed=seed, training=training, checkpoint=checkpoint)
        if not is_main_process():
            return
        save(generator, out, force=force)
        remove_checkpoint(checkpoint)
    for alarm in alarms(generator):
        say(alarm)
    if as_json:
        facts = {"model": str(out), "family": family, "seed": seed, "classes": generator.class_counts}
        show_json(facts | summary(generator))
        return
    say(describe_fit(generator))
    result(str(out))


def sample(
    model: Annotated[Path, typer.Argument(metavar="MODEL_DIR", help="Folder that `fit` wrote.")],
    out: OutFile,
    n: Annotated[
        int | None, typer.Option("--n", metavar="N", help="In total, with the class proportions of train.")
    ] = None,
    per_class: Annotated[int | None, typer.Option("--per-class", metavar="N", help="Of each class.")] = None,
    counts: Annotated[str | None, typer.Option("--counts", metavar="A=10,B=5", help="Of each class named.")] = None,
    like_train: Annotated[bool, typer.Option("--like-train", help="As many of each class as in train.")] = False,
    balance: Annotated[
        bool,
        typer.Option("--balance", help="As many per class as balance the real training patients."),
    ] = False,
    between: Annotated[
        str | None,
        typer.Option("--between", metavar="A,B[,C]", help="Latent interpolation from class to class, by a VAE."),
    ] = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Draw virtual patients from a model: exactly as many of each class as asked for.

    The file is streamed, so that a million profiles need little memory. `--balance` balances a population: it
    tops up every smaller class to the size of the largest, to be merged with the real patients. `--between` takes nine
    equal steps from each class to the next (`--n` sets another number); of images, a `.png` shows them in rows.

    For example:

    [bold]cohortsmith sample model --n 1000 --out virtual.parquet[/bold]

    [bold]cohortsmith sample model --counts ER-positive=50,ER-negative=50 --seed 7 --out virtual.csv[/bold]

    [bold]cohortsmith sample tp53-model --per-class 500 --out virtual.fasta.gz[/bold]

    [bold]cohortsmith sample blood-model --per-class 500 --out virtual.npz[/bold]
    """
    from cohortsmith.app.config import parse_counts
    from cohortsmith.app.pipeline import how_many, write_between, write_samples
    from cohortsmith.app.workspace import check_writable
    from cohortsmith.data import DataError
    from cohortsmith.generators import load

    ways = {"--n": n is not None and between is None, "--per-class": per_class is not None,
            "--counts": counts is not None, "--like-train": like_train, "--balance": balance,
            "--between": between is not None}  # fmt: skip
    asked = [name for name, given in ways.items() if given]
    if len(asked) != 1:
        came = " and ".join(asked) or "none"
        raise DataError(f"how many samples? one of {', '.join(ways)} was expected; got {came}")
    wanted = parse_counts(counts) if counts is not None else None
    for option, number in (("--n", n), ("--per-class", per_class)):
        if number is not None and number <= 0:
            raise DataError(f"{option} must be at least 1; got {number}")
    generator = load(model)
    if between is not None:
        names = [name.strip() for name in between.split(",") if name.strip()]
        if out.suffix != ".png":
            check_writable(out, cast("Kind", generator.schema.kind))
        written = write_between(generator, names, n or STEPS, seed, out)
        say(f"{written} samples interpolated from {' to '.join(names)}")
        result(str(out))
        return
    check_writable(out, cast("Kind", generator.schema.kind))
    drawn = write_samples(generator, how_many(generator, n, per_class, wanted, balance), seed, out)
    if as_json:
        show_json({"file": str(out), "samples": sum(drawn.values()), "classes": drawn, "seed": seed})
        return
    say(f"{sum(drawn.values())} samples: " + ", ".join(f"{name} {count}" for name, count in drawn.items()))
    result(str(out))
