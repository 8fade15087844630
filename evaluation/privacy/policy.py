"""`Policy`: the limits an institution sets, and the judgement of each criterion: pass, fail or not evaluable."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from dataclasses import asdict, dataclass, field, make_dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, NonNegativeInt

from cohortsmith.data.errors import DataError
from cohortsmith.data.validation import read_toml

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Outcome = Literal["pass", "fail", "not evaluable"]
Rule = Literal["value", "upper", "lower"]

ALPHA = 0.02
"""Chance of a false alarm of an exact test, over all attacks together."""
_CARLINI = "Carlini et al. 2022, Membership inference from first principles, IEEE S&P"
_GIOMI = "Giomi et al. 2023, A unified framework for quantifying privacy risk in synthetic data, PoPETs"
_NINE = (
    "0.09 is the convention of EMA Policy 0070 and of Health Canada's public release of clinical information, one in "
    "eleven, carried over to synthetic data; the risks are those of"
)


@dataclass(frozen=True)
class Criterion:
    """One question of the decision, and the limits that its figure is compared with.

    Attributes:
        name: its table in a policy file.
        title: a few words for the page.
        asks: the question, as a sentence.
        source: where the figure and the limit come from.
        limit: largest figure that passes; for copies, the excess over the holdout's rate; for artefacts, their number.
        rule: what is compared with the limit: "value" the figure itself, "upper" or "lower" that end of its interval.
        block: figure above which nothing may be shared at all, None where there is no such step.
        least: non-members (unseen real patients) below which an exact count decides instead of a rate.
        hard: no policy lifts this limit, and nothing that is over it is released.
    """

    name: str
    title: str
    asks: str
    source: str
    limit: float
    rule: Rule = "value"
    block: float | None = None
    least: int | None = None
    hard: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """Limits that a policy file may set."""
        return tuple(key for key in ("limit", "block", "least") if getattr(self, key) is not None)


@dataclass(frozen=True)
class Policy:
    """Criteria of an institution, in the order they are shown.

    Attributes:
        name: shown on the page.
        criteria: every criterion, with this institution's limits.
    """

    name: str
    criteria: tuple[Criterion, ...]

    def __getitem__(self, name: str) -> Criterion:
        for criterion in self.criteria:
            if criterion.name == name:
                return criterion
        raise KeyError(name)

    def to_json(self) -> dict[str, Any]:
        """Name, and of each criterion limits and source."""
        return {
            "name": self.name,
            "criteria": {c.name: {key: getattr(c, key) for key in (*c.keys, "source")} for c in self.criteria},
        }

    def digest(self) -> str:
        """SHA-256 of its limits; the name, which a file may choose freely, is left out."""
        limits = {c.name: {key: float(getattr(c, key)) for key in c.keys} for c in self.criteria}
        return hashlib.sha256(json.dumps(limits, sort_keys=True).encode()).hexdigest()

    @property
    def shown(self) -> str:
        """Name for people: that of the default, or "custom", with the digest of the limits and the name of its file.

        A file, and whoever edits one, may choose the name freely; what is not the default by its limits is never shown
        as the default.
        """
        digest = self.digest()
        if digest == DEFAULT.digest():
            return DEFAULT.name
        own = "" if "default" in unicodedata.normalize("NFKC", self.name).casefold() else f" {self.name!r},"
        return f"custom policy,{own} digest {digest[:12]}"

    def laxer(self) -> list[tuple[str, str, float, float]]:
        """Limits that let more pass than the default's: name of the criterion, key, value, default value."""
        return [limit for criterion in self.criteria for limit in _laxer(criterion)]


def _laxer(criterion: Criterion) -> list[tuple[str, str, float, float]]:
    """Limits of a criterion that let more pass than the default's: its name, key, value, default value."""
    found = []
    standard = DEFAULT[criterion.name]
    for key in standard.keys:
        value, default = getattr(criterion, key), getattr(standard, key)
        if value is None or (value < default if key == "least" else value > default):
            found.append((criterion.name, key, float("inf") if value is None else value, default))
    return found


