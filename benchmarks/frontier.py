"""How much a generator of expression keeps, against how much it gives away: a frontier over `leak`, and each family.

On each cohort and seed `copula` is fitted at several limits of its own attack, and the families at their defaults.
Attacks from outside: covariance, covariance within classes, and the Gaussian of the class, each with half of the
holdout as the patients that the attacker knows; the largest AUC on all patients, and the largest in one class. Small
cohorts are those that nobody here had tuned on. Needs COHORTSMITH_DATA.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import harness
from benchmarks.measure import families_of, timed_fit, warm_up
from benchmarks.privacy_picture import Point, picture
from cohortsmith.data import DataError, read_cohort, split
from cohortsmith.evaluation import Comparison, evaluate
from cohortsmith.evaluation.core.finding import NotEvaluable
from cohortsmith.evaluation.privacy.membership_attacks import attacks_on
from cohortsmith.training import TrainingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cohortsmith.data import Cohort

SETS = {
    "A": "tcga_12class_50genes",
    "B": "tcga_tumour_normal_3341genes",
    "C": "tcga_mirna_34class_680",
    "brca": "tcga_brca_260genes",
    "golub": "leukemia_golub_7129probes",
    "singh": "prostate_singh_12600probes",
    "gordon": "lung_gordon_12533probes",
    "chowdary": "breast_colon_chowdary_22283probes",
    "gse7390": "gse7390",
}
ATTACKS = ("covariance", "covariance_within", "class_gaussian")
METRICS = (
    "tstr",
    "discriminator_auc",
    "discriminator_auc_linear",
    "row_features_auc",
    "tight_pairs",
    "impossible_values",
)
COLUMNS = ("attack", "attack in a class", *METRICS, "fit s")
REAL = "real vs real"


def run() -> None:
    """Measure missing rows, print and write the table and the picture."""
    parser = harness.parser(__doc__, "frontier")
    parser.add_argument("--data", choices=SETS, required=True)
    parser.add_argument("--families", default="copula,diffusion,vae,mvn,bootstrap")
    parser.add_argument("--leaks", default="0.53,0.56,0.58,0.65,0.75,off", help="limits at which copula is fitted, too")
    parser.add_argument("--seeds", default="0")
    args = harness.arguments(parser)
    seeds = [int(word) for word in args.seeds.split(",")]
    cases: list[tuple[str, dict[str, Any]]] = [(family, {}) for family in families_of(args.families)]
    cases += [("copula", {"leak": word if word == "off" else float(word)}) for word in args.leaks.split(",") if word]
    cohort, results, rows = read_cohort(SETS[args.data]), harness.Results(args.out), []
    for family, _ in cases:
        warm_up(family, len(cohort.features))
    for seed in seeds:
        train, holdout = split(cohort, seed)
        for family, settings in cases:
            key = {"data": args.data, "family": family, "seed": seed, "settings": settings}
            rows.append(results.measured(key, partial(measure, family, settings, train, holdout, seed)))
    text = results_table(cases, rows)
    if args.write:
        drawn = harness.DOCUMENT.parent / f"frontier-{args.data}.svg"
        drawn.write_text(frontier(args.data, cases, rows), encoding="utf-8")
        text += f"\n\n![What is kept against what is given away]({drawn.name})"
    harness.publish(f"frontier {args.data}", text, rows, seeds=seeds, write=args.write)


def measure(family: str, settings: dict[str, Any], train: Cohort, holdout: Cohort, seed: int) -> dict[str, Any]:
    """Row for one family, its settings and a seed; with `error` if it cannot be fitted."""
    try:
        generator, seconds = timed_fit(family, settings, train, seed)
        synthetic = generator.sample(train.class_counts(), seed=seed)
        release = generator.sample(max(2 * len(train), 2000), seed=seed + 1)
        found = [one for one in attacks_on(Comparison(train, holdout, release), seed) if one.name in ATTACKS]
        report = evaluate(train, holdout, synthetic, only=METRICS, seed=seed)
    except (DataError, NotEvaluable, TrainingError) as error:
        return {"error": str(error)}
    attacks = [max((one.auc.value for one in found if one.group == "all"), default=None)]
    attacks += [max((one.auc.value for one in found if one.group.startswith("class ")), default=None)]
    real = [max((one.control.value for one in found if one.group == "all" and one.control), default=None)]
    real += [max((one.control.value for one in found if one.group.startswith("class ") and one.control), default=None)]
    return {
        "values": [*attacks, *(report[name].value for name in METRICS), seconds],
        "real": [*real, *(report[name].reference for name in METRICS), None],
        "kept": generator.summary.get("keeps", {}),
        "best_step": generator.summary.get("best_step"),
    }


def named(family: str, settings: dict[str, Any]) -> str:
    """A case in words."""
    return family + (f", leak {settings['leak']}" if settings else "")


def results_table(cases: Sequence[tuple[str, dict[str, Any]]], rows: Sequence[dict[str, Any]]) -> str:
    """Markdown table, mean ± standard deviation over seeds."""
    whole = [row for row in rows if "values" in row]
    by_seed = {row["seed"]: row["real"] for row in whole}
    lines = [[REAL, *(harness.spread(list(column)) for column in zip(*by_seed.values(), strict=True)), "", ""]]
    for family, settings in cases:
        own = [row for row in whole if (row["family"], row["settings"]) == (family, settings)]
        if not own:
            error = next((row["error"] for row in rows if row["family"] == family and "error" in row), "")
            lines.append([named(family, settings), f"failed: {error}", *[""] * (len(COLUMNS) + 1)])
            continue
        figures = [harness.spread(list(column)) for column in zip(*(row["values"] for row in own), strict=True)]
        kept = "; ".join(dict.fromkeys(row["kept"].get("detail", "") for row in own))
        idle = "adds nothing" if all(row["best_step"] == 0 for row in own) and family != "copula" else ""
        lines.append([named(family, settings), *figures, kept, idle])
    return harness.table(
        ["", *(name.replace("_", " ") for name in COLUMNS), "kept of the covariance", "network"], lines
    )


def frontier(data: str, cases: Sequence[tuple[str, dict[str, Any]]], rows: Sequence[dict[str, Any]]) -> str:
    """SVG of utility against the attack on all patients."""
    points = []
    for family, settings in cases:
        own = [
            row["values"] for row in rows if "values" in row and (row["family"], row["settings"]) == (family, settings)
        ]
        if own and all(None not in row[:3] for row in own):
            points.append(Point(named(family, settings), [row[2] for row in own], [row[0] for row in own]))
    real = next(row["real"][2] for row in rows if "real" in row)
    return picture(points, real, f"What is kept against what is given away: {data}")


if __name__ == "__main__":
    harness.main(run)
