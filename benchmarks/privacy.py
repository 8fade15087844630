"""Membership-inference attacks, privacy risks and utility of every family, over several seeds.

Each seed splits the patients 70/30 (BloodMNIST: its own train and test images); every family is fitted on train,
generates as many patients per class as train has (images: `--each`), and is attacked as in `cohortsmith audit`. The
worst attack has the largest AUC of all attacks, spaces and groups of patients. Images kept by
`benchmarks/images.py --samples` need no second fit. TP53: simulated patients, as `benchmarks/sequences.py` has them.
Needs COHORTSMITH_DATA.

  A  tcga_12class_50genes           B  tcga_tumour_normal_3341genes
  C  tcga_mirna_34class_680         demo  gse7390, which `make demo` reads; bloodmnist; tp53
"""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import harness, images, protocols, sequences
from benchmarks.measure import families_of, settings_of, timed_fit, warm_up
from benchmarks.privacy_picture import BLOCK, SHARE, Point, picture
from cohortsmith.app.config.experiment import TrainingPart
from cohortsmith.app.pipeline.feature_extractors import image_models_for
from cohortsmith.data import DataError, read_cohort, split
from cohortsmith.evaluation import Comparison, evaluate
from cohortsmith.evaluation.core.finding import NotEvaluable
from cohortsmith.evaluation.privacy.membership_attacks import Attack, attacks_on, worst
from cohortsmith.evaluation.privacy.risks import risks
from cohortsmith.evaluation.privacy.scoring import WHITE_BOX
from cohortsmith.evaluation.privacy.shadow_models import joined
from cohortsmith.generators import load
from cohortsmith.training import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cohortsmith.data import Cohort
    from cohortsmith.evaluation import ImageModels
    from cohortsmith.evaluation.core.intervals import Interval
    from cohortsmith.generators import Generator

SETS = ("demo", "A", "B", "C", "bloodmnist", "tp53")
BASELINES = ("mvn", "bootstrap")
OF_SEQUENCES = ("pwm", "bootstrap")
FILES = protocols.SETS | {"demo": "gse7390"}
TITLES = {
    "demo": "GSE7390, the cohort of `make demo`",
    "A": "TCGA, 12 classes, 50 genes",
    "B": "TCGA, tumour and normal, 3341 genes",
    "C": "TCGA microRNA, 34 classes, 680 genes",
    "bloodmnist": "BloodMNIST",
    "tp53": "TP53, simulated",
}
RISKS = {"singling_out": "singling out", "linkability": "linkability", "inference": "inference"}
GROUPS = {"all": "all", "rare classes": "rare", "outlying": "outlying", "class": "any class"}
RATE = 0.01
TARGET = (
    f"AUC of the worst attack at most {SHARE:.2f} for release, above {BLOCK:.2f} blocked; TPR at 1 % FPR at most .02; "
    "upper limits of the three risks at most .09; `bootstrap` must fail"
)


def run() -> None:
    """Measure missing rows, print and write the table and the figure."""
    parser = harness.parser(__doc__, "privacy")
    parser.add_argument("--data", choices=SETS, default="A")
    parser.add_argument("--families", default=",".join(harness.NEURAL), help="besides mvn and bootstrap")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--each", type=int, default=600, help="synthetic images per class")
    parser.add_argument(
        "--patients", type=int, default=0, help="of images and sequences: most on either side; 0 is all"
    )
    parser.add_argument(
        "--samples", type=Path, metavar="FOLDER", help="where benchmarks/images.py kept synthetic images"
    )
    parser.add_argument("--models", type=Path, metavar="FOLDER", help="where fitted models are kept, and found again")
    parser.add_argument("--picture", type=Path, metavar="FILE.svg", help="privacy against utility; docs/ with --write")
    args = harness.arguments(parser)
    seeds = [int(seed) for seed in args.seeds.split(",")]
    of_images, of_sequences = args.data in images.FILES, args.data == "tp53"
    baselines = OF_SEQUENCES if of_sequences else BASELINES if of_images else ("copula", *BASELINES)
    families = list(dict.fromkeys([*families_of(args.families), *baselines]))
    cohort = None if of_images or of_sequences else read_cohort(FILES.get(args.data, args.data))
    if cohort is not None:
        for family in families:
            warm_up(family, len(cohort.features))
    image_models = image_models_for("image", TrainingPart()) if of_images else None
    results, rows = harness.Results(args.out), []
    for seed in seeds:  # seed by seed, so that a first table is available early
        train, holdout = split(cohort, seed) if cohort is not None else sides(args.data, args.patients, seed)
        for family in families:
            settings = settings_of(args.settings, family)
            key = {"data": args.data, "family": family, "seed": seed, "settings": settings}
            key |= {"each": args.each} if of_images else {}
            key |= {"patients": args.patients} if args.patients else {}
            kept = images.kept_images(args.samples, args.data, family, seed) if of_images and args.samples else None
            folder = args.models / f"{args.data}-{family}-{seed}" if args.models else None
            draw = partial(sampled, family, settings, train, seed, args.each, folder)
            made = (lambda file=kept: (read_cohort(file), None)) if kept else draw
            rows.append(results.measured(key, partial(measure, made, train, holdout, seed, image_models)))
    text = f"{results_table(families, rows)}\n\n{attacks_table(families, rows)}\n\nTarget: {TARGET}."
    drawn = args.picture or (harness.DOCUMENT.parent / f"privacy-{args.data}.svg" if args.write else None)
    if drawn and any("values" in row for row in rows):
        drawn.write_text(points(args.data, families, rows), encoding="utf-8")
        text += f"\n\n![Privacy against utility]({drawn.name})"
    harness.publish(f"privacy {args.data}", text, rows, seeds=seeds, write=args.write)


