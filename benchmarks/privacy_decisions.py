"""How often an audit decides, and how often it accuses the innocent, by the number of patients.

Patients of protocol A are drawn anew for every repeat. Honest: a Gaussian per class (`mvn`) fitted on as many OTHER
patients, so that nothing can leak; copies: `bootstrap` of the training patients. Each repeat is split 70/30 and audited
as it is and, with --folds, in folds. Needs COHORTSMITH_DATA.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks import harness
from cohortsmith.data import read_cohort, split
from cohortsmith.evaluation.privacy import audit, fit_folds
from cohortsmith.generators import make_generator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cohortsmith.data import Cohort

CLASSES = 4  # of protocol A, the largest, so that a small draw has patients of each


def run() -> None:
    """Measure missing rows and print the table."""
    parser = harness.parser(__doc__, "privacy_decisions")
    parser.add_argument("--sizes", default="200,400,800")
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--folds", type=int, default=0)
    parser.add_argument("--releases", default="honest,copies")
    parser.add_argument("--first", type=int, default=0)
    args = harness.arguments(parser)
    results = harness.Results(args.out)
    cohort = read_cohort("tcga_12class_50genes")
    largest = np.argsort([-n for n in cohort.class_counts().values()])[:CLASSES]
    cohort = cohort.take(np.isin(cohort.y, largest))
    for size in (int(one) for one in args.sizes.split(",")):
        for repeat in range(args.first, args.first + args.repeats):
            for release in args.releases.split(","):
                key = {"size": size, "repeat": repeat, "release": release, "folds": args.folds}
                results.measured(key, partial(_one, cohort, size, repeat, release, args.folds))
    seeds = sorted({r["repeat"] for r in results.rows})
    harness.publish("privacy decisions", _table(results.rows), results.rows, seeds=seeds[:1], write=args.write)


def _one(cohort: Cohort, size: int, repeat: int, release: str, folds: int) -> dict[str, Any]:
    rng = np.random.default_rng([repeat, size])
    people = np.unique(cohort.subjects)
    chosen = rng.permutation(people)[: 2 * size]
    real, others = (cohort.take(np.isin(cohort.subjects, part)) for part in (chosen[:size], chosen[size:]))
    train, holdout = split(real, repeat)
    source, family = (others, "mvn") if release == "honest" else (train, "bootstrap")
    counts = {name: n for name, n in train.class_counts().items() if n}
    made = make_generator(family).fit(source, seed=repeat, to_save=False).sample(counts, seed=repeat)
    apart = None
    if folds:
        draw = partial(_innocent, others) if release == "honest" else _copies
        apart = fit_folds(train, holdout, draw, folds=folds, seed=repeat)
    done = audit(train, holdout, made, seed=repeat, folds=apart)
    return {
        "decision": done.outcome,
        "worst": done.worst.auc.value if done.worst else None,
        "criteria": {j.criterion.name: j.outcome for j in done.judgements},
    }


def _innocent(others: Cohort, cohort: Cohort, counts: Mapping[str, int], seed: int) -> Cohort:
    return make_generator("mvn").fit(others, seed=seed, to_save=False).sample(dict(counts), seed=seed)


def _copies(cohort: Cohort, counts: Mapping[str, int], seed: int) -> Cohort:
    return make_generator("bootstrap").fit(cohort, seed=seed).sample(dict(counts), seed=seed)


def _table(rows: list[dict[str, Any]]) -> str:
    lines = []
    for release, folds, size in sorted({(r["release"], r["folds"], r["size"]) for r in rows}):
        own = [r for r in rows if (r["release"], r["folds"], r["size"]) == (release, folds, size)]
        counts = [sum(r["decision"] == word for r in own) for word in ("pass", "fail", "not evaluable")]
        failing: dict[str, int] = {}
        for r in own:
            for name, outcome in r["criteria"].items():
                if outcome == "fail":
                    failing[name] = failing.get(name, 0) + 1
        why = ", ".join(f"{name} {n}" for name, n in failing.items()) or "-"
        lines.append([release, str(folds or "-"), str(size), str(len(own)), *map(str, counts), why])
    head = ["release", "folds", "patients", "repeats", "pass", "fail", "undecided", "criteria that failed"]
    return harness.table(head, lines)


if __name__ == "__main__":
    harness.main(run)
