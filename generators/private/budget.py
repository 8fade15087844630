"""Privacy budget of a fit: statistics of the codec, class counts, and training.

The guarantee is that of `training.privacy`, for the presence or absence of one patient: of a patient with several
records one is drawn at random, and the others are left out (`one_record_each`), so that no sum and no gradient holds
more than one. With `dp_public_statistics` false, the budget is charged for everything that the model holds: means,
spreads, the components of wide expression and the class counts go through the Gaussian mechanism, each once, with the
noise at which they alone would spend `SHARE` of epsilon; the rest is left for training. With it true, the user states
that those are public, and the model records that.
Either way every patient's code follows from the patient's record and these statistics alone; nothing else is
calibrated, fitted or stopped early on patients, and histories and summaries hold no figures of theirs. What is done to
a cohort before it comes here is held to the same (`require_public`): a scale guessed from the values and missing values
filled with medians follow from all patients. Names of classes and genes, the scale, decimals where they are stated, and
the number of patients are taken as public.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from cohortsmith.data import DataError
from cohortsmith.generators.contracts import Codec
from cohortsmith.training import (
    ACCOUNTANT,
    Privacy,
    TrainingError,
    epsilon_of,
    merged_charges,
    noise_multiplier,
    secret_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from cohortsmith.data import Cohort
    from cohortsmith.generators.contracts import Family

    Floats = NDArray[np.float64]

NORMAL = 1.2533  # standard deviation over mean absolute deviation of a Gaussian
SHARE = 0.4  # of epsilon, spent on statistics if they alone were released
IMPUTED = (
    "{family}: with dp_epsilon missing values must not be filled with the medians of these patients, which are outside "
    "the budget; fill them with values from elsewhere before, or state with --set dp_public_statistics=true that the "
    "medians are public"
)
_RELEASES = 5  # counts, means of all and of classes, spreads, components
_STATISTICS, _RECORDS = 12, 13  # streams of the secret


@dataclass
class Statistics:
    """Sums over patients with Gaussian noise (Dwork & Roth 2014, appendix A), and the record of their charges.

    Attributes:
        noise: standard deviation of the noise, relative to the sensitivity of a sum; 0 adds none.
        rng: draws the noise.
        charges: releases so far, in the form of Opacus's accountant.
    """

    noise: float = 0.0
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    charges: list[tuple[float, float, int]] = field(default_factory=list)
    _counts: NDArray[np.int64] | None = field(default=None, init=False)

    def total(self, values: Floats, radius: float) -> Floats:
        """Sum (d,) of values (n, d) over patients, each clipped to a norm of `radius` first."""
        return self.total_of([values], radius)

    def total_of(self, parts: Iterable[Floats], radius: float) -> Floats:
        """The same for values that come in parts (some, d)."""
        return self._noised(np.asarray(sum(_within(values, radius).sum(0) for values in parts)), radius)

    def totals(self, values: Floats, y: NDArray[np.int64], classes: int, radius: float) -> Floats:
        """Sums (classes, d) over the patients of each class: together they cost as much as one `total`."""
        values = _within(values, radius)
        return self._noised(np.stack([values[y == label].sum(0) for label in range(classes)]), radius)

    def gram(self, values: Floats, radius: float) -> Floats:
        """Sum of outer products (d, d) of rows (n, d) clipped to a norm of `radius` (Dwork et al. 2014)."""
        values = _within(values, radius)
        noised = self._noised(values.T @ values, radius**2)
        upper = np.triu(noised)  # the noise of a symmetric matrix is needed in its upper half alone
        return np.asarray(upper + np.triu(noised, 1).T)

    def counts(self, y: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
        """Patients of each class, at least 1, so that an empty class is not revealed. Released once."""
        if self._counts is None:
            exact = np.bincount(y, minlength=classes).astype(np.float64)
            self._counts = np.maximum(np.rint(self._noised(exact, 1.0)), 1 if self.noise else 0).astype(np.int64)
        return self._counts

    def _noised(self, sums: Floats, most: float) -> Floats:
        if not self.noise:
            return sums
        self.charges.append((self.noise, 1.0, 1))
        return sums + self.rng.normal(0.0, self.noise * most, sums.shape)


class Budgeted(Protocol):
    """What has a privacy budget: a family's settings, or `StatisticsBudget`."""

    @property
    def name(self) -> str:
        """Of the family."""
        ...

    @property
    def dp_epsilon(self) -> float:
        """Whole budget."""
        ...

    @property
    def dp_delta(self) -> float:
        """Its delta; 0 is a tenth of one over the number of patients."""
        ...

    @property
    def dp_clip(self) -> float:
        """Largest norm of one patient's gradient."""
        ...

    @property
    def dp_public_statistics(self) -> bool:
        """Whether statistics are stated to be public."""
        ...