def sides(data: str, patients: int, seed: int) -> tuple[Cohort, Cohort]:
    """Train and holdout that come apart already: simulated sequences, or images, at most `patients` of each."""
    if data == "tp53":
        train, holdout = (sequences.simulated(patients or 2000, "built-in", 2 * seed + side) for side in (0, 1))
        return train, holdout
    rng = np.random.default_rng(seed)
    train, holdout = images.cohorts(data)
    if patients:
        train, holdout = (part.take(np.sort(rng.permutation(len(part))[:patients])) for part in (train, holdout))
    return train, holdout


def sampled(
    family: str, settings: dict[str, Any], train: Cohort, seed: int, each: int, folder: Path | None
) -> tuple[Cohort, Generator]:
    """Synthetic cohort with train's class counts, or `each` images per class, and the model it was drawn from."""
    if folder and folder.is_dir():
        generator = load(folder)
    else:
        generator, _ = timed_fit(family, settings, train, seed)
        if folder and generator.savable:
            generator.save(folder)
    counts = train.class_counts()
    wanted = {name: each if train.kind == "image" else n for name, n in counts.items() if n}
    return generator.sample(wanted, seed=seed), generator


def measure(
    made: Callable[[], tuple[Cohort, Generator | None]],
    train: Cohort,
    holdout: Cohort,
    seed: int,
    image_models: ImageModels | None,
) -> dict[str, Any]:
    """Row for one family and seed; with `error` if the family cannot be fitted or attacked."""
    try:
        synthetic, model = made()
        start = time.perf_counter()
        comparison = Comparison(train, holdout, synthetic, image_models=image_models)
        told = model.membership_evidence(joined(train, holdout), seed) if model else {}
        cut = len(train)
        evidence = {(WHITE_BOX, name): (values[:cut], values[cut:]) for name, values in told.items()}
        every = attacks_on(comparison, seed, evidence)
        found = [one for one in every if one.name != WHITE_BOX]
        measured = risks(comparison, seed)
    except (DataError, NotEvaluable, TrainingError) as error:
        return {"error": str(error)}
    seconds = time.perf_counter() - start
    copies = "exact_matches" if train.kind == "sequence" else "exact_copies"
    report = evaluate(train, holdout, synthetic, only=("tstr", copies), seed=seed, image_models=image_models)
    most = worst(found)
    rates = [one.tpr[RATE] for one in found if one.group == "all" and RATE in one.tpr]
    return {
        "audit_seconds": seconds,
        "values": {
            "tstr": report["tstr"].value,
            "exact_copies": report[copies].value,
            "worst": _plain(most.auc),
            "worst_attack": f"{most.name}, {most.group}",
            "groups": _largest((one.group, one.auc) for one in found),
            "attacks": _by_attack(every),
            "tpr": _plain(max(rates)) if rates else None,
            "white_box": max((one.auc.value for one in every if one.name == WHITE_BOX), default=None),
            "risks": {
                name: None if risk.status.startswith("not evaluable") else _plain((risk.value, risk.low, risk.high))
                for name, risk in measured.items()
            },
            "risk_status": {name: risk.status for name, risk in measured.items()},
        },
        "real": {
            "tstr": report["tstr"].reference,
            "exact_copies": report[copies].reference,
            "groups": _largest((one.group, one.control) for one in found if one.control),
        },
    }


