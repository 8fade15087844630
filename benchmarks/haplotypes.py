"""Linkage and nearness of synthetic haplotypes: sequence families on simulated haplotypes of five populations.

Each seed simulates 10,000 haplotypes of 805 sites; half of them are train, half the holdout. Every family is fitted on
train, with the populations as classes and (`--groups none`) without classes, and generates as many haplotypes.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from benchmarks import harness
from benchmarks.measure import families_of, forget_peak, peak_mb, settings_of, timed_fit
from cohortsmith.data import DataError, simulate
from cohortsmith.evaluation import evaluate
from cohortsmith.training import TrainingError

if TYPE_CHECKING:
    from cohortsmith.data import Cohort

COLUMNS = {
    "adversarial_accuracy_real": "AATS, real",
    "adversarial_accuracy_synthetic": "AATS, synthetic",
    "ld_decay": "LD decay r",
    "mean_r2": "mean r2",
    "frequency_spectrum": "spectrum",
    "allele_correlation": "allele r",
    "linkage": "r2 error",
    "exact_matches": "exact matches",
    "gan_leaks_auc": "attack",
}
TARGET = "AATS both terms within .06 of real vs real, LD decay >= .98, mean r2 within 5 %, fit <= 10 min on two cores"


def run() -> None:
    """Measure missing rows, print and write the table."""
    parser = harness.parser(__doc__, "haplotypes")
    parser.add_argument("--families", default="vlmc,vae,diffusion,pwm,bootstrap")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--haplotypes", type=int, default=5000, help="of train, and of the holdout")
    parser.add_argument("--length", type=int, default=300_000, help="of the region, in bases")
    parser.add_argument("--groups", choices=("populations", "none"), default="populations", help="the classes")
    args = harness.arguments(parser)
    seeds = [int(seed) for seed in args.seeds.split(",")]
    families = families_of(args.families)

    results = harness.Results(args.out)
    rows = []
    for seed in seeds:
        train, holdout = halves(args.haplotypes, seed, args.length, grouped=args.groups == "populations")
        for family in families:
            settings = settings_of(args.settings, family)
            about = {"groups": args.groups, "length": args.length, "n": args.haplotypes}
            key = {**about, "family": family, "seed": seed, "settings": settings}
            rows.append(results.measured(key, partial(measure, family, settings, train, holdout, seed)))
    block = f"haplotypes {args.groups}"
    harness.publish(block, results_table(families, rows), rows, seeds=seeds, write=args.write)


def halves(n: int, seed: int, length: int, *, grouped: bool) -> tuple[Cohort, Cohort]:
    """Train and holdout, `n` haplotypes each, of one simulated region."""
    whole = simulate("simulated-haplotypes", 2 * n, seed, length=length, grouped=grouped)
    return whole.take(np.arange(n)), whole.take(np.arange(n, 2 * n))


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
    report = evaluate(train, holdout, synthetic, only=tuple(COLUMNS), seed=seed)
    return {
        "fit_seconds": fit_seconds,
        "sample_seconds": sample_seconds,
        "fit_peak_mb": peak_mb() if forgotten else None,
        "steps": generator.summary.get("steps"),
        "best_step": generator.summary.get("best_step"),
        "values": {estimate.name: estimate.value for estimate in report},
        "real": {estimate.name: estimate.reference for estimate in report},
    }


def results_table(families: list[str], rows: list[dict[str, Any]]) -> str:
    """Markdown table: real data first, then every family, mean ± standard deviation over seeds."""
    measured = [row for row in rows if "values" in row]
    by_seed = {row["seed"]: row["real"] for row in measured}
    digits = {"ld_decay": 4, "mean_r2": 4, "frequency_spectrum": 4, "allele_correlation": 4, "linkage": 4}

    def line(name: str, figures: list[dict[str, Any]], own: list[dict[str, Any]]) -> list[str]:
        return [
            name,
            *(harness.spread([row[column] for row in figures], digits.get(column, 3)) for column in COLUMNS),
            *(harness.spread([row[column] for row in own], 1) for column in ("fit_seconds", "sample_seconds")),
        ]

    lines = [line("real vs real", list(by_seed.values()), [])]
    for family in families:
        own = [row for row in measured if row["family"] == family]
        lines.append(line(family, [row["values"] for row in own], own))
    head = ["", *COLUMNS.values(), "fit s", "sample s"]
    return f"{harness.table(head, lines)}\n\nTarget for the best family: {TARGET}."


if __name__ == "__main__":
    harness.main(run)
