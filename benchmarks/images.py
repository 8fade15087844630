"""Image families and baselines on the MedMNIST files in COHORTSMITH_DATA, over several seeds.

Each family is fitted on the file's train images, generates a fixed number of images per class, and is evaluated against
the file's test images; all classification results use the same small classifier and number of steps. On an imbalanced
set three further classifiers show the value of synthetic images: trained on real ones only, on synthetic ones only, and
on real ones topped up until every class is as large as the largest.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from sklearn.metrics import f1_score

from benchmarks import harness
from benchmarks.measure import families_of, forget_peak, peak_mb, settings_of, timed_fit
from benchmarks.throughput import training_rate
from cohortsmith.app.config.experiment import TrainingPart
from cohortsmith.app.pipeline.feature_extractors import image_models_for
from cohortsmith.data import DataError, read_cohort, split, write_cohort
from cohortsmith.evaluation import ImageModels, evaluate
from cohortsmith.training import TrainingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data import Cohort

BASELINES = ("mvn", "bootstrap")
FILES = {"bloodmnist": "images/bloodmnist_28.npz", "dermamnist": "images/dermamnist_28.npz"}
COLUMNS = {
    "tstr": "TSTR",
    "tstr_macro_f1": "macro-F1",
    "trts": "recognised",
    "frechet": "Frechet",
    "frechet_fixed": "Frechet, fixed",
    "kernel_distance": "kernel",
    "precision": "precision",
    "recall": "recall",
    "coverage": "coverage",
    "discriminator_auc": "discriminator AUC",
    "power_spectrum": "spectrum",
    "rare_modes": "rare modes",
    "near_copies_pixel": "near copies",
    "gan_leaks_auc": "GAN-leaks",
    "gan_leaks_calibrated_auc": "calibrated",
    "domias_auc": "DOMIAS",
}
TARGETS = {
    "bloodmnist": (
        "diffusion, cpu profile, at most 20 minutes on two cores: TSTR >= .96 x TRTR, blue-stained share within a "
        "factor 2 of the holdout's, recall >= .8 of real-vs-real's, recognised >= .95, attacks <= .55, near copies no "
        "more than the holdout's, 4800 images in at most 33 s; gan, wgan, vae: TSTR >= .85 x TRTR"
    ),
    "dermamnist": "macro-F1 and each class's F1 beside real data's; rare classes with their copies beside their gain",
}


def run() -> None:
    """Measure missing rows, print and write the table."""
    parser = harness.parser(__doc__, "images")
    parser.add_argument("--data", choices=tuple(FILES), default="bloodmnist")
    parser.add_argument("--families", default=",".join(harness.NEURAL), help="besides the baselines")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--each", type=int, default=600, help="synthetic images per class")
    parser.add_argument(
        "--samples",
        type=Path,
        metavar="FOLDER",
        help="keep the synthetic images in this folder, for sheet.py and privacy.py",
    )
    args = harness.arguments(parser)
    seeds = [int(seed) for seed in args.seeds.split(",")]
    families = list(dict.fromkeys([*families_of(args.families), *BASELINES]))
    train, holdout = cohorts(args.data)
    image_models = image_models_for("image", TrainingPart())
    if image_models is None:
        raise TypeError("image metrics need feature extractors")
    results, rows = harness.Results(args.out), []
    for seed in seeds:
        for family in families:
            settings = settings_of(args.settings, family)
            key = {"data": args.data, "each": args.each, "family": family, "seed": seed, "settings": settings}
            kept = args.samples and kept_images(args.samples, args.data, family, seed)
            measured = partial(
                measure, family, settings, train, holdout, seed, args.each, image_models, args.data, kept
            )
            rows.append(results.measured(key, measured))
    table = results_table(families, rows)
    if args.data == "dermamnist":
        table += "\n\n" + classes_table(families, rows)
    harness.publish(
        f"images {args.data}", f"{table}\n\nTarget: {TARGETS[args.data]}.", rows, seeds=seeds, write=args.write
    )


def cohorts(name: str) -> tuple[Cohort, Cohort]:
    """Train and test images of a file in COHORTSMITH_DATA; val images are not used."""
    return split(read_cohort(harness.data_file(FILES[name])), seed=0)


def kept_images(folder: Path, name: str, family: str, seed: int) -> Path:
    """File with the synthetic images of a family and seed."""
    return folder / f"{name}-{family}-{seed}.npz"


def measure(
    family: str,
    settings: dict[str, Any],
    train: Cohort,
    holdout: Cohort,
    seed: int,
    each: int,
    image_models: ImageModels,
    name: str,
    kept: Path | None,
) -> dict[str, Any]:
    """Row for one family and seed; with `error` if the family cannot be fitted to the cohort."""
    forgotten = forget_peak()
    try:
        generator, fit_seconds = timed_fit(family, settings, train, seed)
        start = time.perf_counter()
        synthetic = generator.sample(dict.fromkeys(train.classes, each), seed=seed)
        sample_seconds = time.perf_counter() - start
    except (DataError, TrainingError) as error:
        return {"error": str(error)}
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_cohort(synthetic, kept)
    start = time.perf_counter()
    report = evaluate(train, holdout, synthetic, only=tuple(COLUMNS), seed=seed, image_models=image_models)
    row = {
        "fit_seconds": fit_seconds,
        "sample_seconds": sample_seconds,
        "images_a_second": len(synthetic) / sample_seconds,
        "evaluate_seconds": time.perf_counter() - start,
        "fit_peak_mb": peak_mb() if forgotten else None,
        "summary": {
            key: generator.summary.get(key) for key in ("steps", "profile", "precision", "device", "parameters")
        },
        "alarms": len(generator.summary.get("alarms", [])),
        "values": {estimate.name: estimate.value for estimate in report},
        "real": {estimate.name: estimate.reference for estimate in report},
        "by_class": report["tstr"].detail.get("by_class"),
        "blue": [blue_share(synthetic, holdout.y), blue_share(holdout, holdout.y)] if name == "bloodmnist" else None,
        "machine_share": training_rate(generator, train),
    }
    if name == "dermamnist":
        row["arms"] = arms(train, holdout, synthetic, generator, image_models, seed)
        row["copies_by_class"] = {one["class"]: one for one in report["near_copies_pixel"].detail["by_class"]}
    return row


def blue_share(cohort: Cohort, y: NDArray[np.int64]) -> float:
    """Share of images with a blue background (another stain), classes weighted as in `y`.

    The background is the 85 % quantile of an image's pixels; it is blue if blue minus red exceeds -12. Among real
    images the difference is below -30 or above -12, with 1.5 % in between.
    """
    bright = np.quantile(cohort.x.reshape(len(cohort), -1, 3), 0.85, axis=1)
    blue = bright[:, 2] - bright[:, 0] > -12
    share = np.bincount(y, minlength=len(cohort.classes)) / len(y)
    by_class = [blue[cohort.y == label].mean() if (cohort.y == label).any() else 0.0 for label in range(len(share))]
    return float(share @ by_class)


def arms(
    train: Cohort, holdout: Cohort, synthetic: Cohort, generator: Any, image_models: ImageModels, seed: int
) -> dict[str, dict[str, float]]:
    """F1 per class on the holdout, of classifiers trained on real, synthetic, and topped-up real images."""
    counts = train.class_counts()
    most = max(counts.values())
    wanted = {label: most - count for label, count in counts.items() if most > count}
    extra = generator.sample(wanted, seed=seed + 1000)
    sets = {
        "real": (train.x, train.y),
        "virtual": (synthetic.x, synthetic.y),
        "topped up": (np.concatenate([train.x, extra.x]), np.concatenate([train.y, extra.y])),
    }
    found = {}
    for arm, (x, y) in sets.items():
        said = image_models.learn(x, y, len(train.classes), seed).predict_proba(holdout.x).argmax(1)
        by_class = f1_score(holdout.y, said, average=None, labels=range(len(train.classes)))
        found[arm] = dict(zip(train.classes, by_class.tolist(), strict=True))
    return found


def results_table(families: list[str], rows: list[dict[str, Any]]) -> str:
    """Markdown table: real data first, then every family, mean ± standard deviation over seeds."""
    measured = [row for row in rows if "values" in row]
    real = list({row["seed"]: row["real"] for row in measured}.values())
    blues = [row["blue"] for row in measured if row.get("blue")]

    def line(name: str, figures: list[dict[str, Any]], own: list[dict[str, Any]], blue: list[float]) -> list[str]:
        ratios = [row["values"]["tstr"] / row["real"]["tstr"] for row in own]
        return [
            name,
            *(harness.spread([row[column] for row in figures]) for column in COLUMNS),
            harness.spread(ratios),
            harness.spread(blue, 4),
            *(harness.spread([row[column] for row in own], 0) for column in ("fit_seconds", "images_a_second")),
            harness.spread([row["machine_share"]["images_a_second"] for row in own if row["machine_share"]], 0),
            harness.spread([row["machine_share"]["share_of_peak"] for row in own if row["machine_share"]], 2),
        ]

    lines = [line("real vs real", real, [], [blue[1] for blue in blues[:1]])]
    for family in families:
        own = [row for row in measured if row["family"] == family]
        lines.append(
            line(family, [row["values"] for row in own], own, [row["blue"][0] for row in own if row.get("blue")])
        )
    head = [
        "", *COLUMNS.values(), "TSTR / TRTR", "blue-stained", "fit s", "sampled images/s", "trained images/s",
        "share of peak",
    ]  # fmt: skip
    return harness.table(head, lines)


def classes_table(families: list[str], rows: list[dict[str, Any]]) -> str:
    """Markdown table per class: F1 by arm, gain of topping up over real images only, near copies."""
    measured = [row for row in rows if row.get("arms")]
    lines = []
    for family in families:
        own = [row for row in measured if row["family"] == family]
        for label in own[0]["arms"]["real"] if own else ():
            f1 = {arm: [row["arms"][arm][label] for row in own] for arm in own[0]["arms"]}
            gain = [more - less for more, less in zip(f1["topped up"], f1["real"], strict=True)]
            copies = [row["copies_by_class"][label] for row in own]
            lines.append(
                [f"{family}: {label}", *(harness.spread(values) for values in f1.values()), harness.spread(gain)]
                + [harness.spread([side[which] for side in copies]) for which in ("value", "reference")]
            )
    head = ["", "F1, real", "F1, synthetic", "F1, topped up", "gain", "near copies", "holdout's"]
    return harness.table(head, lines)


if __name__ == "__main__":
    harness.main(run)
