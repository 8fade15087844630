"""Seconds and memory of a whole audit (shadow attack apart) on simulated cohorts.

Train and synthetic (mvn) have as many patients each, a holdout 3/7 as many. Memory is the largest resident memory of
the process while it attacks: libraries and the three cohorts included.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import harness
from benchmarks.measure import forget_peak, peak_mb
from benchmarks.scorecard import cohorts
from cohortsmith.evaluation.privacy.auditing import audit

TARGETS = {"4000x50": "<= 180 s", "20000x1000": "<= 2 GB"}


def run() -> None:
    """Measure what is missing, print and write the table."""
    parser = harness.parser(__doc__, "audit")
    parser.add_argument("--sizes", default=",".join(TARGETS), metavar="PATIENTSxGENES,...")
    parser.add_argument("--seed", type=int, default=0)
    args = harness.arguments(parser)
    results, rows = harness.Results(args.out), []
    audit(*cohorts(200, 20, args.seed), seed=args.seed)  # imports are not what is measured
    for size in args.sizes.split(","):
        patients, genes = (int(number) for number in size.split("x"))
        key = {"size": size, "seed": args.seed}
        rows.append(results.measured(key, partial(measure, patients, genes, args.seed)))
    lines = [
        [row["size"], f"{row['seconds']:.0f}", f"{row['peak_mb'] / 1000:.2f}", str(row["attacks"]), row["decision"]]
        + [TARGETS.get(row["size"], "")]
        for row in rows
    ]
    head = ["patients x genes", "seconds", "peak GB", "attacks", "decision", "target"]
    harness.publish("audit", harness.table(head, lines), rows, seeds=[args.seed], write=args.write)


def measure(patients: int, genes: int, seed: int) -> dict[str, Any]:
    """Row of one size."""
    train, holdout, synthetic = cohorts(patients, genes, seed)
    forget_peak()
    start = time.perf_counter()
    found = audit(train, holdout, synthetic, seed=seed)
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "peak_mb": peak_mb(),
        "attacks": len(found.found.attacks),
        "decision": found.outcome,
    }


if __name__ == "__main__":
    harness.main(run)
