"""Checks of a grid before any work: names, settings, sizes, kinds of data."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from cohortsmith.app.config import BALANCE, REAL_ONLY, digest, ratio_text, require_name
from cohortsmith.app.grid.arms import labelled_part, parts_of, with_extra
from cohortsmith.app.workspace import read, read_synthetic
from cohortsmith.data import DataError
from cohortsmith.data.suggestions import near_misses
from cohortsmith.generators import FAMILIES, make_generator

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cohortsmith.app.config import Grid, VirtualPart
    from cohortsmith.data import Cohort
    from cohortsmith.ssl_models import Classifier


def classifiers_of(grid: Grid) -> dict[str, Classifier]:
    """The classifiers of a grid, unfitted.

    Raises:
        DataError: unknown settings, presets, backbones or pretexts of one, which is named.
    """
    from cohortsmith.ssl_models import Classifier

    made = {}
    for name, settings in grid.classifiers.items():
        try:
            made[name] = Classifier(**settings)
        except DataError as error:
            raise DataError(f"[classifiers.{name}] {error}") from None
        except TypeError:
            raise DataError(f"[classifiers.{name}] a value of another type was expected; see Classifier") from None
    return made


def check_grid(grid: Grid) -> None:
    """Check what can be known without the data.

    Raises:
        DataError: names that stand twice or that nothing has, wrong settings, ratios and roles that make no arm.
    """
    for section, names in (("data", grid.data), ("classifiers", grid.classifiers)):
        if not names:
            raise DataError(f"[{section}]: at least one was expected, as in [{section}.NAME]")
        for name in names:
            require_name(name, f"[{section}.{name}]")
    _once("seeds", grid.seeds)
    _once("labelled", grid.labelled)
    if min(grid.seeds) < 0:
        raise DataError(f"seeds must be 0 or more; got {min(grid.seeds)}")
    if grid.training.devices > 1 or grid.training.num_nodes > 1:
        raise DataError("[training] devices, num_nodes: each job of a grid runs on one device; ask for more --jobs")
    classifiers_of(grid)
    if grid.virtual is not None:
        _check_virtual(grid.virtual)
    for fusion, members in grid.fusions.items():
        if fusion in grid.classifiers:
            raise DataError(f"[fusions] {fusion} is the name of a classifier too; choose another name for the fusion")
        if len(set(members)) < 2:
            raise DataError(f"[fusions] {fusion}: two classifiers or more were expected; got {', '.join(members)}")
        for member in members:
            if member not in grid.classifiers:
                raise DataError(f"[fusions] {fusion}: no classifier {member!r}{near_misses(member, grid.classifiers)}")


def _check_virtual(part: VirtualPart) -> None:
    for name in ("families", "learn_from", "roles"):
        _once(f"[virtual] {name}", getattr(part, name))
    _once("[virtual] ratios", map(ratio_text, part.ratios))
    for family in part.families:
        make_generator(family, **part.settings.get(family, {}))
    for family in part.settings:
        if family not in part.families:
            raise DataError(
                f"[virtual.settings.{family}]: not among the families of this grid{near_misses(family, part.families)}"
            )
    numbers = [ratio for ratio in part.ratios if ratio != BALANCE]
    for ratio in numbers:
        if not 0 <= float(ratio) < float("inf"):
            raise DataError(f"[virtual] ratios must be 0 or more, or '{BALANCE}'; got {ratio}")
    if "alone" in part.roles and not any(ratio_text(ratio) != REAL_ONLY for ratio in numbers):
        raise DataError(
            "[virtual] role 'alone' needs a ratio above 0: without virtual patients, and with those that balance the "
            "classes, some class would have no patients to learn from"
        )


def read_cohorts(grid: Grid) -> dict[str, Cohort]:
    """The sets of patients of a grid; see `data.read_cohort` for rules and errors."""
    return {name: read(part) for name, part in grid.data.items()}


def check_cohorts(grid: Grid, cohorts: Mapping[str, Cohort]) -> dict[tuple[str, str], str]:
    """Check what needs the data: every split and every labelled part, families and classifiers by data kind.

    Returns:
        For each data set and classifier that sees patients without labels, a digest of backbone, pretext and their
        settings; "" where it sees them without a pretext.

    Raises:
        DataError: more labels than patients, a class absent from a labelled part, one class only, or what learns
            another data kind.
    """
    pretexts: dict[tuple[str, str], str] = {}
    for name, cohort in cohorts.items():
        where = f"[data.{name}] "
        if len(cohort.classes) < 2:
            raise DataError(f"{where}holds one class, and a classifier needs two: name the column of classes (label)")
        for family in grid.virtual.families if grid.virtual else ():
            if cohort.kind not in FAMILIES[family].kinds:
                raise DataError(
                    f"{where}holds {cohort.kind} data, and {family} learns {' and '.join(FAMILIES[family].kinds)}"
                )
        for classifier, made in classifiers_of(grid).items():
            try:
                recipe = made.arguments.settled(cohort.kind)
            except DataError as error:
                raise DataError(f"[classifiers.{classifier}] on [data.{name}]: {error}") from None
            if recipe.pretext:
                parts = (recipe.backbone, recipe.backbone_settings, recipe.pretext_name, asdict(recipe.pretext))
                pretexts[name, classifier] = digest(parts)
            elif recipe.fine_tuning.unlabelled_weight:
                pretexts[name, classifier] = ""
        more = grid.data[name].extra_unlabelled
        extra = read_synthetic(Path(more), grid.data[name], cohort) if more else None
        for seed in grid.seeds:
            try:
                sides = parts_of(cohort, grid.data[name], seed)
                if extra is not None:
                    with_extra(sides.train, extra, sides)
                for wanted in grid.labelled:
                    labelled_part(sides.train, str(wanted), seed)
            except DataError as error:
                raise DataError(f"{where}{error}") from None
    wanting = [role for role in ("unlabelled", "both") if grid.virtual and role in grid.virtual.roles]
    if wanting and not pretexts:
        raise DataError(
            f"[virtual] role {wanting[0]!r} is for classifiers with a pretext or an unlabelled_weight, and none "
            "of these has one"
        )
    return pretexts


def _once(name: str, values: Iterable[object]) -> None:
    given = [str(value) for value in values]
    if not given:
        raise DataError(f"{name}: at least one was expected")
    for value in given:
        if given.count(value) > 1:
            raise DataError(f"{name}: {value} is given more than once")
