"""`cohortsmith study`: whole studies as one command each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.console import result, show, show_json
from app.options import Blast, Device, Force, Json, OutFolder, Seed

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
    """Learn 20 mutated TP53 sequences and 20 others, and say what 40 patients allow; under two minutes.

    Writes DIR/report.html and DIR/study.json, and a run folder for each family: a discriminator on its own with and
    without activation; a GAN and its discriminator's scores, and the same discriminator against copies and against
    random edits; WGAN, VAE and diffusion beside it; how many of new patients' variants the 40 have never shown.

    Example: [bold]cohortsmith study tp53-founding --out runs/founding[/bold]
    """
    from rich.markup import escape

    from app.blasting import identity_by_blast, require_blastn
    from app.experiment import TrainingPart, checked
    from app.folders import require_free, whole_folder
    from app.founding import carry_out_study
    from app.founding_folder import facts_of, table_of, write_study
    from app.founding_page import sentences

    require_free(out, force=force)
    training = checked(TrainingPart, device=device)
    if blast:
        require_blastn()
    study = carry_out_study(seed, training, variants)
    measured = {name: identity_by_blast(o.synthetic, study.train) for name, o in study.outcomes.items() if blast}
    facts = facts_of(study, measured, seed)
    with whole_folder(out, force=force) as working:
        write_study(working, study, measured, facts, training=training, seed=seed)
    if as_json:
        show_json(facts)
        return
    show(table_of(study, measured))
    for sentence in sentences(study):
        show(escape(sentence))
    result(str(out / "report.html"))
