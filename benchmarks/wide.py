"""Run time and memory of fits on wide data, each in a fresh process.

  cohorts   prostate_singh (12600 probes), breast_colon_chowdary (22283), a simulated microarray (500 x 54675)
  scaling   seconds against 1k..50k genes at 200 simulated patients, with the exponent of genes

Peak memory is that of the whole process: libraries, reading or simulating the cohort, and the fit. Needs
COHORTSMITH_DATA.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks import harness
from benchmarks.measure import families_of, settings_of

MICROARRAY = {"n": 500, "seed": 0, "genes": 54675, "classes": 2, "scale": "linear"}
COHORTS: dict[str, dict[str, Any]] = {
    "prostate_singh": {"source": "prostate_singh_12600probes"},
    "breast_colon_chowdary": {"source": "breast_colon_chowdary_22283probes"},
    "microarray 500 x 54675": {"simulate": MICROARRAY},
}
LIMITS = {"prostate_singh": (60, 3), "breast_colon_chowdary": (60, 3), "microarray 500 x 54675": (300, 8)}
GENES = (1000, 2000, 5000, 10000, 20000, 50000)


def run() -> None:
    """Measure the selected parts, print and write their tables."""
    parser = harness.parser(__doc__, "wide")
    parser.add_argument("--families", default=",".join([*harness.NEURAL, "mvn"]))
    parser.add_argument("--part", choices=("cohorts", "scaling", "all"), default="all")
    parser.add_argument("--genes", default=",".join(map(str, GENES)), help="numbers of genes for the scaling")
    parser.add_argument("--patients", type=int, default=200, help="patients for the scaling")
    parser.add_argument("--seed", type=int, default=0)
    args = harness.arguments(parser)
    families = families_of(args.families)
    results = harness.Results(args.out)

    def fit(family: str, name: str, cohort: dict[str, Any]) -> dict[str, Any]:
        settings = settings_of(args.settings, family)
        key = {"family": family, "cohort": name, "seed": args.seed, "settings": settings}
        return results.measured(key, lambda: harness.fit_apart(family, cohort, settings, args.seed))

    if args.part != "scaling":
        rows = {family: [fit(family, name, cohort) for name, cohort in COHORTS.items()] for family in families}
        head = ["", *(f"{name}: {what}" for name in COHORTS for what in ("s", "peak GB"))]
        lines = [["target", *(f"<= {limit}" for name in COHORTS for limit in LIMITS[name])]]
        lines += [[family, *(cell for row in own for cell in _cells(row))] for family, own in rows.items()]
        flat = [row for own in rows.values() for row in own]
        harness.publish("wide cohorts", harness.table(head, lines), flat, seeds=[args.seed], write=args.write)
    if args.part != "cohorts":
        genes = [int(number) for number in args.genes.split(",")]
        simulated = [{"n": args.patients, "seed": 0, "genes": g, "classes": 2, "scale": "linear"} for g in genes]
        rows = {
            family: [fit(family, f"{s['n']} x {s['genes']}", {"simulate": s}) for s in simulated] for family in families
        }
        head = ["seconds at genes", *(f"{g}" for g in genes), "exponent", "last step's", "target"]
        lines = [
            [family, *(_cells(row)[0] for row in own), *_exponents(genes, own), "near linear (<= 1)"]
            for family, own in rows.items()
        ]
        flat = [row for own in rows.values() for row in own]
        harness.publish("wide scaling", harness.table(head, lines), flat, seeds=[args.seed], write=args.write)


def _cells(row: dict[str, Any]) -> tuple[str, str]:
    if "fit_seconds" not in row:
        return f"failed: {row.get('error', '')}", "-"
    return harness.format_seconds(row["fit_seconds"]), f"{row['peak_mb'] / 1000:.2f}"


def _exponents(genes: list[int], rows: list[dict[str, Any]]) -> tuple[str, str]:
    """Slope of log seconds on log genes: least squares over all, and between the two largest.

    Work independent of genes (training on a low-rank code) flattens the first; the second shows the asymptote.
    """
    points = [(g, row["fit_seconds"]) for g, row in zip(genes, rows, strict=True) if "fit_seconds" in row]
    if len(points) < 2:
        return "-", "-"
    x, y = np.log(np.array(points, dtype=float)).T
    return f"{np.polyfit(x, y, 1)[0]:.2f}", f"{(y[-1] - y[-2]) / (x[-1] - x[-2]):.2f}"


if __name__ == "__main__":
    harness.main(run)