DEFAULT = Policy(
    "default",
    (
        Criterion(
            name="control",
            title="Control: holdout comparable",
            asks="Do the same attacks tell train from the holdout where none of the attacked was released, so that the "
            "holdout differs, whatever the generator learned?",
            source="The control of every attack; Giomi et al. 2023, PoPETs, section 3",
            limit=0.55,
        ),
        Criterion(
            name="worst_attack_auc",
            title="Membership: worst attack, AUC",
            asks="Does any attack distinguish members of train: among all patients, each class that is large enough, "
            "rare classes, the most outlying patients?",
            source="Limits of this project: 0.5 is guessing, a resample of the patients scores about 0.8; "
            f"the worst of all attacks counts, as in {_CARLINI}",
            limit=0.55,
            block=0.60,
        ),
        Criterion(
            name="worst_attack_tpr",
            title="Membership: TPR at 1 % FPR",
            asks="What share of the training patients does the worst attack identify at a false-positive rate of 1 %?",
            source=f"Twice what guessing achieves; {_CARLINI}, who ask for it because an AUC hides the few who are "
            "identified",
            limit=0.02,
            least=500,
        ),
        Criterion(
            name="white_box",
            title="Membership: the model itself",
            asks="Does the saved model tell its training patients by its loss or density? It is judged where the model "
            "is shared, too.",
            source=f"Limits as for the samples; {_CARLINI}; Hayes et al. 2019, LOGAN, PoPETs, section 4.2",
            limit=0.55,
            block=0.60,
        ),
        Criterion(
            name="singling_out",
            title="Singling out",
            asks="Does the synthetic cohort yield predicates that hold for exactly one training patient?",
            source=f"{_NINE} {_GIOMI}",
            limit=0.09,
            rule="upper",
        ),
        Criterion(
            name="linkability",
            title="Linkability",
            asks="Does it help to link two parts of a record to the same patient?",
            source=f"{_NINE} {_GIOMI}",
            limit=0.09,
            rule="upper",
        ),
        Criterion(
            name="inference",
            title="Inference",
            asks="Does it help to infer unknown attributes of a training patient from known ones?",
            source=f"{_NINE} {_GIOMI}",
            limit=0.09,
            rule="upper",
        ),
        Criterion(
            name="exact_copies",
            title="Exact copies above the holdout's rate",
            asks="Are there more copies of training patients than unseen real patients hold by themselves?",
            source="Platzer and Reutterer 2021, Front. Big Data 4:679939",
            limit=0.0,
            rule="lower",
            hard=True,
        ),
        Criterion(
            name="near_copies",
            title="Near copies above the holdout's rate",
            asks="Are more synthetic than unseen real patients very close to one training patient, or do they "
            "reproduce variants that it alone carries?",
            source="Meehan et al. 2020, A non-parametric test to detect data-copying, AISTATS; of variants Sweeney "
            "2002, k-anonymity, IJUFKS 10:557",
            limit=0.0,
            rule="lower",
        ),
        Criterion(
            name="artefacts",
            title="Contents of the files",
            asks="Do model and sample files hold training records, values of one patient, identifiers or free text?",
            source="Practice of this project: every file that is released is scanned",
            limit=0.0,
            hard=True,
        ),
    ),
)


@dataclass(frozen=True)
class Measured:
    """The figure that a criterion is judged on.

    Attributes:
        value: the figure, None when there is none.
        low: lower end of its interval.
        high: upper end of its interval.
        nothing: the figure expected without any leak.
        reason: why it cannot be judged; "" if it can.
        note: what the figure was measured on.
        caveat: limits of a pass.
        chance: of an exact test, the probability of such a figure without any leak, allowing for all attacks; None
            where the interval decides.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    nothing: float = 0.0
    reason: str = ""
    note: str = ""
    caveat: str = ""
    chance: float | None = None


@dataclass(frozen=True)
class Judgement:
    """A criterion and its outcome.

    Attributes:
        criterion: with the limits applied.
        measured: the figure.
        outcome: "pass", "fail" or "not evaluable".
        words: the reason, in one sentence.
        blocked: the figure is above the limit above which nothing may be shared at all.
    """

    criterion: Criterion
    measured: Measured
    outcome: Outcome
    words: str
    blocked: bool = False

    @property
    def loosened(self) -> bool:
        """Whether it passed by limits of its own of which at least one is laxer than the default's."""
        return self.outcome == "pass" and bool(_laxer(self.criterion))

    def to_json(self) -> dict[str, Any]:
        """Name, outcome, figure, limits and words."""
        found = {key: getattr(self.measured, key) for key in ("value", "low", "high", "nothing", "chance")}
        limits = {key: getattr(self.criterion, key) for key in self.criterion.keys}
        words = {"words": self.words, "note": self.measured.note, "caveat": self.measured.caveat}
        return {"name": self.criterion.name, "outcome": self.outcome, "blocked": self.blocked} | found | limits | words


