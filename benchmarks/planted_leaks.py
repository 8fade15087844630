"""Leaks planted on purpose, and what the audit says of each: caught, or the largest leak that it does not exclude.

Expression: 1400 training and 600 unseen patients of protocol A; the rows that leak stand among those of an honest
Gaussian (`mvn`) fitted on other patients, or replace them all. Images: 1150 training images of BloodMNIST, altered.
Sequences: copies of simulated TP53 carriers with further edits. Needs COHORTSMITH_DATA.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd
from scipy.ndimage import affine_transform

from benchmarks import harness
from cohortsmith.data import Cohort, read_cohort, simulate
from cohortsmith.data.scale import log_expression
from cohortsmith.evaluation.privacy import audit
from cohortsmith.generators import make_generator

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Plant = Callable[[Cohort, Cohort, np.random.Generator], Cohort]

TRAIN, UNSEEN = 1400, 600


def run() -> None:
    """Measure missing rows and print the table."""
    parser = harness.parser(__doc__, "planted_leaks")
    parser.add_argument("--kinds", default="expression,image,sequence")
    args = harness.arguments(parser)
    results = harness.Results(args.out)
    for kind in args.kinds.split(","):
        train, holdout, honest = _SIDES[kind]()
        for name, plant in _PLANTS[kind].items():
            results.measured({"kind": kind, "leak": name}, partial(_one, train, holdout, honest, plant))
    rows = []
    for r in results.rows:
        failing = ", ".join(r["failing"]) or "-"
        rows.append([r["kind"], r["leak"], r["decision"], f"{r['worst']:.3f}", failing, f"{r['not_excluded']:.3f}"])
    head = ["data", "planted", "decision", "worst AUC", "criteria that fail", "AUC not excluded"]
    harness.publish("planted leaks", harness.table(head, rows), results.rows, seeds=[0], write=args.write)


def _one(train: Cohort, holdout: Cohort, honest: Cohort, plant: Plant) -> dict[str, Any]:
    made = _renamed(plant(train, honest, np.random.default_rng(0)))
    done = audit(train, holdout, made, seed=0)
    everybody = [a.joint.high for a in done.found.attacks if a.group == "all"]
    return {
        "decision": done.outcome,
        "worst": done.worst.auc.value if done.worst else float("nan"),
        "failing": [j.criterion.name for j in done.judgements if j.outcome == "fail"],
        "not_excluded": max(everybody),
    }


def _renamed(cohort: Cohort) -> Cohort:
    ids = np.asarray([f"virtual-{i}" for i in range(len(cohort))])
    return replace(cohort, subjects=ids, obs=pd.DataFrame(index=pd.Index(ids, name="sample_id")))


def _by_patient(cohort: Cohort, sizes: tuple[int, int, int]) -> tuple[Cohort, Cohort, Cohort]:
    """Three parts of a cohort of so many patients each, drawn at random, none in two."""
    people = np.random.default_rng(0).permutation(np.unique(cohort.subjects))
    one, two, three = np.split(people[: sum(sizes)], np.cumsum(sizes)[:-1])
    train, holdout, others = (cohort.take(np.isin(cohort.subjects, part)) for part in (one, two, three))
    return train, holdout, others


def _expression() -> tuple[Cohort, Cohort, Cohort]:
    linear = read_cohort("tcga_12class_50genes")
    cohort = replace(linear, x=log_expression(linear), provenance={**linear.provenance, "scale": "log"})
    train, holdout, others = _by_patient(cohort, (TRAIN, UNSEEN, TRAIN))
    counts = {name: n for name, n in train.class_counts().items() if n}
    return train, holdout, make_generator("mvn").fit(others, seed=0, to_save=False).sample(counts, seed=0)


def _mixed(honest: Cohort, rows: Cohort) -> Cohort:
    """Honest rows, as many as there are leaking ones exchanged for these."""
    x = np.concatenate([np.asarray(honest.x[len(rows) :], dtype=rows.x.dtype), rows.x])
    y = np.concatenate([honest.y[len(rows) :], rows.y])
    return replace(rows, x=x, y=y, subjects=y.astype(str), obs=pd.DataFrame(index=pd.RangeIndex(len(y)).astype(str)))


def _noisy(share: float, part: float, train: Cohort, honest: Cohort, rng: np.random.Generator) -> Cohort:
    rows = train.take(np.sort(rng.permutation(len(train))[: round(part * len(train))]))
    noise = share * train.x.std(axis=0) * rng.standard_normal(rows.x.shape)
    return _mixed(_shuffled(honest, rng), replace(rows, x=(rows.x + noise).astype(np.float32)))


def _shuffled(cohort: Cohort, rng: np.random.Generator) -> Cohort:
    return cohort.take(rng.permutation(len(cohort)))


def _bootstrap(train: Cohort, honest: Cohort, rng: np.random.Generator) -> Cohort:
    return train.take(rng.integers(0, len(train), len(train)))


def _smote(train: Cohort, honest: Cohort, rng: np.random.Generator) -> Cohort:
    x = train.x.copy()
    for label in np.unique(train.y):
        own = np.flatnonzero(train.y == label)
        other = rng.permutation(own)
        share = rng.random((len(own), 1))
        x[own] = share * train.x[own] + (1 - share) * train.x[other]
    return replace(train, x=x)


def _halves(train: Cohort, honest: Cohort, rng: np.random.Generator) -> Cohort:
    x = train.x.copy()
    genes = rng.permutation(x.shape[1])[: x.shape[1] // 2]
    for label in np.unique(train.y):
        own = np.flatnonzero(train.y == label)
        x[np.ix_(own, genes)] = train.x[np.ix_(rng.permutation(own), genes)]
    return replace(train, x=x)


def _rare(train: Cohort, honest: Cohort, rng: np.random.Generator) -> Cohort:
    counts = np.bincount(train.y)
    rarest = int(np.where(counts > 0, counts, counts.max()).argmin())
    kept = honest.take(np.flatnonzero(honest.y != rarest))
    return _joined(kept, train.take(np.flatnonzero(train.y == rarest)))


def _outlying(train: Cohort, honest: Cohort, rng: np.random.Generator) -> Cohort:
    means = np.stack([train.x[train.y == label].mean(axis=0) for label in range(len(train.classes))])
    far = (((train.x - means[train.y]) / train.x.std(axis=0)) ** 2).sum(axis=1)
    return _mixed(_shuffled(honest, rng), train.take(np.sort(np.argsort(-far)[: len(train) // 100])))


def _joined(one: Cohort, other: Cohort) -> Cohort:
    x, y = np.concatenate([one.x, other.x]), np.concatenate([one.y, other.y])
    return replace(other, x=x, y=y, subjects=y.astype(str), obs=pd.DataFrame(index=pd.RangeIndex(len(y)).astype(str)))


def _changed(change: Callable[[NDArray[Any]], NDArray[Any]]) -> Plant:
    return lambda train, honest, rng: replace(train, x=change(train.x.astype(np.float64)).astype(np.float32))


_EXPRESSION: dict[str, Plant] = {
    "nothing (honest)": lambda train, honest, rng: honest,
    "bootstrap": _bootstrap,
    **{f"all rows, noise of {share:.0%} sd": partial(_noisy, share, 1.0) for share in (0.01, 0.1, 0.25, 0.5, 0.75)},
    **{f"{part:.1%} of rows copied": partial(_noisy, 0.0, part) for part in (0.005, 0.01, 0.02, 0.05, 0.1)},
    **{f"{part:.1%} of rows, noise of 10% sd": partial(_noisy, 0.1, part) for part in (0.005, 0.01, 0.02, 0.05, 0.1)},
    "SMOTE: between two patients of a class": _smote,
    "half the genes of each of two patients": _halves,
    "the rarest class copied": _rare,
    "the 1 % most outlying copied": _outlying,
    "all rows, a monotone change": _changed(lambda x: np.sign(x) * np.abs(x) ** 1.3),
    "all rows, scaled by 1.2": _changed(lambda x: 1.2 * x),
    "all rows, rounded to 0.5": _changed(lambda x: np.round(x * 2) / 2),
    "all rows, shifted by 1": _changed(lambda x: x + 1),
}


def _images() -> tuple[Cohort, Cohort, Cohort]:
    cohort = read_cohort("bloodmnist_28")
    return _by_patient(cohort, (1150, 500, 1150))


def _altered(degrees: float, zoom: float, gains: tuple[float, ...], train: Cohort, *_: Any) -> Cohort:
    turn = np.deg2rad(degrees)
    matrix = np.asarray([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) / zoom
    middle = (np.asarray(train.x.shape[1:3]) - 1) / 2
    x = np.empty(train.x.shape, dtype=np.float64)
    for i, image in enumerate(train.x.astype(np.float64)):
        for channel in range(image.shape[-1]):
            offset = middle - matrix @ middle
            x[i, ..., channel] = affine_transform(image[..., channel], matrix, offset, order=1, mode="nearest")
    return replace(train, x=np.clip(np.rint(x * np.asarray(gains)), 0, 255).astype(np.uint8))


_PLAIN = (1.0, 1.0, 1.0)
_IMAGES: dict[str, Plant] = {
    "nothing (other real images)": lambda train, others, rng: others,
    "all images turned by 45 degrees": partial(_altered, 45, 1.0, _PLAIN),
    "all images zoomed by 1.15": partial(_altered, 0, 1.15, _PLAIN),
    "all images recoloured": partial(_altered, 0, 1.0, (0.85, 1.1, 0.95)),
    "all images turned, zoomed and recoloured": partial(_altered, 45, 1.15, (0.85, 1.1, 0.95)),
}


def _sequences() -> tuple[Cohort, Cohort, Cohort]:
    cohort = simulate("tp53-cohort", 2400, seed=0)
    return _by_patient(cohort, (900, 600, 900))


def _edited(edits: int, train: Cohort, others: Cohort, rng: np.random.Generator) -> Cohort:
    x = train.x.copy()
    for row in x:
        for place in rng.permutation(len(row))[:edits]:
            row[place] = (row[place] + 1 + rng.integers(0, 3)) % 4 if row[place] < 4 else row[place]
    return replace(train, x=x)


_SEQUENCES: dict[str, Plant] = {
    "nothing (other real sequences)": lambda train, others, rng: others,
    **{f"all sequences, {edits} further edits": partial(_edited, edits) for edits in (1, 3, 6, 12)},
}

_SIDES = {"expression": _expression, "image": _images, "sequence": _sequences}
_PLANTS = {"expression": _EXPRESSION, "image": _IMAGES, "sequence": _SEQUENCES}


if __name__ == "__main__":
    harness.main(run)
