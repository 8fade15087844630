"""The founding studies of classifiers as grids: medical images (2025) and transcriptomes (2021)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cohortsmith.app.config import Grid, GridData, require_name
from cohortsmith.app.founding.figures import IMAGES_2025, MOCO_PLUS
from cohortsmith.data import DataError
from cohortsmith.data.io import stem_of
from cohortsmith.data.suggestions import near_misses

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cohortsmith.app.config import TrainingPart

REFERENCE = "supervised"  # whose margins the founding studies reported
IMAGES = "images-2025"
TRANSCRIPTOME = "transcriptome-2021"
_IMAGE_PRESETS = {"cpu": "images-2025-cpu", "gpu": "images-2025"}
_PRETEXTS = ("simclr", "moco", "aim", "mae")
_ON_REQUEST = ("moco34-bf", "moco34-bnf", "simclr-small-cnn")
_FUSIONS = {
    "FSM": ["simclr-bnf", "moco-bnf"],
    "FAA": ["aim-bnf", "mae-bnf"],
    "FSAAM": ["simclr-bnf", "aim-bnf", "mae-bnf", "moco-bnf"],
}
# Share of the patients that the founding study tested on: 1,000 of 6,464, and 5,000 of 27,887.
_TESTED = {"tcga-2021": 0.155, "microarray-2021": 0.18}
_GENE_PRETEXTS = ("contrastive", "vime", "scarf", "subtab")
MASK_SHARES = (0.01, 0.03, 0.1, 0.2, 0.4, 0.7, 1.0)


def image_classifiers(preset: str) -> dict[str, dict[str, Any]]:
    """Classifiers of the study on images, by name, those that only `--classifiers` asks for last.

    Two references are not the study's: a plain network that is hard to beat, and the backbone of the contrastive
    pretexts that is fine-tuned like them but starts from nothing, which tells the pretext from the recipe after it.
    Whether a pretext adds to the first, `simclr-small-cnn` tells.

    Args:
        preset: cpu or gpu.

    Raises:
        DataError: another one.
    """
    from cohortsmith.ssl_models import PRESETS

    base = {"preset": _one_of("--preset", preset, _IMAGE_PRESETS)}
    made: dict[str, dict[str, Any]] = {REFERENCE: dict(base), "small-cnn": {"preset": "small-cnn"}}
    made["scratch"] = {**base, **_after_pretext(base["preset"], "simclr")}
    for frozen, suffix in (("all", "bf"), (0, "bnf")):
        made |= {f"{name}-{suffix}": {**base, "pretext": name, "frozen": frozen} for name in _PRETEXTS}
    deeper = {"backbone": "resnet34", "backbone_settings": _backbone_settings(base["preset"], "moco")}
    made |= {f"moco34-{suffix}": made[f"moco-{suffix}"] | deeper for suffix in ("bf", "bnf")}
    settings = PRESETS[_IMAGE_PRESETS["cpu"]].by_pretext["simclr"]["pretext_settings"]
    return made | {"simclr-small-cnn": {**made["small-cnn"], "pretext": "simclr", "pretext_settings": settings}}


def images_grid(
    sources: Sequence[str],
    *,
    preset: str,
    labelled: Sequence[int | float | str] = ("full", "quarter"),
    seeds: int = 3,
    classifiers: Sequence[str] = (),
    unlabelled: str | None = None,
    training: TrainingPart,
) -> Grid:
    """Grid of the 2025 study: supervised, four pretexts with the backbone frozen (BF) or not (BNF), three fusions.

    Args:
        sources: image cohorts, files or named sets.
        preset: cpu or gpu.
        labelled: patients whose class is known; pretexts see all of train.
        seeds: repetitions.
        classifiers: names of `image_classifiers`; those of the founding table when none is named.
        unlabelled: file of more images that pretexts see, whose classes are not read (MoCo-Plus).
        training: where to train.

    Raises:
        DataError: unknown names, or cohorts of one name.
    """
    known = image_classifiers(preset)
    chosen = _chosen(known, classifiers or [name for name in known if name not in _ON_REQUEST])
    fusions = {name: members for name, members in _FUSIONS.items() if set(members) <= set(chosen)}
    data = {name: GridData(source, extra_unlabelled=unlabelled) for name, source in _named(sources).items()}
    return _grid(IMAGES, data, chosen, labelled, seeds, training, fusions)


def transcriptome_classifiers(preset: str, *, mask_sizes: bool = False) -> dict[str, dict[str, Any]]:
    """Classifiers of the study on transcriptomes, by name.

    Args:
        preset: tcga-2021 or microarray-2021.
        mask_sizes: instead of all ways of learning, masked prediction and contrast by the share of genes masked.

    Raises:
        DataError: another preset.
    """
    _one_of("--preset", preset, _TESTED)
    base = {"preset": preset}
    made: dict[str, dict[str, Any]] = {REFERENCE: dict(base)}
    if mask_sizes:
        for pretext, shares in (("masked", MASK_SHARES), ("contrastive", MASK_SHARES[:-1])):
            for share in shares:
                settings = {"mask_share": share}
                made[f"{pretext}-{share:g}"] = {**base, "pretext": pretext, "pretext_settings": settings}
        return made
    for frozen in range(4):
        made[f"masked-{frozen}-frozen"] = {**base, "pretext": "masked", "frozen": frozen}
    for weight in (0.1, 1.0, 10.0):
        made[f"masked-lambda-{weight:g}"] = {**base, "pretext": "masked", "consistency": weight}
    return made | {name: {**base, "pretext": name} for name in _GENE_PRETEXTS}


def transcriptome_grid(
    sources: Sequence[str],
    *,
    preset: str,
    labelled: Sequence[int | float | str] = (50, 100, 200, 500, 1000, "full"),
    seeds: int = 3,
    classifiers: Sequence[str] = (),
    mask_sizes: bool = False,
    label: str | None = None,
    subject: str | None = None,
    training: TrainingPart,
) -> Grid:
    """Grid of the 2021 study: the supervised reference curve, and what patients without labels add to it.

    Args:
        sources: expression cohorts, files or named sets.
        preset: tcga-2021 or microarray-2021.
        labelled: patients whose class is known; pretexts see all of train.
        seeds: repetitions.
        classifiers: names of `transcriptome_classifiers`; all of them when none is named.
        mask_sizes: compare shares of masked genes instead.
        label: column of the class.
        subject: column of the patient.
        training: where to train.

    Raises:
        DataError: unknown names, or cohorts of one name.
    """
    known = transcriptome_classifiers(preset, mask_sizes=mask_sizes)
    tested = _TESTED[preset]
    data = {
        name: GridData(source, label=label, subject=subject, holdout=tested) for name, source in _named(sources).items()
    }
    return _grid(TRANSCRIPTOME, data, _chosen(known, classifiers or list(known)), labelled, seeds, training, {})


def images_facts(grid: Grid, preset: str) -> dict[str, Any]:
    """What the page of the study on images says beside its figures: the founding ones."""
    extra = any(part.extra_unlabelled for part in grid.data.values())
    return {
        "title": "The founding study on medical images (2025)",
        "about": {"Preset": preset, **({"More unlabelled images": "yes"} if extra else {})},
        "published": images_published(extra),
    }


def images_published(extra: bool = False) -> dict[str, Any]:
    """Figures of the study on images, as `cohortsmith.evaluation.html.study.tables.published_table` reads them.

    Args:
        extra: whether MoCo saw more unlabelled images, so that it stands beside MoCo-Plus.
    """
    rows = [row for row in IMAGES_2025 if not (extra and row["classifier"] == "moco-bnf")] + MOCO_PLUS * extra
    return {
        "source": "2025",
        "note": "The study of 2025 beside this one. Its train, validation and test are other images of the same "
        "collections, so margins compare, figures do not."
        + (" MoCo with more unlabelled images stands beside its MoCo-Plus." if extra else ""),
        "over": REFERENCE,
        "rows": rows,
    }


def transcriptome_facts(preset: str) -> dict[str, Any]:
    """What the page of the study on transcriptomes says beside its figures."""
    return {
        "title": "The founding study on transcriptomes (2021)",
        "about": {"Preset": preset, "Found in 2021": "nothing beat the supervised reference for few labels"},
    }


def short_name(source: str) -> str:
    """Short name of a cohort: blood of bloodmnist_28.npz, else the file's own.

    Raises:
        DataError: a name that could not be part of a file's name.
    """
    try:
        stem = stem_of(source)
    except DataError:
        stem = source.rstrip("/").rpartition("/")[2]
    found = re.match(r"([a-z]+)mnist(_\d+)?$", stem)
    name = found[1] if found else stem
    require_name(name, source)
    return name


def _named(sources: Sequence[str]) -> dict[str, str]:
    names = [short_name(source) for source in sources]
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"two cohorts are called {name}; give each one once, or rename a file")
    return dict(zip(names, sources, strict=True))


def _grid(
    name: str,
    data: dict[str, GridData],
    classifiers: dict[str, dict[str, Any]],
    labelled: Sequence[int | float | str],
    seeds: int,
    training: TrainingPart,
    fusions: dict[str, list[str]],
) -> Grid:
    return Grid(
        data=data,
        classifiers=classifiers,
        name=name,
        seeds=list(range(seeds)),
        labelled=list(labelled),
        fusions=fusions,
        training=training,
    )


def _chosen(known: Mapping[str, dict[str, Any]], names: Iterable[str]) -> dict[str, dict[str, Any]]:
    for name in names:
        _one_of("--classifiers", name, known)
    return {name: known[name] for name in known if name in names}


def _one_of(what: str, name: str, known: Mapping[str, Any]) -> Any:
    if name not in known:
        raise DataError(f"{what}: no {name!r}{near_misses(name, known)}; known: {', '.join(known)}")
    return known[name]


def _after_pretext(preset: str, pretext: str) -> dict[str, Any]:
    """Fine-tuning that a preset has after a pretext."""
    from cohortsmith.ssl_models import PRESETS

    return {key: value for key, value in PRESETS[preset].by_pretext[pretext].items() if key != "pretext_settings"}


def _backbone_settings(preset: str, pretext: str) -> dict[str, Any]:
    """Settings of the backbone of a preset, for another backbone of its sort."""
    from cohortsmith.ssl_models import Classifier

    return Classifier(preset=preset, pretext=pretext).arguments.settled("image").backbone_settings
