"""Model card and data card of a released cohort: what it is, whom it was trained on, and what it is not for.

As in Mitchell et al. (2019, Model cards for model reporting, FAT*) and Pushkarna et al. (2022, Data cards, FAccT). A
card is one plain value: written as JSON for programs, and the same value as Markdown for people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cohortsmith.app.workspace import width_of
from cohortsmith.evaluation.core import number, title_of
from cohortsmith.evaluation.html.audit import HEADLINES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cohortsmith.app.release.audit_case import Case
    from cohortsmith.data import Cohort
    from cohortsmith.evaluation.privacy import Audit

FEWEST = 5  # a class with fewer patients is not counted on a card
CARD_METRICS = ("tstr", "trts", "discriminator_auc", "frechet", "correlation", "identity")
NOT_FOR = (
    "decisions about a single person: no virtual patient is a real person",
    "identifying who was in the training data, or linking records to people",
    "estimating the prevalence of rare findings: they are smoothed over or left out",
    "effects and associations that the generator was not evaluated on: confirm them in real patients",
    "training systems for patient care without a test on real patients where they are used",
)
FOR = (
    "developing and testing software, pipelines and analyses",
    "augmenting training data, where a test on real patients shows that it helps",
    "teaching",
)


def model_card(
    case: Case, audit: Audit, summary: Mapping[str, Any], metrics: Mapping[str, Any], *, forced: bool
) -> dict[str, Any]:
    """Card of the generator.

    Args:
        case: what was audited.
        audit: what came of it.
        summary: what the generator told about its fit.
        metrics: the run's `metrics.json`.
        forced: it is released outside the institution although the audit did not pass.
    """
    return {
        "card": "model",
        **_warning(audit, forced),
        "family": case.family,
        "settings": dict(case.settings),
        "seed": case.config.get("seed"),
        "data kind": case.train.kind,
        "learnt from": {
            "patients": _patients(case.train),
            "samples": len(case.train),
            case.train.about.features: width_of(case.train),
            "classes": _counts(case, summary),
        },
        "fit": _plain(summary),
        "differential privacy": dp_of(summary) or "none: privacy rests on the audit alone",
        "figures": {
            title_of(row["name"]): _figure(row)
            for row in metrics.get("metrics", ())
            if row["name"] in CARD_METRICS and row.get("value") is not None
        },
        "audit": _decision(audit),
        "meant for": list(FOR),
        "not for": list(NOT_FOR),
    }


def data_card(case: Case, audit: Audit, summary: Mapping[str, Any], *, forced: bool) -> dict[str, Any]:
    """Card of the virtual patients; arguments as `model_card`."""
    source = str(case.config.get("data", {}).get("cohort", "")).replace("\\", "/").rsplit("/", 1)[-1]
    return {
        "card": "data",
        **_warning(audit, forced),
        "what": f"{len(case.synthetic)} virtual patients ({case.synthetic.kind} data), made by {case.family}",
        "file": case.samples.name,
        case.synthetic.about.features: width_of(case.synthetic),
        "classes": case.synthetic.class_counts(),
        "scale": case.synthetic.scale if case.synthetic.about.scaled else "does not apply",
        "from whom": {
            "cohort": source,
            "training patients": _patients(case.train),
            "unseen patients it was judged on": _patients(case.holdout),
            "classes of the training patients": _counts(case, summary),
        },
        "differential privacy": dp_of(summary) or "none: privacy rests on the audit alone",
        "audit": _decision(audit),
        "meant for": list(FOR),
        "not for": list(NOT_FOR),
        "terms": "Recipients must not try to identify who was in the training data, and must pass this card on.",
    }


def dp_of(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Differential privacy of a fit: epsilon, delta, noise, and what else the generator tells of it; empty for none."""
    told = dict(summary.get("privacy") or {})
    if told:
        told["holds for"] = "model and samples; the audit's figures were counted on real patients without noise"
    return told


def _warning(audit: Audit, forced: bool) -> dict[str, Any]:
    if not forced:
        return {}
    return {"warning": f"Released by force although the audit did not pass. {HEADLINES[audit.outcome]}."}


def markdown(card: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    title = {"model": "Model card", "data": "Data card"}[str(card["card"])]
    lines = [f"# {title}", ""]
    if "warning" in card:
        lines += [f"> **{card['warning']}**", ""]
    for key, value in card.items():
        if key not in ("card", "warning"):
            lines += [f"## {key[:1].upper()}{key[1:]}", "", *_lines(value), ""]
    return "\n".join(lines)


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write `model_card` or `data_card`, as JSON and as Markdown."""
    from cohortsmith.app.workspace import write_json

    write_json(folder / f"{card['card']}_card.json", card)
    (folder / f"{card['card']}_card.md").write_text(markdown(card), encoding="utf-8")


def _decision(audit: Audit) -> dict[str, Any]:
    return {
        "decision": HEADLINES[audit.outcome],
        "policy": audit.policy.name,
        "criteria": {j.criterion.title: f"{j.outcome}: {j.words}" for j in audit.judgements},
        "what it means": "Not a proof of anonymity: attackers with more knowledge or other methods may succeed.",
    }


def _counts(case: Case, summary: Mapping[str, Any]) -> dict[str, int | str] | list[str]:
    """Training samples of each class; under differential privacy their names alone, for the counts are not noisy."""
    counts = {name: n for name, n in case.train.class_counts().items() if n}
    if summary.get("privacy"):
        return list(counts)
    return {name: n if n >= FEWEST else f"fewer than {FEWEST}" for name, n in counts.items()}


def _patients(cohort: Cohort) -> int:
    return len(set(cohort.subjects.tolist()))


def _figure(row: Mapping[str, Any]) -> str:
    return f"{number(row['value'])} (real against real {number(row.get('reference'))})"


def _plain(summary: Mapping[str, Any]) -> dict[str, Any]:
    """What is short enough for a card: no tables."""
    return {
        key.replace("_", " "): value
        for key, value in summary.items()
        if key not in ("settings", "privacy") and not isinstance(value, dict) and len(str(value)) <= 200
    }


def _lines(value: Any) -> list[str]:
    if isinstance(value, dict):
        if not value:
            return ["none"]
        out = []
        for key, item in value.items():
            if isinstance(item, dict):
                out += [f"- {key}", *(f"  - {name}: {_one(part)}" for name, part in item.items())]
            else:
                out.append(f"- {key}: {_one(item)}")
        return out
    if isinstance(value, list):
        return [f"- {_one(item)}" for item in value]
    return [_one(value)]


def _one(value: Any) -> str:
    """A value on one line; what came with the data cannot begin markup of its own."""
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return " ".join(text.split()).replace("<", "&lt;")