def judge(criterion: Criterion, measured: Measured) -> Judgement:
    """Judgement of one criterion.

    A figure within its limit passes if the upper end of its interval is within the limit above which nothing may be
    shared, where there is one. A figure over its limit fails if its interval lies above the figure expected without a
    leak, or an exact test says so. Otherwise there are too few patients, and the criterion is not evaluable: neither a
    pass nor a fail. An exact test always decides. A hard limit is the default's, whatever the policy says.
    """
    value, low, high = measured.value, measured.low, measured.high
    if measured.reason or value is None:
        return Judgement(criterion, measured, "not evaluable", measured.reason or "there is no figure")
    limit = min(criterion.limit, DEFAULT[criterion.name].limit) if criterion.hard else criterion.limit
    low, high = value if low is None else low, value if high is None else high
    compared = {"value": value, "upper": high, "lower": low}[criterion.rule]
    what = {"value": "", "upper": "the upper end of the interval, ", "lower": "the lower end of the interval, "}
    figure = f"{what[criterion.rule]}{_show(compared)}"
    block = criterion.block
    if compared <= limit:
        within = f"{figure} is within the limit of {_show(limit)}"
        if block is not None and high > block:
            words = f"{within}, but its interval reaches {_show(high)}, over {_show(block)}: too few patients"
            return Judgement(criterion, measured, "not evaluable", words)
        return Judgement(criterion, measured, "pass", within)
    over = f"{figure} is over the limit of {_show(limit)}"
    if measured.chance is not None and measured.chance > ALPHA:
        p = f" (p = {measured.chance:.2g}, all attacks allowed for)" if measured.chance < 1 else ""
        words = f"{over}, but within chance{p}"
        return Judgement(criterion, measured, "pass", words)
    if measured.chance is None and criterion.rule != "lower" and low <= measured.nothing:
        interval = f"the interval from {_show(low)} to {_show(high)} includes {_show(measured.nothing)} (no leak)"
        return Judgement(criterion, measured, "not evaluable", f"{over}, but {interval}: too few patients")
    blocked = criterion.hard or (block is not None and compared > block)
    if criterion.hard:
        over += "; no policy lifts this limit"
    elif blocked:
        over += f", and over {_show(block or 0.0)}, above which nothing may be shared"
    return Judgement(criterion, measured, "fail", over, blocked)


def overall(judgements: Iterable[Judgement]) -> Outcome:
    """Decision over all criteria: fail if one fails, else not evaluable if one is, else pass."""
    outcomes = {judgement.outcome for judgement in judgements}
    return "fail" if "fail" in outcomes else "not evaluable" if outcomes != {"pass"} else "pass"


@dataclass(frozen=True)
class Judged:
    """The figures of an audit judged by a policy.

    Attributes:
        policy: the limits.
        judgements: one per criterion.
    """

    policy: Policy
    judgements: tuple[Judgement, ...]

    @property
    def outcome(self) -> Outcome:
        """Decision over all criteria."""
        return overall(self.judgements)

    @property
    def blocked(self) -> bool:
        """Whether a figure is above the limit above which nothing may be shared at all."""
        return any(judgement.blocked for judgement in self.judgements)

    @property
    def loosened(self) -> bool:
        """Whether it passed by limits of which at least one is laxer than the default's."""
        return self.outcome == "pass" and bool(self.policy.laxer())


def read_policy(path: Path) -> Policy:
    """Policy of an institution: `DEFAULT` with the limits set by a TOML file, one table per criterion.

    Raises:
        DataError: no such file, no TOML, an unknown criterion or limit (with its near misses), or a wrong value.
    """
    given = read_toml(_file_of_limits(), path, "policy")
    criteria = tuple(_with_limits(criterion, getattr(given, criterion.name), path) for criterion in DEFAULT.criteria)
    return Policy(given.name, criteria)


def _file_of_limits() -> type[Any]:
    """Schema of a policy file: a name, and the limits of each criterion."""
    tables = {criterion.name: _table_of_limits(criterion) for criterion in DEFAULT.criteria}
    shape: type[Any] = make_dataclass(
        "Limits", [("name", str), *((name, table, field(default_factory=table)) for name, table in tables.items())]
    )
    return shape


def _table_of_limits(criterion: Criterion) -> type[Any]:
    hints = {
        key: NonNegativeInt if key == "least" or criterion.name == "artefacts" else Annotated[float, Field(ge=0, le=1)]
        for key in criterion.keys
    }
    limits = [(key, hint, field(default=getattr(criterion, key))) for key, hint in hints.items()]
    return make_dataclass(criterion.name, limits)


def _with_limits(criterion: Criterion, given: Any, path: Path) -> Criterion:
    changed = replace(criterion, **asdict(given))
    if criterion.hard and changed.limit > criterion.limit:
        raise DataError(
            f"{path}: [{criterion.name}] limit: {criterion.limit:g} was expected, a hard stop that no policy lifts; "
            f"got {changed.limit:g}"
        )
    if changed.block is not None and changed.block < changed.limit:
        raise DataError(
            f"{path}: [{criterion.name}] block: at least the limit, {changed.limit}, was expected; got {changed.block}"
        )
    return changed


def _show(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.4f}" if abs(value) < 0.01 else f"{value:.3f}"
