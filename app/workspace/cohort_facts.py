"""A cohort in figures: sizes, classes, scale or reference, duplicates; never a patient's value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cohortsmith.data import duplicates
from cohortsmith.data.kinds import EXPRESSION, IMAGE, SEQUENCE
from cohortsmith.data.nucleotides import GAP, MASKED, SYMBOLS
from cohortsmith.data.splits import SPLIT, SPLITS

if TYPE_CHECKING:
    from cohortsmith.data import Cohort

_SHOWN = 12  # names of genes in a description
_TOLD = ("source", "label", "subject", "imputed", "constant_genes")


def facts_of(cohort: Cohort) -> dict[str, Any]:
    """Figures of a cohort by name, as plain values."""
    covariates = {str(c): f"({int(cohort.obs[c].isna().sum())} missing)" for c in cohort.obs.columns}
    about = FACTS.get(cohort.kind, _duplicates)(cohort)
    return (
        {
            "kind": cohort.kind,
            "samples": len(cohort),
            "patients": len(np.unique(cohort.subjects)),
            "features": len(cohort.features),
            **({cohort.about.columns: _named(cohort.features)} if cohort.about.measured else {}),
            "classes": cohort.class_counts(),
            **about,
            "covariates": covariates or "none",
            "digest": cohort.digest(),
        }
        | {key: cohort.provenance[key] for key in _TOLD if cohort.provenance.get(key) is not None}
        | _warnings(cohort)
    )


def _named(names: tuple[str, ...]) -> str:
    """Names in one line: all of a few, else the first and the last."""
    if len(names) <= _SHOWN:
        return ", ".join(names)
    return f"{', '.join(names[: _SHOWN - 2])}, ... {len(names) - _SHOWN} more ..., {', '.join(names[-2:])}"


def _warnings(cohort: Cohort) -> dict[str, Any]:
    told = cohort.provenance.get("warnings")
    return {"warnings": list(told)} if told else {}


def _duplicates(cohort: Cohort) -> dict[str, Any]:
    found = duplicates(cohort)
    return {"exact_duplicates": len(found.exact), "near_duplicates": len(found.near)}


def _expression(cohort: Cohort) -> dict[str, Any]:
    known = {"stated": "stated", "file": "recorded in the file", "values": "detected"}
    how = known.get(str(cohort.provenance.get("scale_from")), "")
    return {
        "scale": cohort.scale,
        **({"scale_from": how} if how else {}),
        "zeros": f"{float(np.mean(cohort.x == 0)):.1%}",
        **_duplicates(cohort),
    }


def _images(cohort: Cohort) -> dict[str, Any]:
    """Size, splits, and pictures that stand twice: in the whole cohort, and in train and test of the file's split."""
    facts: dict[str, Any] = {
        "pixels": cohort.features[0],
        "resized_from": cohort.provenance.get("resized", "no"),
        **_duplicates(cohort),
    }
    if SPLIT in cohort.obs:
        side = cohort.obs[SPLIT].to_numpy()
        facts["splits"] = {name: int((side == name).sum()) for name in SPLITS}
        facts["in_train_and_test"] = str(duplicates(cohort.take(side == "train"), cohort.take(side == "test")))
    return facts


def _sequences(cohort: Cohort) -> dict[str, Any]:
    """Positions of sequences on their reference, and how many vary; never how many patients vary at one."""
    symbols = sum((cohort.x == code).any(axis=0).astype(np.int64) for code in range(SYMBOLS))
    on_reference = [name for name in cohort.features if "+" not in name]
    masked = int((cohort.x == MASKED).sum())
    return {
        "reference": cohort.provenance.get("reference") or "none",
        "positions": f"{on_reference[0]} to {on_reference[-1]}" if on_reference else "none",
        "insertion_columns": len(cohort.features) - len(on_reference),
        "variable_positions": int((np.asarray(symbols) > 1).sum()),
        "gaps": f"{float(np.mean(cohort.x == GAP)):.2%}",
        "masked": masked,
        "sequences_with_masked": int((cohort.x == MASKED).any(axis=1).sum()),
        "distinct_sequences": len(np.unique(cohort.x, axis=0)),
    }


FACTS = {EXPRESSION: _expression, SEQUENCE: _sequences, IMAGE: _images}
"""Facts shown of each data kind; of another one, duplicates."""
