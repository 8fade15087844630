"""`Grid`: what a study of utility crosses with what, read from one TOML file, and the jobs that it comes to."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from cohortsmith.app.config.experiment import DataPart, Seed, TrainingPart, read_toml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

REAL_ONLY = "0"
BALANCE = "balance"


@dataclass(frozen=True)
class GridData(DataPart):
    """Which patients, and how they are split: train, validation for choices, and test (`holdout`) for figures.

    Attributes:
        validation: share of train kept for choices; images whose file says which are val keep to that.
        extra_unlabelled: file of more patients, whose classes are not read, that pretexts learn from too, in as many
            steps; copies of validation and test patients are left out.
    """

    validation: float = 0.2
    extra_unlabelled: str | None = None


@dataclass(frozen=True)
class VirtualPart:
    """Virtual patients: whose, how many, and as what.

    Attributes:
        families: generators that make them.
        learn_from: what a generator sees: the labelled patients; or those and the rest of train, whose classes are
            predicted by a classifier trained on the labelled ones (the grid's first one without a pretext).
        ratios: virtual patients for each labelled real one, or "balance": every class topped up to the largest. Real
            patients alone (0) are always an arm, once.
        roles: labelled (join the labelled patients), unlabelled (join the pretext's), both, or alone (instead).
        settings: of each family.
    """

    families: list[str]
    learn_from: list[Literal["labelled", "pseudo-labelled"]] = field(default_factory=lambda: ["labelled"])
    ratios: list[int | float | Literal["balance"]] = field(default_factory=lambda: [1])
    roles: list[Literal["labelled", "unlabelled", "both", "alone"]] = field(default_factory=lambda: ["labelled"])
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Grid:
    """A study of what virtual patients and self-supervision are worth to classifiers of real, held-out patients.

    Attributes:
        data: sets of patients, by name.
        classifiers: arguments of `ssl_models.Classifier`, by name.
        name: of the study.
        seeds: each decides a split, a labelled part, and every draw after it.
        labelled: patients of train whose class is known: a number, a share, or full, half, quarter.
        unlabelled: what a pretext, or a classifier with an `unlabelled_weight`, sees: all of train without its classes,
            or the labelled part only.
        metric: what arms are chosen by on validation patients, and judged by on test patients. By mean class accuracy a
            rare class weighs as much as a frequent one. Both are reported.
        virtual: virtual patients; none when left out.
        fusions: names of classifiers whose class probabilities are multiplied, by the name of the fusion.
        training: device and arithmetic.
    """

    data: dict[str, GridData]
    classifiers: dict[str, dict[str, Any]]
    name: str
    seeds: list[Seed] = field(default_factory=lambda: [0])
    labelled: list[int | float | str] = field(default_factory=lambda: ["full"])
    unlabelled: Literal["all", "labelled"] = "all"
    metric: Literal["accuracy", "mean_class_accuracy"] = "accuracy"
    virtual: VirtualPart | None = None
    fusions: dict[str, list[str]] = field(default_factory=dict)
    training: TrainingPart = field(default_factory=TrainingPart)

    def resolved(self) -> dict[str, Any]:
        """Every value, the defaults included, as plain JSON."""
        return asdict(self)


@dataclass(frozen=True)
class VirtualSet:
    """Virtual patients of one generator; smaller ratios take the first ones of each class."""

    data: str
    labelled: str
    family: str
    learn_from: str
    seed: int

    @property
    def name(self) -> str:
        """Name of its folder."""
        return _name(self, self.data, self.labelled, self.family, self.learn_from, f"s{self.seed}")


@dataclass(frozen=True)
class Arm:
    """One classifier on one training set: a row of the study's table for each part and class.

    Attributes:
        ratio: as text; "0" is real patients alone, whose family, learn_from and role are empty.
    """

    data: str
    labelled: str
    classifier: str
    seed: int
    family: str = ""
    learn_from: str = ""
    ratio: str = REAL_ONLY
    role: str = ""

    @property
    def virtual(self) -> VirtualSet | None:
        """Whose virtual patients take part."""
        if not self.family:
            return None
        return VirtualSet(self.data, self.labelled, self.family, self.learn_from, self.seed)

    @property
    def name(self) -> str:
        """Name of its files."""
        virtual = (self.family, self.learn_from, self.ratio, self.role) if self.family else ()
        return _name(self, self.data, self.labelled, self.classifier, *virtual, f"s{self.seed}")


@dataclass(frozen=True)
class PretextSet:
    """One pretrained network, shared by the arms that differ only in what comes after it.

    Attributes:
        arm: the first arm that needs it, with what does not matter to it left empty.
        settings: digest of backbone, pretext and their settings.
    """

    arm: Arm
    settings: str

    @property
    def name(self) -> str:
        """Name of its folder."""
        return f"{self.arm.name}-{self.settings}"


def read_grid(path: Path) -> Grid:
    """Read a grid from TOML; its name is the file's unless the file says otherwise.

    Raises:
        DataError: no such file, no TOML, an unknown key (with its near misses), a missing or a wrong value.
    """
    return read_toml(Grid, path, "grid")


def arms_of(grid: Grid, pretexts: Mapping[tuple[str, str], str]) -> list[Arm]:
    """Every arm, real patients alone first; `pretexts` has those (data, classifier) that see patients without labels.

    Virtual patients join those without labels only where the classifier sees any, and there is no "balance" alone:
    the largest class would be empty.
    """
    arms = []
    for data in grid.data:
        for seed in grid.seeds:
            for labelled in map(str, grid.labelled):
                for classifier in grid.classifiers:
                    arms.append(Arm(data, labelled, classifier, seed))
                    for family, learn_from, ratio, role in _virtual(grid, (data, classifier) in pretexts):
                        arms.append(Arm(data, labelled, classifier, seed, family, learn_from, ratio, role))
    return sorted(arms, key=lambda arm: bool(arm.family))


def ratio_text(ratio: float | str) -> str:
    """A ratio as arms and tables name it: 1 and 1.0 are "1"."""
    return ratio if isinstance(ratio, str) else f"{ratio:g}"


def _virtual(grid: Grid, pretext: bool) -> Iterator[tuple[str, str, str, str]]:
    part = grid.virtual
    if part is None:
        return
    ratios = [ratio_text(ratio) for ratio in part.ratios]
    roles = [role for role in part.roles if pretext or role in ("labelled", "alone")]
    for family in part.families:
        for learn_from in part.learn_from:
            for ratio in ratios:
                for role in roles:
                    if ratio != REAL_ONLY and (ratio, role) != (BALANCE, "alone"):
                        yield family, learn_from, ratio, role


def pretext_set(grid: Grid, arm: Arm, settings: str) -> PretextSet:
    """What the pretext of an arm is trained on; `settings` is the digest of its classifier's pretext."""
    virtual = arm.role in ("unlabelled", "both", "alone")
    labelled = arm.labelled if virtual or grid.unlabelled == "labelled" else ""
    role = "" if not virtual else "alone" if arm.role == "alone" else "unlabelled"
    made = (arm.family, arm.learn_from, arm.ratio, role) if virtual else ()
    return PretextSet(Arm(arm.data, labelled, "", arm.seed, *made), settings)


def digest(value: Any) -> str:
    """Eight hex digits that change when any value changes."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:8]


def _name(item: Any, *words: str) -> str:
    """Readable words, and a digest because words with dashes in them could be joined to the same name."""
    return "-".join([*filter(None, words), digest(asdict(item))])
