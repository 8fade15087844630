"""Run time of the complete scorecard, compared with SDMetrics' QualityReport in the same run.

Simulated log2 cohorts: train and synthetic (mvn) of the same size, and a holdout of 3/7 of it. The scorecard only at
5000 x 1000; at 1000 x 100 also QualityReport, on the same train and synthetic tables.
"""

from __future__ import annotations

import sys
import time
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pandas as pd

from benchmarks import harness
from cohortsmith.data import simulate
from cohortsmith.evaluation import evaluate
from cohortsmith.generators import MVN

if TYPE_CHECKING:
    from cohortsmith.data import Cohort

TABLE, LABEL = "patients", "class"


def run() -> None:
    """Measure, print and write the table."""
    parser = harness.parser(__doc__, "scorecard")
    parser.add_argument("--large", default="5000x1000", metavar="PATIENTSxGENES")
    parser.add_argument("--small", default="1000x100", metavar="PATIENTSxGENES")
    parser.add_argument("--seed", type=int, default=0)
    args = harness.arguments(parser)
    results = harness.Results(args.out)

    # A minimal scorecard first, so that lazy imports are not measured.
    evaluate(*cohorts(60, 20, args.seed), seed=args.seed)
    rows = []
    for size, peer in ((args.small, True), (args.large, False)):
        patients, genes = (int(number) for number in size.split("x"))
        key = {"size": size, "seed": args.seed}
        rows.append(results.measured(key, partial(measure, patients, genes, args.seed, peer=peer)))
    small, large = rows
    lines = [
        [f"scorecard, {args.large}", f"{large['seconds']:.1f}", str(large["metrics"]), "<= 60 s at 5000 x 1000"],
        [f"scorecard, {args.small}", f"{small['seconds']:.1f}", str(small["metrics"]), ""],
        [f"SDMetrics QualityReport, {args.small}", _peer(small), "2 properties", ""],
    ]
    slowest = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in large["slowest"].items())
    text = harness.table(["", "seconds", "figures", "target"], lines) + f"\n\nSlowest at {args.large}: {slowest}."
    harness.publish("scorecard", text, rows, seeds=[args.seed], write=args.write)


def cohorts(patients: int, genes: int, seed: int) -> tuple[Cohort, Cohort, Cohort]:
    """Train, holdout and synthetic cohorts of one simulation."""
    whole = simulate("simulated-expression", patients + patients * 3 // 7, seed=seed, genes=genes, scale="log")
    rows = range(len(whole))  # simulated patients are in random order
    train, holdout = whole.take(rows[:patients]), whole.take(rows[patients:])
    return train, holdout, MVN().fit(train, seed=seed).sample(patients, seed=seed)


def measure(patients: int, genes: int, seed: int, *, peer: bool) -> dict[str, Any]:
    """Row for one size: seconds of `evaluate`, its slowest metrics, and optionally of QualityReport."""
    train, holdout, synthetic = cohorts(patients, genes, seed)
    start = time.perf_counter()
    report = evaluate(train, holdout, synthetic, seed=seed)
    seconds = time.perf_counter() - start
    slowest = dict(sorted(report.seconds.items(), key=lambda item: -item[1])[:5])
    row: dict[str, Any] = {"seconds": seconds, "metrics": sum(e.ok for e in report), "slowest": slowest}
    return row | ({"quality_report_seconds": quality_report(train, synthetic)} if peer else {})


def quality_report(train: Cohort, synthetic: Cohort) -> float | None:
    """Seconds of SDMetrics' QualityReport (column shapes and pair trends); None if SDMetrics is not installed."""
    try:
        from sdmetrics.reports import QualityReport
    except ImportError:
        return None
    real, made = (
        pd.DataFrame(cohort.x.astype(float), columns=list(cohort.features)).assign(**{LABEL: cohort.labels})
        for cohort in (train, synthetic)
    )
    columns = {gene: {"sdtype": "numerical"} for gene in train.features} | {LABEL: {"sdtype": "categorical"}}
    metadata = {"tables": {TABLE: {"columns": columns}}, "relationships": []}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        QualityReport().generate({TABLE: real}, {TABLE: made}, metadata, verbose=False)
        return time.perf_counter() - start


def _peer(row: dict[str, Any]) -> str:
    seconds = row["quality_report_seconds"]
    return "SDMetrics is not installed" if seconds is None else f"{seconds:.1f}"


if __name__ == "__main__":
    harness.main(run)
