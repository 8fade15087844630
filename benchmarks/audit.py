"""Run time and memory of a complete audit (without the shadow-model attack) on simulated cohorts.

Train and synthetic (mvn) cohorts have the same size, the holdout 3/7 of it. Memory is the peak resident memory of the
process during the attacks, including libraries and the three cohorts.
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
    """Measure missing rows, print and write the table."""
    parser = harness.parser(__doc__, "audit")
    parser.add_argument("--sizes", default=",".join(TARGETS), metavar="PATIENTSxGENES,...")
    parser.add_argument("--seed", type=int, default=0)
    args = harness.arguments(parser)
    results, rows = harness.Results(args.out), []
    audit(*cohorts(200, 20, args.seed), seed=args.seed)  # so that imports are not measured
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
    """Row for one size."""
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
