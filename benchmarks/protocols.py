"""Fidelity, utility and privacy of every family on real cohorts, over several seeds.

Each seed splits the patients 70/30, stratified and by patient; every family is fitted on train, generates as many
patients per class as train has, and is evaluated against the holdout. Needs COHORTSMITH_DATA.

  A  tcga_12class_50genes           B  tcga_tumour_normal_3341genes           C  tcga_mirna_34class_680
"""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import harness
from benchmarks.measure import families_of, forget_peak, peak_mb, settings_of, timed_fit, warm_up
from cohortsmith.data import DataError, read_cohort, split
from cohortsmith.evaluation import evaluate
from cohortsmith.generators import SDV
from cohortsmith.training import TrainingError

if TYPE_CHECKING:
    from cohortsmith.data import Cohort

SETS = {"A": "tcga_12class_50genes", "B": "tcga_tumour_normal_3341genes", "C": "tcga_mirna_34class_680"}
BASELINES = ("copula", "mvn", "bootstrap", "marginals")
PEERS: dict[str, dict[str, Any]] = {
    "sdv-gaussiancopula": {},
    "sdv-tvae": {"epochs": 100},
    "sdv-ctgan": {"epochs": 100},
}
ATTACKS = ("gan_leaks_auc", "gan_leaks_calibrated_auc", "domias_auc")
METRICS = ("tstr", "discriminator_auc", "correlation", *ATTACKS, "exact_copies", "dcr_share")
COLUMNS = {
    "tstr": "TSTR",
    "discriminator_auc": "discriminator AUC",
    "correlation": "correlation",
    "gan_leaks_auc": "GAN-Leaks",
    "gan_leaks_calibrated_auc": "calibrated",
    "domias_auc": "DOMIAS",
    "worst_attack_auc": "worst attack",
    "exact_copies": "exact copies",
    "dcr_share": "DCR share",
}
MUST_FAIL = {"bootstrap": "must fail privacy", "marginals": "must fail fidelity"}
TARGETS = {
    "A": {
        "diffusion": "TSTR >= .930, AUC <= .60, worst attack <= .55, fit <= 90 s",
        "wgan": "TSTR >= .90, AUC <= .80",
        "vae": "TSTR >= .90, AUC <= .80",
        "gan": "TSTR >= .88",
    },
    "B": {"diffusion": "TSTR >= .90, AUC <= .65"},
    "C": {"diffusion": "TSTR >= .88, AUC <= .70"},
}


def run() -> None:
    """Measure missing rows, print and write the table."""
    parser = harness.parser(__doc__, "protocols")
    parser.add_argument("--protocol", choices=SETS, required=True)
    parser.add_argument("--families", default=",".join(harness.NEURAL), help="besides mvn, bootstrap and marginals")
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--sdv", action="store_true", help="SDV's GaussianCopula, and TVAE and CTGAN of 100 epochs")
    args = harness.arguments(parser)
    seeds = [int(seed) for seed in args.seeds.split(",")]
    families = list(dict.fromkeys([*families_of(args.families), *BASELINES, *(PEERS if args.sdv else ())]))

    results = harness.Results(args.out)
    cohort = read_cohort(SETS[args.protocol])
    harness.say(f"{cohort!r}\nseeds: {args.seeds}")
    rows = []
    for family in families:
        warm_up(family, len(cohort.features))
    for seed in seeds:  # seed by seed, so that a first table is available early
        train, holdout = split(cohort, seed)
        for family in families:
            settings = PEERS.get(family, {}) | settings_of(args.settings, family)
            key = {"protocol": args.protocol, "family": family, "seed": seed, "settings": settings}
            rows.append(results.measured(key, partial(measure, family, settings, train, holdout, seed)))
    text = results_table(args.protocol, families, rows)
    harness.publish(f"protocols {args.protocol}", text, rows, seeds=seeds, write=args.write)


def measure(family: str, settings: dict[str, Any], train: Cohort, holdout: Cohort, seed: int) -> dict[str, Any]:
    """Row for one family and seed; with `error` if the family cannot be fitted to the cohort."""
    forgotten = forget_peak()
    try:
        generator, fit_seconds = timed_fit(family, settings, train, seed)
        fit_peak = peak_mb() if forgotten else None
        start = time.perf_counter()
        counts = {name: n for name, n in train.class_counts().items() if n}
        # SDV may never generate some class, so it is sampled as SDV's users do, without class counts.
        if isinstance(generator, SDV):
            synthetic = generator.sample_as_drawn(len(train), seed)
        else:
            synthetic = generator.sample(counts, seed=seed)
        sample_seconds = time.perf_counter() - start
    except (DataError, TrainingError) as error:
        return {"error": str(error)}
    start = time.perf_counter()
    report = evaluate(train, holdout, synthetic, only=METRICS, seed=seed)
    values = {estimate.name: estimate.value for estimate in report}
    real = {estimate.name: estimate.reference for estimate in report}
    for figures in (values, real):
        attacks = [value for name in ATTACKS if (value := figures[name]) is not None]
        figures["worst_attack_auc"] = max(attacks) if attacks else None
    return {
        "fit_seconds": fit_seconds,
        "sample_seconds": sample_seconds,
        "evaluate_seconds": time.perf_counter() - start,
        "fit_peak_mb": fit_peak,
        "device": generator.summary.get("device", "cpu"),
        "values": values,
        "real": real,
    }


def results_table(protocol: str, families: list[str], rows: list[dict[str, Any]]) -> str:
    """Markdown table: real data first, then every family, mean ± standard deviation over seeds."""
    targets = TARGETS[protocol] | MUST_FAIL
    measured = [row for row in rows if "values" in row]
    by_seed = {row["seed"]: row["real"] for row in measured}  # the same for all families of a seed
    real = ["real vs real", *(harness.spread([r[c] for r in by_seed.values()]) for c in COLUMNS), "", "", "", ""]
    lines = [real]
    for family in families:
        own = [row for row in measured if row["family"] == family]
        if not own:
            error = next((row["error"] for row in rows if row["family"] == family and "error" in row), "")
            lines.append([family, f"failed: {error}", *("" for _ in range(len(COLUMNS) + 3))])
            continue
        asked = sum(row["family"] == family for row in rows)
        lines.append(
            [
                family if len(own) == asked else f"{family} ({len(own)} of {asked} seeds; others failed)",
                *(harness.spread([row["values"][column] for row in own]) for column in COLUMNS),
                harness.spread([row["fit_seconds"] for row in own], 1),
                harness.spread([row["sample_seconds"] for row in own], 2),
                harness.spread([row["fit_peak_mb"] for row in own], 0),
                targets.get(family, ""),
            ]
        )
    return harness.table(["", *COLUMNS.values(), "fit s", "sample s", "peak MB", "target"], lines)


if __name__ == "__main__":
    harness.main(run)