def results_table(families: Sequence[str], rows: Sequence[dict[str, Any]]) -> str:
    """Markdown table: real data first, then every family, mean ± standard deviation over seeds.

    For risks, the mean is followed by the largest upper limit over seeds, which the policy uses.
    """
    measured = [row for row in rows if "values" in row]
    real = list({row["seed"]: row["real"] for row in measured}.values())
    spare = [""] * (2 + len(RISKS))
    controls = [harness.spread([one["groups"].get(group) for one in real]) for group in GROUPS]
    most = harness.spread([max(one["groups"].values(), default=None) for one in real])
    tstr, copies = (harness.spread([one[key] for one in real]) for key in ("tstr", "exact_copies"))
    lines = [["real vs real", tstr, most, "", *controls, *spare, copies, ""]]
    for family in families:
        own = [row["values"] for row in measured if row["family"] == family]
        if not own:
            error = next((row["error"] for row in rows if row["family"] == family and "error" in row), "")
            lines.append([family, f"failed: {error}", *[""] * (len(lines[0]) - 2)])
            continue
        lines.append(
            [
                family,
                harness.spread([one["tstr"] for one in own]),
                harness.spread([one["worst"][0] for one in own]),
                "; ".join(dict.fromkeys(one["worst_attack"] for one in own)),
                *(harness.spread([one["groups"].get(group) for one in own]) for group in GROUPS),
                harness.spread([one["tpr"] and one["tpr"][0] for one in own]),
                harness.spread([one.get("white_box") for one in own]),
                *(_risk([one["risks"].get(name) for one in own]) for name in RISKS),
                harness.spread([one["exact_copies"] for one in own]),
                harness.spread([row["audit_seconds"] for row in measured if row["family"] == family], 0),
            ]
        )
    head = [
        "",
        "TSTR",
        "worst attack",
        "which",
        *(f"AUC, {name}" for name in GROUPS.values()),
        "TPR at 1 % FPR",
        "the model itself",
    ]
    return harness.table([*head, *RISKS.values(), "exact copies", "audit s"], lines)


def attacks_table(families: Sequence[str], rows: Sequence[dict[str, Any]]) -> str:
    """Markdown table of each attack's AUC on all patients, mean ± standard deviation over seeds."""
    own = {f: [row["values"]["attacks"] for row in rows if row["family"] == f and "values" in row] for f in families}
    names = list(dict.fromkeys(name for found in own.values() for one in found for name in one))
    lines = [[name, *(harness.spread([one.get(name) for one in own[f]]) for f in families)] for name in names]
    return harness.table(["AUC on all patients", *families], lines)


def points(data: str, families: Sequence[str], rows: Sequence[dict[str, Any]]) -> str:
    """Figure of privacy against utility."""
    measured = [row for row in rows if "values" in row and row["values"]["tstr"] is not None]
    drawn = []
    for family in families:
        own = [row["values"] for row in measured if row["family"] == family]
        if own:
            drawn.append(Point(family, [one["tstr"] for one in own], [one["worst"][0] for one in own]))
    real = [row["real"]["tstr"] for row in measured]
    return picture(drawn, sum(real) / len(real), TITLES[data])


def _risk(found: Sequence[list[float] | None]) -> str:
    there = [one for one in found if one is not None]
    return f"{harness.spread([one[0] for one in there])} (≤ {max(one[2] for one in there):.3f})" if there else "-"


def _largest(found: Iterable[tuple[str, Interval]]) -> dict[str, float]:
    """Largest AUC for each attacked group of patients."""
    by_group: dict[str, float] = {}
    for group, interval in found:
        name = "class" if group.startswith("class ") else group
        by_group[name] = max(by_group.get(name, 0.0), interval.value)
    return by_group


def _by_attack(found: Sequence[Attack]) -> dict[str, float]:
    """Largest AUC of each attack on all patients; of the model, of each kind of evidence."""
    by_attack: dict[str, float] = {}
    for one in found:
        if one.group == "all":
            name = f"{one.name}: {one.space}" if one.name == WHITE_BOX else one.name
            by_attack[name] = max(by_attack.get(name, 0.0), one.auc.value)
    return by_attack


def _plain(interval: Interval | tuple[float, float, float]) -> list[float]:
    return [float(value) for value in interval]


if __name__ == "__main__":
    harness.main(run)
