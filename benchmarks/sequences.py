"""Sequence families and baselines on simulated TP53 cohorts, over several seeds.

Each seed simulates a train and a holdout cohort (2000 patients each, half of them mutated, substitutions only); every
family is fitted on train, generates as many patients per class, and is evaluated against the holdout. Variants are
drawn from the built-in law or, with `--law table`, from the table of real variant counts in COHORTSMITH_DATA, which
also shows which novel variants are real.
"""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import harness
from benchmarks.measure import families_of, forget_peak, peak_mb, settings_of, timed_fit
from cohortsmith.data import DataError, simulate
from cohortsmith.data.sequences.reference import TP53
from cohortsmith.data.sequences.variant_table import read_variant_table
from cohortsmith.evaluation import evaluate
from cohortsmith.training import TrainingError

if TYPE_CHECKING:
    from cohortsmith.data import Cohort
    from cohortsmith.data.sequences.variants import Variant

BASELINES = ("pwm", "bootstrap", "random-edits", "good-turing")
TABLE = "sequences/tp53_tcga_variant_counts.tsv"
COLUMNS = {
    "called_class": "called = requested",
    "discriminator_auc": "discriminator AUC",
    "discriminator_auc_linear": "linear one",
    "allele_correlation": "allele r",
    "kmer_js_6": "6-mer JS",
    "exact_matches": "exact matches",
    "attack_auc_unique": "attack on unique carriers",
    "ti_tv": "ti/tv",
    "nonsense_share": "nonsense",
    "identity": "identity %",
    "novel_variants": "novel variants",
}
TARGET = (
    "best family: called >= .97, AUC <= .55, allele r >= .99, 6-mer JS <= .001, exact matches within .05 of the "
    "holdout's, attack <= .60, ti/tv within 10 %, nonsense within .02, fit <= 5 min"
)


def run() -> None:
    """Measure missing rows, print and write the table."""
    parser = harness.parser(__doc__, "sequences")
    parser.add_argument("--families", default=",".join(harness.NEURAL), help="besides the baselines")
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--patients", type=int, default=2000, help="of train, and of the holdout")
    parser.add_argument("--law", choices=("built-in", "table"), default="built-in", help="where variants come from")
    args = harness.arguments(parser)
    seeds = [int(seed) for seed in args.seeds.split(",")]
    families = list(dict.fromkeys([*families_of(args.families), *BASELINES]))

    results = harness.Results(args.out)
    rows = []
    for seed in seeds:  # seed by seed, so that a first table is available early
        train, holdout = (simulated(args.patients, args.law, 2 * seed + side) for side in (0, 1))
        for family in families:
            settings = settings_of(args.settings, family)
            key = {"law": args.law, "n": args.patients, "family": family, "seed": seed, "settings": settings}
            rows.append(results.measured(key, partial(measure, family, settings, train, holdout, seed)))
    harness.publish(f"sequences {args.law}", results_table(families, rows), rows, seeds=seeds, write=args.write)


def simulated(n: int, law: str, seed: int) -> Cohort:
    """Patients of the preset tp53-cohort."""
    folder = os.environ.get("COHORTSMITH_DATA")
    if law == "table" and not folder:
        raise DataError(f"--law table needs COHORTSMITH_DATA, the folder that contains {TABLE}")
    options = {"table": Path(folder) / TABLE} if law == "table" and folder else {}
    return simulate("tp53-cohort", n, seed, **options)


def published() -> frozenset[Variant]:
    """Variants of the table, if available."""
    folder = os.environ.get("COHORTSMITH_DATA")
    return frozenset(read_variant_table(Path(folder) / TABLE, TP53)) if folder else frozenset()


def measure(family: str, settings: dict[str, Any], train: Cohort, holdout: Cohort, seed: int) -> dict[str, Any]:
    """Row for one family and seed; with `error` if the family cannot be fitted to the cohort."""
    forgotten = forget_peak()
    try:
        generator, fit_seconds = timed_fit(family, settings, train, seed)
        start = time.perf_counter()
        synthetic = generator.sample(train.class_counts(), seed=seed)
        sample_seconds = time.perf_counter() - start
    except (DataError, TrainingError) as error:
        return {"error": str(error)}
    start = time.perf_counter()
    report = evaluate(train, holdout, synthetic, only=tuple(COLUMNS), seed=seed, known_variants=published())
    details = {estimate.name: estimate.detail for estimate in report}
    return {
        "fit_seconds": fit_seconds,
        "sample_seconds": sample_seconds,
        "evaluate_seconds": time.perf_counter() - start,
        "fit_peak_mb": peak_mb() if forgotten else None,
        "steps": generator.summary.get("steps"),
        "values": {estimate.name: estimate.value for estimate in report},
        "real": {estimate.name: estimate.reference for estimate in report},
        "novel_but_real": details["novel_variants"].get("real"),
    }


def results_table(families: list[str], rows: list[dict[str, Any]]) -> str:
    """Markdown table: real data first, then every family, mean ± standard deviation over seeds."""
    measured = [row for row in rows if "values" in row]
    by_seed = {row["seed"]: row["real"] for row in measured}
    digits = {"kmer_js_6": 5, "identity": 3, "allele_correlation": 4, "ti_tv": 2}

    def line(name: str, figures: list[dict[str, Any]], own: list[dict[str, Any]]) -> list[str]:
        return [
            name,
            *(harness.spread([row[column] for row in figures], digits.get(column, 3)) for column in COLUMNS),
            harness.spread([row["novel_but_real"] for row in own], 2),
            *(harness.spread([row[column] for row in own], 1) for column in ("fit_seconds", "sample_seconds")),
        ]

    lines = [line("real vs real", list(by_seed.values()), [])]
    for family in families:
        own = [row for row in measured if row["family"] == family]
        lines.append(line(family, [row["values"] for row in own], own))
    head = ["", *COLUMNS.values(), "of these real", "fit s", "sample s"]
    return f"{harness.table(head, lines)}\n\nTarget for the {TARGET}."


if __name__ == "__main__":
    harness.main(run)
