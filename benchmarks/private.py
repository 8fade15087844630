"""Cost of differential privacy: each family at several epsilons, and without privacy, on one cohort over several seeds.

Utility (TSTR), fidelity (discriminator AUC) and the worst attack are reported with the epsilon of the ledger, and with
--canaries also with a lower bound from planted records, in a separate fit. Without privacy mvn and, on expression,
copula are the baselines. Needs COHORTSMITH_DATA.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import harness, images
from benchmarks.measure import families_of, settings_of, timed_fit
from cohortsmith.app.config.experiment import TrainingPart
from cohortsmith.app.pipeline.feature_extractors import image_models_for
from cohortsmith.data import DataError, read_cohort, split
from cohortsmith.evaluation import Comparison, evaluate
from cohortsmith.evaluation.core.finding import NotEvaluable
from cohortsmith.evaluation.privacy.membership_attacks import attacks_on, worst
from cohortsmith.generators.analysis.canaries import audit
from cohortsmith.training import TrainingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cohortsmith.data import Cohort
    from cohortsmith.evaluation import ImageModels

DATA = ("tcga_12class_50genes", *images.FILES)
EPSILONS = (1.0, 5.0, 10.0)
COLUMNS = {"tstr": "TSTR", "discriminator_auc": "discriminator AUC", "worst": "worst attack AUC"}


def run() -> None:
    """Measure missing rows, print and write the table."""
    parser = harness.parser(__doc__, "private")
    parser.add_argument("--data", choices=DATA, default=DATA[0])
    parser.add_argument("--families", default=",".join(harness.NEURAL))
    parser.add_argument("--epsilons", default=",".join(map(str, EPSILONS)), help="0 for no differential privacy")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--each", type=int, default=300, help="synthetic images per class")
    parser.add_argument("--canaries", type=int, default=0, help="records planted for a lower bound on epsilon")
    args = harness.arguments(parser)
    seeds, epsilons = [int(word) for word in args.seeds.split(",")], [float(word) for word in args.epsilons.split(",")]
    of_images = args.data in images.FILES
    image_models = image_models_for("image", TrainingPart()) if of_images else None
    cohort = (
        None if of_images else read_cohort(args.data, scale="linear")
    )  # stated: guessing it would be outside the budget
    baselines = ["mvn"] if of_images else ["mvn", "copula"]
    families = list(dict.fromkeys([*families_of(args.families), *(() if of_images else ["copula"])]))
    cases = [*((family, 0.0) for family in baselines), *((family, e) for family in families for e in epsilons)]
    results, rows = harness.Results(args.out), []
    for seed in seeds:
        train, holdout = images.cohorts(args.data) if cohort is None else split(cohort, seed)
        for family, epsilon in cases:
            settings = settings_of(args.settings, family) | ({"dp_epsilon": epsilon} if epsilon else {})
            key = {"data": args.data, "family": family, "seed": seed, "settings": settings, "canaries": args.canaries}
            counts = dict.fromkeys(train.classes, args.each) if of_images else train.class_counts()
            measured = partial(measure, family, settings, train, holdout, seed, image_models, counts, args.canaries)
            rows.append(results.measured(key, measured) | {"epsilon": epsilon})
    harness.publish(f"private {args.data}", results_table(cases, rows), rows, seeds=seeds, write=args.write)


def measure(
    family: str,
    settings: dict[str, Any],
    train: Cohort,
    holdout: Cohort,
    seed: int,
    image_models: ImageModels | None,
    counts: dict[str, int],
    canaries: int,
) -> dict[str, Any]:
    """Row for one family, epsilon and seed; with `error` if the family cannot be fitted or attacked."""
    try:
        generator, seconds = timed_fit(family, settings, train, seed)
        synthetic = generator.sample({name: n for name, n in counts.items() if n}, seed=seed)
        most = worst(attacks_on(Comparison(train, holdout, synthetic, image_models=image_models), seed))
        planted = canaries and family in harness.NEURAL
        found = audit(family, train, canaries=canaries, seed=seed, **settings) if planted else None
    except (DataError, NotEvaluable, TrainingError) as error:
        return {"error": str(error)}
    report = evaluate(
        train, holdout, synthetic, only=("tstr", "discriminator_auc"), seed=seed, image_models=image_models
    )
    values = {name: report[name].value for name in ("tstr", "discriminator_auc")} | {"worst": most.auc.value}
    spent = generator.summary.get("privacy", {})
    return {
        "fit_seconds": seconds,
        "values": values,
        "worst_attack": f"{most.name}, {most.group}",
        "privacy": {key: spent[key] for key in ("epsilon_spent", "delta", "noise_multiplier", "steps") if key in spent},
        "lower": found.lower if found else None,
    }


def results_table(cases: Sequence[tuple[str, float]], rows: Sequence[dict[str, Any]]) -> str:
    """Markdown table, mean ± standard deviation over seeds."""
    lines = []
    for family, epsilon in cases:
        own = [row for row in rows if (row["family"], row["epsilon"]) == (family, epsilon)]
        whole = [row for row in own if "values" in row]
        name = [family, f"{epsilon:g}" if epsilon else "none"]
        if not whole:
            lines.append([*name, f"failed: {own[0]['error']}" if own else "", *[""] * 5])
            continue
        figures = [harness.spread([row["values"][column] for row in whole]) for column in COLUMNS]
        spent = harness.spread([row["privacy"].get("epsilon_spent") for row in whole], 2)
        noise = harness.spread([row["privacy"].get("noise_multiplier") for row in whole], 2)
        bound = harness.spread([row["lower"] for row in whole], 2)
        lines.append([*name, *figures, spent, bound, noise, harness.spread([row["fit_seconds"] for row in whole], 0)])
    head = ["", "epsilon", *COLUMNS.values(), "spent", "at least (canaries)", "noise", "fit s"]
    return harness.table(head, lines)


if __name__ == "__main__":
    harness.main(run)
