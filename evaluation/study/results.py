"""`Results` of a grid of classifiers, arranged for its page: arms in order, means, gains, and the chosen arms."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from cohortsmith.data.errors import DataError
from cohortsmith.data.suggestions import near_misses
from cohortsmith.evaluation.study.paired_gains import ARM, METRICS, VIRTUAL, best_on_validation, gains, gains_over

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

# Metrics whose gains are shown in percentage points, with their names.
POINTS = {"accuracy": "accuracy", "mean_class_accuracy": "mean class accuracy"}
COSTS = ("n_labelled", "steps", "epochs", "seconds", "seconds_an_epoch", "parameters")
_JUDGED = 3  # arms per task in the plots by class
FUSED = "fusion"  # pretext of a fusion, so that none counts as a supervised reference
_ROLES = {"labelled": "", "unlabelled": "for the pretext", "both": "for pretext and labels", "alone": "no real ones"}


class StudyTask(NamedTuple):
    """A data set with a number of labelled patients."""

    data: str
    labelled: str

    def __str__(self) -> str:
        return f"{self.data}, {f'{self.labelled} labelled' if self.labelled.isdigit() else self.labelled}"


class StudyArm(NamedTuple):
    """Training data and classifier; the fields are `cohortsmith.evaluation.study.paired_gains.ARM`."""

    data: str
    labelled: str
    family: str
    learn_from: str
    ratio: str
    role: str
    classifier: str

    @property
    def task(self) -> StudyTask:
        """Data set and number of labels."""
        return StudyTask(self.data, self.labelled)

    def patients(self) -> str:
        """The virtual patients in words."""
        if not self.family:
            return "real only"
        size = "balanced" if self.ratio == "balance" else f"×{self.ratio}"
        return ", ".join(part for part in (f"{self.family} {size}", self.way()) if part)

    def way(self) -> str:
        """Role of the virtual patients and training data of their generator, if not the default."""
        learnt = "" if self.learn_from in ("", "labelled") else f"learnt from {self.learn_from}"
        return ", ".join(part for part in (_ROLES.get(self.role, self.role), learnt) if part)


class Gain(NamedTuple):
    """A gain, positive is better, and its 95 % interval (NaN with one seed); see `paired_gains.gains`."""

    gain: float
    low: float
    high: float
    verdict: str
    reference: str


@dataclass(frozen=True)
class Results:
    """Rows of a grid, and the summaries that its page needs.

    Attributes:
        rows: tidy rows, as `cohortsmith utility` writes them, those of fusions with the pretext `FUSED`.
        metric: of `POINTS`, that arms are chosen and judged by.
    """

    rows: pd.DataFrame
    metric: str = "accuracy"

    @classmethod
    def of(cls, rows: pd.DataFrame, fusions: Iterable[str] = (), metric: str = "accuracy") -> Results:
        """Results of rows as they were written; empty cells may be NaN or "".

        Raises:
            DataError: a metric not in `POINTS`.
        """
        if metric not in POINTS:
            raise DataError(
                f"arms are judged by {' or '.join(POINTS)}; got {metric!r}{near_misses(str(metric), POINTS)}"
            )
        text = {name: rows[name].fillna("").astype(str) for name in [*ARM, "label", "pretext"]}
        text["pretext"] = text["pretext"].mask(text["classifier"].isin(list(fusions)), FUSED)
        return cls(rows.assign(**text), metric)

    @property
    def metrics(self) -> tuple[str, ...]:
        """`POINTS`, starting with the one that arms are judged by."""
        return self.metric, *(name for name in POINTS if name != self.metric)

    @cached_property
    def whole(self) -> pd.DataFrame:
        """Test rows of all classes together."""
        return self.rows[(self.rows["part"] == "test") & (self.rows["label"] == "")]

    @cached_property
    def classifiers(self) -> list[str]:
        """Names in the order of the rows."""
        return list(self.whole["classifier"].unique())

    @cached_property
    def families(self) -> list[str]:
        """Families of generators in the order of the rows."""
        return [name for name in self.whole["family"].unique() if name]

    @cached_property
    def pretexts(self) -> dict[str, str]:
        """Pretext of each classifier, "" for none."""
        known = self.whole.drop_duplicates("classifier")
        return dict(zip(known["classifier"], known["pretext"], strict=True))

    @cached_property
    def means(self) -> dict[StudyArm, dict[str, tuple[float, float]]]:
        """Mean and standard deviation over seeds of every figure, by arm; NaN as deviation of one seed.

        Data sets and classifiers are in the order of the rows, few labels before many, real patients first.
        """
        known = [name for name in (*METRICS, *COSTS) if name in self.whole]
        grouped = self.whole.groupby(ARM, sort=False)[known]
        pairs = zip(grouped.mean().iterrows(), grouped.std(ddof=1).iterrows(), strict=True)
        found = {
            _arm(key): {name: (float(mean[name]), float(spread[name])) for name in known}
            for (key, mean), (_, spread) in pairs
        }
        data, order = list(self.whole["data"].unique()), {name: i for i, name in enumerate(self.classifiers)}
        family = {name: i for i, name in enumerate(["", *self.families])}

        def place(arm: StudyArm) -> tuple[object, ...]:
            ratio = np.inf if arm.ratio == "balance" else float(arm.ratio)
            size = found[arm]["n_labelled"][0]
            return data.index(arm.data), size, arm.labelled, order[arm.classifier], family[arm.family], arm.way(), ratio

        return {arm: found[arm] for arm in sorted(found, key=place)}

    @cached_property
    def seeds(self) -> dict[StudyArm, int]:
        """Seeds of each arm."""
        return {_arm(key): int(n) for key, n in self.whole.groupby(ARM, sort=False)["seed"].nunique().items()}

    @cached_property
    def tasks(self) -> list[StudyTask]:
        """Data sets and numbers of labels in order."""
        return list(dict.fromkeys(arm.task for arm in self.means))

    @cached_property
    def ends(self) -> list[StudyTask]:
        """The tasks with the fewest and with the most labels of each data set."""
        sets = [
            [task for task in self.tasks if task.data == data] for data in dict.fromkeys(t.data for t in self.tasks)
        ]
        return list(dict.fromkeys(task for own in sets for task in (own[0], own[-1])))

    @cached_property
    def classes(self) -> dict[str, list[str]]:
        """Names of the classes of each data set, in the order of its confusion matrices."""
        own = self.rows[(self.rows["part"] == "test") & (self.rows["label"] != "")]
        return {str(data): list(part["label"].unique()) for data, part in own.groupby("data", sort=False)}

    @cached_property
    def own(self) -> dict[str, dict[StudyArm, Gain]]:
        """By metric of `POINTS`: gain of each arm with virtual patients over the same classifier without them."""
        return {name: _gains(gains(self.rows, name)) for name in POINTS}

    @cached_property
    def over(self) -> dict[str, dict[StudyArm, Gain]]:
        """By metric of `POINTS`: gain of each arm over the strongest supervised reference; empty without one."""
        supervised = (self.rows["pretext"] == "").any()
        return {name: _gains(gains_over(self.rows, metric=name)) if supervised else {} for name in POINTS}

    def over_named(self, reference: str) -> dict[str, dict[StudyArm, Gain]]:
        """By metric of `POINTS`: gain of each arm over one classifier on real patients only."""
        return {name: _gains(gains_over(self.rows, reference, name)) for name in POINTS}

    @cached_property
    def strongest(self) -> dict[StudyTask, StudyArm]:
        """The strongest supervised reference of each task, chosen on validation."""
        named = {arm.task: gain.reference for arm, gain in self.over[self.metric].items() if gain.reference}
        return {task: real(task, name) for task, name in named.items()}

    @cached_property
    def chosen(self) -> dict[tuple[StudyTask, str], StudyArm]:
        """The arm with virtual patients chosen on validation for each task and classifier."""
        return {(arm.task, arm.classifier): arm for arm in self.best_over(VIRTUAL)}

    def best_over(self, over: Sequence[str]) -> list[StudyArm]:
        """Arms with virtual patients chosen on validation over these columns, in the order of `means`."""
        if not self.families:
            return []
        best = best_on_validation(self.rows, over, self.metric)
        kept = {_arm(key) for key in best[ARM].itertuples(index=False, name=None)}
        return [arm for arm in self.means if arm in kept and arm.family]

    @cached_property
    def validated(self) -> dict[StudyArm, float]:
        """Mean over seeds of the metric on validation patients."""
        rows = self.rows[(self.rows["part"] == "validation") & (self.rows["label"] == "")]
        return {_arm(key): float(mean) for key, mean in rows.groupby(ARM, sort=False)[self.metric].mean().items()}

    def real_arms(self, task: StudyTask) -> list[StudyArm]:
        """Arms of a task on real patients only."""
        return [arm for arm in self.means if arm.task == task and not arm.family]

    def confusion(self, arm: StudyArm) -> NDArray[np.float64] | None:
        """Confusion matrix (true, predicted) of the test patients, summed over seeds; None without any."""
        mine = self.whole[(self.whole[ARM] == list(arm)).all(axis=1)]
        tables = [
            np.array([list(row) for row in table], np.float64) for table in mine["confusion"] if table is not None
        ]
        return np.sum(tables, axis=0) if tables else None

    @cached_property
    def judged(self) -> dict[StudyTask, list[StudyArm]]:
        """Arms shown in detail: of those with more than labelled real patients, the best on validation."""
        found = {}
        for task in self.tasks:
            arms = [arm for (own, _), arm in self.chosen.items() if own == task]
            arms += [arm for arm in self.real_arms(task) if self.pretexts[arm.classifier]]
            found[task] = sorted(arms, key=lambda arm: -self.validated.get(arm, 0.0))[:_JUDGED]
        return found

    @cached_property
    def by_class(self) -> dict[StudyArm, dict[str, Gain]]:
        """Gain of the judged arms in the recall of each class.

        The gain is over the same classifier without the virtual patients if the arm has any, else over the strongest
        supervised reference.
        """
        judged = {arm for arms in self.judged.values() for arm in arms}
        kept = {*judged, *(arm for task in self.tasks for arm in self.real_arms(task))}
        rows = self.rows[pd.MultiIndex.from_frame(self.rows[ARM]).isin([tuple(arm) for arm in kept])]
        known = [gains(rows, self.metric, by_class=True)] if self.families else []
        known += [gains_over(rows, metric=self.metric, by_class=True)] if self.strongest else []
        found: dict[StudyArm, dict[str, Gain]] = {arm: {} for arm in judged}
        for row in (row for table in known for row in table.to_dict("records")):
            if (arm := StudyArm(*(str(row[name]) for name in ARM))) in judged:
                found[arm].setdefault(str(row["label"]), _gain(row))
        return found

    def tested(self, data: str) -> dict[str, float]:
        """Test patients of each class of a data set, mean over seeds."""
        mine = self.rows[(self.rows["part"] == "test") & (self.rows["label"] != "") & (self.rows["data"] == data)]
        return {str(label): float(n) for label, n in mine.groupby("label")["n"].mean().items()}


def real(task: StudyTask, classifier: str) -> StudyArm:
    """The arm of a classifier without virtual patients."""
    return StudyArm(*task, "", "", "0", "", classifier)


def _arm(key: Any) -> StudyArm:
    return StudyArm(*map(str, key))


def _gains(table: pd.DataFrame) -> dict[StudyArm, Gain]:
    rows = table.to_dict("records")
    return {StudyArm(*(str(row[name]) for name in ARM)): _gain(row) for row in rows if not row.get("label")}


def _gain(row: dict[object, object]) -> Gain:
    low, high, gain = (float(str(row[name])) for name in ("low", "high", "gain"))
    return Gain(gain, low, high, str(row["verdict"]), str(row["reference"]))