@dataclass(frozen=True)
class StatisticsBudget:
    """Budget of a fit that releases statistics and trains nothing.

    Raises:
        DataError: epsilon or delta out of range.
    """

    name: str
    dp_epsilon: float
    dp_delta: float = 0.0
    dp_clip: float = 1.0
    dp_public_statistics: bool = False

    def __post_init__(self) -> None:
        require_budget(self)


class PrivateCodec(Codec, Protocol):
    """A codec of private fits: `fit_encode` releases nothing of the patients but through `statistics`."""

    statistics: Statistics


def smoothed(values: Floats, group: NDArray[np.int64], noise: float) -> Floats:
    """Values (m,) shrunk towards the mean of their `group` (m,) by the share of noise, of variance `noise`, in them."""
    common = (np.bincount(group, values) / np.maximum(np.bincount(group), 1))[group]
    return np.asarray(common + shrunk((values - common)[None], group, np.array([[noise]]))[0])


def shrunk(values: Floats, group: NDArray[np.int64], noise: Floats) -> Floats:
    """Values (k, m) shrunk towards zero by the share of noise, of variance `noise` (k, 1), in their `group` (m,).

    The noise is known, and with it the expected mean square of a group's values, in all rows together, without signal
    (James & Stein 1961; Efron & Morris 1973 for rows of unequal noise).
    """
    members, noise = np.maximum(np.bincount(group), 1), noise + 1e-12
    power = np.stack([(np.bincount(group, row**2) / members)[group] for row in values])
    signal = np.maximum(((power - noise) / noise**2).sum(0) / (1 / noise**2).sum(0), 0)
    return np.asarray(values * signal / (signal + noise))


def _within(values: Floats, radius: float) -> Floats:
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values * np.minimum(1.0, radius / np.maximum(norms, 1e-12)))


@dataclass
class Spending:
    """Privacy budget of one fit.

    Attributes:
        family: its budget.
        patients: number of patients.
        secret: seed of the noise; a resumed run has that of its checkpoint.
        statistics: releases for the codec and the classes.
        public: what the cohort's reading took as public.
    """

    family: Budgeted
    patients: int
    secret: int
    statistics: Statistics
    public: tuple[str, ...] = ()

    @classmethod
    def open(cls, family: Budgeted, cohort: Cohort, checkpoint: Path | None, share: float = SHARE) -> Spending:
        """Divide the budget: statistics have a `share` of epsilon, as if they alone were released, training the rest.

        Raises:
            DataError: delta is not below one over the patients, epsilon is too small for statistics, or the cohort was
                read by rules that follow from its patients (`require_public`).
        """
        public = require_public(family, cohort)
        n, secret = len(np.unique(cohort.subjects)), secret_of(checkpoint)
        delta = family.dp_delta or 0.1 / n
        if delta >= 1 / n:
            raise DataError(
                f"{family.name}: dp_delta must be below one over the patients, 1/{n}: "
                f"otherwise a whole record could be revealed; got {delta:g}"
            )
        noise = 0.0
        if not family.dp_public_statistics:
            try:
                budget = share * family.dp_epsilon
                accountant = "rdp" if share < 1 else ACCOUNTANT  # of a part, training's own accountant takes the rest
                noise = noise_multiplier(budget, delta, rate=1.0, times=_RELEASES, accountant=accountant)
            except TrainingError as error:
                raise DataError(f"{family.name}: dp_epsilon {family.dp_epsilon:g} is too small: {error}") from error
        rng = np.random.default_rng([secret, _STATISTICS])
        return cls(family, n, secret, Statistics(noise, rng), public)

    def one_record_each(self, cohort: Cohort) -> Cohort:
        """The cohort with one record of each patient, drawn at random; in the order of the cohort."""
        order = np.random.default_rng([self.secret, _RECORDS]).permutation(len(cohort))
        _, first = np.unique(cohort.subjects[order], return_index=True)
        return cohort.take(np.sort(order[first]))

    def of_training(self, counts: NDArray[np.int64]) -> Privacy:
        """Budget left for training, in which blind players draw classes by these counts (classes,)."""
        return Privacy(
            self.family.dp_epsilon,
            self.family.dp_delta or 0.1 / self.patients,
            self.family.dp_clip,
            tuple((counts / counts.sum()).tolist()),
            tuple(self.statistics.charges),
            self.secret,
        )

    def spent(self) -> dict[str, Any]:
        """What the statistics alone have spent, in the form of a training's report."""
        delta = self.family.dp_delta or 0.1 / self.patients
        charges = self.statistics.charges
        return {
            "epsilon": self.family.dp_epsilon,
            "delta": delta,
            "epsilon_spent": round(epsilon_of(charges, delta), 4),
            "noise_multiplier": self.statistics.noise,
            "sample_rate": 1.0,
            "steps": len(charges),
            "accountant": ACCOUNTANT,
            "charges": [list(charge) for charge in merged_charges(charges)],
        }

    def statement(self, spent: Mapping[str, Any]) -> dict[str, Any]:
        """The model's privacy statement: what training has `spent`, and what is and is not covered."""
        public = ["number of patients", "names of classes and features", *self.public]
        stated = ["statistics of the codec", "class counts"] if self.family.dp_public_statistics else []
        return {
            **spent,
            "unit": "patient",
            "records_per_patient": 1,
            "taken_as_public": public + stated,
            "not_covered": [
                "records of one patient under different names",
                "choice of the settings",
                "floating point and the quality of random numbers",
            ],
        }


