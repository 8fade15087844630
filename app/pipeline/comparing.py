"""Several families on one split, side by side: in the terminal, as JSON and as one page."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cohortsmith.app.config import SamplePart
from cohortsmith.app.pipeline.feature_extractors import image_models_for
from cohortsmith.app.pipeline.pipeline import carry_out, environment, write_outcome
from cohortsmith.app.terminal import comparison_table, say
from cohortsmith.app.workspace import report_duplicates, train_and_holdout, width_of, write_json
from cohortsmith.data import DataError
from cohortsmith.data.io import suffix_like
from cohortsmith.data.suggestions import near_misses
from cohortsmith.evaluation.html import Contender, render_comparison
from cohortsmith.generators import FAMILIES, make_generator
from cohortsmith.training import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from rich.console import Group

    from cohortsmith.app.config import DataPart, TrainingPart
    from cohortsmith.app.pipeline.pipeline import FitOutcome
    from cohortsmith.data import Cohort


# What is compared when no family is named: those that learn the data kind, and its baselines.
DEFAULT_FAMILIES = {
    "expression": ("gan", "wgan", "vae", "diffusion", "copula", "mvn", "bootstrap", "marginals"),
    "sequence": ("gan", "wgan", "vae", "diffusion", "vlmc", "pwm", "bootstrap", "random-edits", "good-turing"),
    "image": ("gan", "wgan", "vae", "diffusion", "mvn", "bootstrap"),
}


@dataclass(frozen=True)
class Compared:
    """A finished comparison: the table for the terminal, and everything as plain values."""

    table: Group
    facts: dict[str, Any]


def compare_families(
    cohort: Cohort,
    families: Sequence[str] | None,
    settings: Mapping[str, Any],
    *,
    part: DataPart,
    training: TrainingPart,
    seed: int,
    only: Sequence[str] | None,
    folder: Path,
    show_patients: bool = False,
) -> Compared:
    """Fit, draw and evaluate each family on one split, and write all of it into `folder`.

    A family that cannot be fitted to this cohort is reported and left out; the others continue. Without names, the
    families of the cohort's data kind are compared.

    Raises:
        DataError: an unknown family, setting or metric, a family of another data kind, a cohort that cannot be split,
            or no family that worked.
    """
    names = DEFAULT_FAMILIES[cohort.kind] if families is None else families
    plans = settings_by_family(names, settings, cohort.kind)
    _refuse_other_kinds(plans, cohort.kind)
    train, holdout = train_and_holdout(cohort, part, seed)
    found = report_duplicates(train, holdout)
    image_models = image_models_for(cohort.kind, training)
    outcomes: dict[str, FitOutcome] = {}
    failures: dict[str, str] = {}
    for family, chosen in plans.items():
        try:
            outcome = carry_out(
                train,
                holdout,
                family=family,
                settings=chosen,
                seed=seed,
                training=training,
                sample=SamplePart(),
                only=only,
                image_models=image_models,
            )
        except (DataError, TrainingError) as error:
            failures[family] = str(error)
            say(f"{family}: failed: {error}")
            continue
        if outcome is None:
            continue
        spent = sum(outcome.report.seconds.values())
        say(f"{family}: fitted in {outcome.fit_seconds:.1f} s, evaluated in {spent:.1f} s")
        config = {"name": family, "seed": seed, "data": asdict(part), "training": asdict(training)}
        config["generator"] = {"family": family, "settings": dict(outcome.generator.settings)}
        place = folder / family
        place.mkdir()
        write_outcome(
            place,
            outcome,
            config=config,
            suffix=suffix_like(part.cohort, cohort.kind),
            title=f"{family} on {_name(part)}",
            show_patients=show_patients,
        )
        outcomes[family] = outcome
    if not outcomes:
        raise DataError(f"no family could be compared; {next(iter(failures))}: {next(iter(failures.values()))}")
    facts = _facts(outcomes, failures, part, seed, train, holdout, found)
    write_json(folder / "comparison.json", facts)
    (folder / "report.html").write_text(_page(outcomes, part, seed, train, holdout), encoding="utf-8")
    title = f"{_name(part)}: {len(train)} train, {len(holdout)} holdout, "
    title += f"{width_of(train)} {train.about.features}, seed {seed}"
    cards = {family: outcome.report.estimates for family, outcome in outcomes.items()}
    seconds = {family: outcome.fit_seconds for family, outcome in outcomes.items()}
    return Compared(comparison_table(cards, failures, seconds, title, train.kind), facts)


def settings_by_family(families: Sequence[str], settings: Mapping[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """Settings of each family from `family.key` (that one) and `key` (every family that has it on this data kind).

    Raises:
        DataError: an unknown family or setting, a family named twice, or none at all.
    """
    if not families:
        raise DataError("--families needs names separated by commas, as in diffusion,mvn")
    if repeated := {family for family in families if families.count(family) > 1}:
        raise DataError(f"--families names {', '.join(sorted(repeated))} more than once")
    known = {family: set(make_generator(family).setting_names(kind)) for family in families}
    plans: dict[str, dict[str, Any]] = {family: {} for family in families}
    for name, value in settings.items():
        family, dot, key = name.rpartition(".")
        if dot and family not in plans:
            raise DataError(f"--set {name}: {family!r} is not among --families{near_misses(family, plans)}")
        takers = [f for f in ([family] if dot else families) if key in known[f]]
        if not takers:
            near = known[family] if dot else set().union(*known.values())
            raise DataError(f"--set {name}: no family here has that setting for {kind} data{near_misses(key, near)}")
        for taker in takers:
            plans[taker][key] = value
    for family, chosen in plans.items():
        make_generator(family, **chosen)
    return plans


def _refuse_other_kinds(families: Iterable[str], kind: str) -> None:
    for family in families:
        if kind not in FAMILIES[family].kinds:
            knowing = ", ".join(DEFAULT_FAMILIES[kind])
            learned = " and ".join(FAMILIES[family].kinds)
            raise DataError(f"--families: {family} learns {learned}, and this cohort is of kind {kind}; use {knowing}")


def _facts(
    outcomes: Mapping[str, FitOutcome],
    failures: Mapping[str, str],
    part: DataPart,
    seed: int,
    train: Cohort,
    holdout: Cohort,
    found: Mapping[str, int],
) -> dict[str, Any]:
    families = [
        {
            "family": family,
            "settings": dict(outcome.generator.settings),
            "fit_seconds": round(outcome.fit_seconds, 3),
            "metrics": outcome.report.to_json()["metrics"],
        }
        for family, outcome in outcomes.items()
    ]
    return {
        "data": asdict(part),
        "seed": seed,
        "sizes": {"train": len(train), "holdout": len(holdout), train.about.features: width_of(train)},
        "duplicates": dict(found),
        "families": families,
        "failed": [{"family": family, "reason": reason} for family, reason in failures.items()],
        "environment": environment(),
    }


def _page(outcomes: Mapping[str, FitOutcome], part: DataPart, seed: int, train: Cohort, holdout: Cohort) -> str:
    rows = [
        Contender(family, outcome.report, f"{family}/report.html", {"Fit, seconds": f"{outcome.fit_seconds:.1f}"})
        for family, outcome in outcomes.items()
    ]
    facts = {
        "Cohort": _name(part),
        "Train": len(train),
        "Holdout": len(holdout),
        train.about.features.capitalize(): width_of(train),
        "Seed": seed,
    }
    return render_comparison(rows, title=f"{_name(part)}: families side by side", facts=facts)


def _name(part: DataPart) -> str:
    return part.cohort.replace("\\", "/").rsplit("/", 1)[-1]
