"""The folder of a founding study: its figures as JSON, its curves, a run folder for each family, one page."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cohortsmith.app.founding.page import page, sentences
from cohortsmith.app.founding.study import last
from cohortsmith.app.pipeline import environment, write_outcome
from cohortsmith.app.terminal import comparison_table
from cohortsmith.app.workspace import write_json, write_json_lines
from cohortsmith.data import write_cohort

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rich.console import Group

    from cohortsmith.app.config import TrainingPart
    from cohortsmith.app.founding.study import Study

NAME = "tp53-founding"


def study_facts(study: Study, blast: Mapping[str, float], seed: int) -> dict[str, Any]:
    """The study's figures as plain values; its curves stand in files of their own."""
    families = []
    for family, outcome in study.outcomes.items():
        entry: dict[str, Any] = {
            "family": family,
            "settings": dict(outcome.generator.settings),
            "fit_seconds": round(outcome.fit_seconds, 3),
            "alarms": list(outcome.generator.summary.get("alarms", ())),
            "metrics": outcome.report.to_json()["metrics"],
        }
        if family in blast:
            entry["blastn_identity"] = round(blast[family], 4)
        families.append(entry)
    return {
        "study": NAME,
        "data": {"cohort": NAME},
        "seed": seed,
        "sizes": {"train": len(study.train), "new": len(study.new), "positions": len(study.train.features)},
        "sentences": sentences(study),
        "unseen": study.unseen.to_json(),
        "alone": {name: rows[-1] for name, rows in study.alone.items()},
        "duels": {
            name: {key: last(rows, key) for key in ("d_real", "d_fake", "js")} for name, rows in study.duels.items()
        },
        "families": families,
        "seconds": round(study.seconds, 1),
        "environment": environment(),
    }


def study_table(study: Study, blast: Mapping[str, float]) -> Group:
    """Families side by side, for the terminal."""
    cards = {family: outcome.report.estimates for family, outcome in study.outcomes.items()}
    seconds = {family: outcome.fit_seconds for family, outcome in study.outcomes.items()}
    title = f"{NAME}: {len(study.train)} train, {len(study.new)} new patients, {len(study.train.features)} positions"
    extra = {"blastn\nidentity": {family: f"{value:.2f}" for family, value in blast.items()}} if blast else {}
    return comparison_table(cards, {}, seconds, title, study.train.kind, extra)


def write_study(
    folder: Path,
    study: Study,
    blast: Mapping[str, float],
    facts: Mapping[str, Any],
    *,
    training: TrainingPart,
    seed: int,
) -> None:
    """Fill the folder of the study."""
    write_json(folder / "study.json", dict(facts))
    curves = {"alone": study.alone, "duel": study.duels}
    rows = [
        {"curve": kind, "of": name, **row}
        for kind, histories in curves.items()
        for name, history in histories.items()
        for row in history
    ]
    write_json_lines(folder / "curves.jsonl", rows)
    write_cohort(study.train, folder / "train.fasta")
    for family, outcome in study.outcomes.items():
        config = {"name": f"{NAME} {family}", "seed": seed, "data": {"cohort": NAME}, "training": asdict(training)}
        config["generator"] = {"family": family, "settings": dict(outcome.generator.settings)}
        place = folder / family
        place.mkdir()
        write_outcome(place, outcome, config=config, suffix=".fasta", title=f"{family} on {NAME}")
    (folder / "report.html").write_text(page(study, blast, seed), encoding="utf-8")