def require_public(family: Budgeted, cohort: Cohort) -> tuple[str, ...]:
    """What a cohort's reading takes as public, in words.

    Raises:
        DataError: its scale was guessed from all patients' values, or missing values were filled with their medians and
            the statistics are not stated to be public.
    """
    if not cohort.about.scaled:
        return ()
    if cohort.provenance.get("scale_from") == "values":
        raise DataError(
            f"{family.name}: with dp_epsilon the scale must be stated, as --scale {cohort.scale} (scale= in Python); "
            "guessing it looks at all patients outside the budget"
        )
    public = "scale of the values"
    if not cohort.provenance.get("imputed"):
        return (public,)
    if not family.dp_public_statistics:
        raise DataError(IMPUTED.format(family=family.name))
    return (public, "medians that fill missing values")


def require_budget(family: Budgeted) -> None:
    """Refuse an epsilon or delta out of range.

    Raises:
        DataError: it names what was expected.
    """
    name = family.name
    for setting in ("dp_delta", "dp_public_statistics"):
        if not family.dp_epsilon and getattr(family, setting):
            raise DataError(f"{name}: {setting} is a setting of differential privacy; set dp_epsilon above 0 with it")
    if not 0 <= family.dp_epsilon <= 100:
        raise DataError(f"{name}: dp_epsilon must be above 0 and at most 100, or 0 for none; got {family.dp_epsilon:g}")
    if not 0 <= family.dp_delta < 1:
        raise DataError(f"{name}: dp_delta must be a small probability, or 0 for a tenth of one over the patients")


def check(family: Family) -> None:
    """Refuse settings that differential privacy does not allow.

    Raises:
        DataError: a budget, a norm or a clip out of range, or a part that would use patients outside the budget.
    """
    name = family.name
    require_budget(family)
    if not family.dp_epsilon:
        return
    if not 0 < family.dp_clip < math.inf:
        raise DataError(f"{name}: dp_clip must be a positive norm; got {family.dp_clip:g}")
    if family.validation:
        raise DataError(
            f"{name}: with dp_epsilon there is no early stopping, which depends on held-out patients; drop validation"
        )
    if family.balanced:
        raise DataError(
            f"{name}: with dp_epsilon every patient is drawn with the same probability; leave balanced at false"
        )
    if refusal := family.private_refusal():
        raise DataError(f"{name}: with dp_epsilon {refusal}")
