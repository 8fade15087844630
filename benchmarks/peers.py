"""Fitting time compared with SDV's synthesizers on the same cohorts in the same run, each fit in a fresh process.

Simulated log2 expression, 1000 patients, 3 classes, 100 to 978 genes (978: the L1000 landmark genes). A peer that
exceeds --timeout is stopped and reported as "more than".
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import harness
from benchmarks.measure import families_of, settings_of

PEERS = ("sdv-gaussiancopula", "sdv-tvae", "sdv-ctgan")
AGAINST = "sdv-ctgan"
TARGET = "at least 50 x at 978 genes"


def run() -> None:
    """Measure missing rows, print and write the table."""
    parser = harness.parser(__doc__, "peers")
    parser.add_argument("--families", default=",".join([*harness.NEURAL, "mvn"]))
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--genes", default="100,400,978")
    parser.add_argument("--patients", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=10, help="of CTGAN and TVAE (their default is 300)")
    parser.add_argument("--timeout", type=float, default=3600, help="seconds before a fit is stopped")
    parser.add_argument("--seed", type=int, default=0)
    args = harness.arguments(parser)
    genes = [int(number) for number in args.genes.split(",")]
    families = families_of(f"{args.families},{args.peers}")
    results = harness.Results(args.out)

    rows: dict[str, list[dict[str, Any]]] = {family: [] for family in families}
    for number in genes:
        cohort = {"simulate": {"n": args.patients, "seed": 0, "genes": number, "scale": "log"}}
        for family in families:
            if family in PEERS:
                settings = {"epochs": args.epochs} if family != "sdv-gaussiancopula" else {}
            else:
                settings = settings_of(args.settings, family)
            key = {
                "family": family,
                "patients": args.patients,
                "genes": number,
                "seed": args.seed,
                "settings": settings,
            }
            found = results.find(**key, machine=harness.machine())
            if found and found.get("more_than", args.timeout) < args.timeout:
                key["timeout"] = args.timeout  # a longer timeout: measure again
            fit = partial(harness.fit_apart, family, cohort, settings, args.seed, args.timeout)
            rows[family].append(results.measured(key, fit))
    head = [f"fit s at {args.patients} patients", *(f"{number} genes" for number in genes), "target"]
    lines = []
    for family, own in rows.items():
        against = rows.get(AGAINST, [{}] * len(own)) if family not in PEERS else [{}] * len(own)
        cells = [_cell(row, other) for row, other in zip(own, against, strict=True)]
        lines.append(
            [family if family not in PEERS else _named(family, args.epochs), *cells, "" if family in PEERS else TARGET]
        )
    flat = [row for own in rows.values() for row in own]
    note = f"\n\nIn brackets: how many times faster than {AGAINST}."
    harness.publish("peers", harness.table(head, lines) + note, flat, seeds=[args.seed], write=args.write)


def _named(family: str, epochs: int) -> str:
    return family if family == "sdv-gaussiancopula" else f"{family}, {epochs} epochs"


def _cell(row: dict[str, Any], other: dict[str, Any]) -> str:
    if "more_than" in row:
        return f"more than {row['more_than']:.0f}"
    if "error" in row:
        return f"failed: {row['error']}"
    seconds = row["fit_seconds"]
    shown = harness.format_seconds(seconds)
    if "fit_seconds" in other:
        return f"{shown} ({other['fit_seconds'] / seconds:.0f} x)"
    return f"{shown} (> {other['more_than'] / seconds:.0f} x)" if "more_than" in other else shown


if __name__ == "__main__":
    harness.main(run)
