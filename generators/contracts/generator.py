"""`Generator`: learn a cohort, generate synthetic patients of any class in any number."""

from __future__ import annotations

import inspect
import time
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pandas as pd

from cohortsmith.data import Cohort, DataError
from cohortsmith.data.io import Stored
from cohortsmith.data.kinds import EXPRESSION, KINDS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from numpy.typing import NDArray

    from cohortsmith.training import Runtime

_BATCH_VALUES = 8_000_000  # values a batch of samples holds: 32 MB
STORED = Stored("model", "cohortsmith-model/1", "fit the model again")


@dataclass(frozen=True)
class Schema:
    """What synthetic patients share with the cohort that a generator was fitted on, apart from measurements."""

    kind: str
    classes: tuple[str, ...]
    features: tuple[str, ...]
    class_counts: tuple[int, ...]
    scale: str
    label: str
    reference: str = ""

    @property
    def values(self) -> int:
        """Number of values of one patient: genes, columns, or pixels of all channels."""
        return max(KINDS[self.kind].values(self.features), 1)

    @classmethod
    def of(cls, cohort: Cohort) -> Schema:
        """Schema of a training cohort."""
        counts = tuple(cohort.class_counts().values())
        label = str(cohort.provenance.get("label") or "label")
        reference = str(cohort.provenance.get("reference") or "")
        return cls(cohort.kind, cohort.classes, cohort.features, counts, cohort.scale, label, reference)


class Generator(ABC):
    """A family or a baseline: `fit` on a cohort, then `sample`; keeps nothing of the training records.

    Attributes:
        family: name in `FAMILIES`.
        kinds: data kinds it learns.
        settings: every setting with its value.
        history: rows of losses through training; empty for baselines.
        summary: seconds of the fit, device, parameters, alarms, and the like.
        min_patients: fewest training patients of a class; what is saved is then never an average of fewer.
        savable, reason: whether `save` can write the model without pickle and without records, and if not, why.
    """

    family: ClassVar[str]
    kinds: ClassVar[Collection[str]] = (EXPRESSION,)
    savable: ClassVar[bool] = True
    reason: ClassVar[str] = ""
    min_patients: ClassVar[int] = 5

    def __init__(self) -> None:
        self.settings: dict[str, Any] = {}
        self.history: list[dict[str, float]] = []
        self.summary: dict[str, Any] = {}
        self._schema: Schema | None = None
        self._to_save = True

    def __repr__(self) -> str:
        fitted = f"fitted on {sum(self.schema.class_counts)} patients" if self._schema else "not fitted"
        return f"{type(self).__name__}({fitted})"

    @classmethod
    def setting_names(cls, kind: str = "") -> list[str]:
        """Names of the settings that the constructor takes; of a family with a data kind named, those that it has."""
        return list(inspect.signature(cls).parameters)

    @property
    def schema(self) -> Schema:
        """Kind, classes and features of the samples.

        Raises:
            DataError: the generator has not been fitted.
        """
        if self._schema is None:
            raise DataError(f"this {self.family} generator has not been fitted; call fit(cohort) or load(folder) first")
        return self._schema

    @property
    def class_counts(self) -> dict[str, int]:
        """Number of training patients of each class."""
        return dict(zip(self.schema.classes, self.schema.class_counts, strict=True))

    def fit(self, cohort: Cohort, *, seed: int = 0, runtime: Runtime | None = None, to_save: bool = True) -> Self:
        """Learn a cohort.

        Args:
            cohort: training patients only.
            seed: of every random draw of the fit, 0 or more.
            runtime: device, processes, checkpoint; baselines need none.
            to_save: False allows classes of two patients, since averages over so few never leave memory.

        Raises:
            DataError: fewer patients than the family needs, or a data kind it does not know.
            TrainingError: the device is absent, training diverged, or a checkpoint is of another run.
        """
        if not isinstance(cohort, Cohort):
            raise DataError(f"a Cohort was expected, from read_cohort; got {type(cohort).__name__}")
        if seed < 0:
            raise DataError(f"seed must be 0 or more; got {seed}")
        if cohort.kind not in self.kinds:
            raise DataError(f"{self.family} learns {' and '.join(self.kinds)}; this cohort is of kind {cohort.kind!r}")
        least = self.min_patients if to_save else min(2, self.min_patients)
        for name, count in cohort.class_counts().items():
            if 0 < count < least:
                raise DataError(
                    f"{self.family} needs at least {least} patients of each class, "
                    f"class {name!r} has {count} to learn from; merge or drop the class"
                )
        if not len(cohort):
            raise DataError(f"{self.family} needs patients to learn from; the cohort is empty")
        started = time.perf_counter()
        self.history, self.summary = [], {}
        self._schema = None
        self._schema = self._fit(cohort, seed, runtime) or Schema.of(cohort)
        self._to_save = to_save
        self.summary = {"fit_seconds": round(time.perf_counter() - started, 3), **self.summary}
        return self

    def sample(self, n: int | Mapping[str, int], seed: int = 0) -> Cohort:
        """Synthetic patients: `n` in the proportions of train, or exactly as many of each class as requested.

        Args:
            n: total number, or number of each class by name.
            seed: of every draw; the same seed gives the same patients.

        Raises:
            DataError: an unknown class, or a number that is not positive.
        """
        batches = list(self.sample_batches(n, seed))
        if len(batches) == 1:
            return batches[0]
        x = np.concatenate([batch.x for batch in batches])
        y = np.concatenate([batch.y for batch in batches])
        return self.as_cohort(x, y, seed)

    def sample_batches(self, n: int | Mapping[str, int], seed: int = 0) -> Iterator[Cohort]:
        """The same patients as `sample`, in batches that fit in memory, classes in order."""
        counts = self.requested(n)
        if seed < 0:
            raise DataError(f"seed must be 0 or more; got {seed}")
        return self._batches(counts, seed)

    def requested(self, n: int | Mapping[str, int]) -> dict[str, int]:
        """Number of synthetic patients of every class that `n` requests: a total, or numbers by class.

        Raises:
            DataError: an unknown class, or a number that is not positive.
        """
        return self.apportion(n) if isinstance(n, int | np.integer) else self._checked(n)

    def apportion(self, n: int) -> dict[str, int]:
        """Shares of `n` in train's proportions that sum to `n` (largest remainders)."""
        if n <= 0:
            raise DataError(f"the number of patients to sample must be positive; got {n}")
        counts = np.array(self.schema.class_counts, dtype=np.float64)
        exact = counts / counts.sum() * n
        shares = np.floor(exact).astype(int)
        for label in np.argsort(shares - exact, kind="stable")[: n - shares.sum()]:
            shares[label] += 1
        return dict(zip(self.schema.classes, shares.tolist(), strict=True))

    def membership_evidence(self, cohort: Cohort, seed: int = 0) -> dict[str, NDArray[np.float64]]:
        """What the fitted model itself tells of who was learned from, for attacks that hold the model (white box).

        Networks that only training needs are asked where they are in memory: after a fit, not after `load`.

        Args:
            cohort: patients of the model's kind, features, scale and classes, whether learned from or not; members and
                others in one call, for then the same noise falls on all.
            seed: of that noise, and of generated patients to compare with.

        Returns:
            Per kind of evidence an array (n,), one value per row of the cohort, higher for rows more like a training
            patient; class means are not removed. Empty for a family that tells nothing.

            - `diffusion`: `denoising_low`, `_middle`, `_high` (bands of noise levels) and `denoising`, their mean:
              minus the denoising error (Matsumoto et al. 2023; Carlini et al. 2023). Sequences: `bound_low` and so on,
              minus the bound at fixed masks.
            - `vae`: `elbo`, `reconstruction`, `kl` (with the encoder), `nearest_generated`, `inverted`.
            - `gan`, `wgan`: `discriminator`, `discriminator_blurred` or `critic` (Hayes et al. 2019, "LOGAN");
              `nearest_generated` and `inverted`: minus the distance to the nearest generated patient of the class, and
              after descent on its latent (Chen et al. 2020, "GAN-Leaks").
            - `mvn`: `log_density` of the patient's class.
            - expression, `copula` and the networks: `structure_inside`, `structure_outside`, `structure_density`
              (`Structure.evidence`); wide `mvn`: `components_outside`, `_explained`, `_inside`, `_density`.

        Raises:
            DataError: not fitted, no patients, or a cohort of another kind, scale, features or classes.
        """
        return self._evidence(self._aligned(cohort), seed)

    def save(self, path: str | Path) -> None:
        """Write a folder of safetensors and JSON; it appears when it is whole.

        Raises:
            DataError: it is not fitted, cannot be saved, or the folder holds something else.
        """
        path = Path(path)
        schema = self.schema
        if not self.savable:
            raise DataError(f"{self.family} models cannot be saved: {self.reason}")
        if not self._to_save:
            raise DataError(
                "this model was fitted with to_save=False, so it may hold averages of two patients; fit again"
            )
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise DataError(f"{path}: a new or empty folder was expected; remove it or name another one")
        tensors, values = self._state()
        card = {
            "family": self.family,
            "settings": self.settings,
            "schema": asdict(schema),
            "values": values,
            "summary": self.summary,
            "history": self.history,
        }
        STORED.write(path, tensors, card)

    @abstractmethod
    def _fit(self, cohort: Cohort, seed: int, runtime: Runtime | None) -> Schema | None:
        """Learn; return what synthetic patients share with the cohort, where that is not `Schema.of` the cohort."""

    @abstractmethod
    def _draw(self, y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[Any]:
        """Measurements `x` of synthetic patients of the classes y (n,)."""

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """Tensors and plain values that make up the fitted model."""
        raise DataError(f"{self.family} models cannot be saved: {self.reason}")

    def _restore(self, tensors: dict[str, NDArray[Any]], values: dict[str, Any]) -> None:
        """Take back what `_state` gave."""
        raise DataError(f"{self.family} models cannot be loaded: {self.reason}")

    def _evidence(self, cohort: Cohort, seed: int) -> dict[str, NDArray[np.float64]]:
        """`membership_evidence` of a cohort with the model's features and classes."""
        return {}

    def _aligned(self, cohort: Cohort) -> Cohort:
        """The cohort with the model's features in their order, and with its classes."""
        schema = self.schema
        if cohort.kind != schema.kind:
            raise DataError(f"this model is of {schema.kind} data; the cohort is of kind {cohort.kind!r}")
        if not len(cohort):
            raise DataError("the cohort has no patients")
        if cohort.about.scaled and cohort.scale != schema.scale:
            raise DataError(f"this model is on scale {schema.scale!r}, the cohort on {cohort.scale!r}")
        if unknown := sorted({*np.unique(cohort.labels).tolist()} - {*schema.classes}):
            raise DataError(f"the model does not know class {unknown[0]!r}; it knows {', '.join(schema.classes)}")
        if missing := sorted(set(schema.features) - set(cohort.features)):
            raise DataError(
                f"the cohort lacks {len(missing)} of the model's {len(schema.features)} {cohort.about.features} "
                f"(first {missing[0]!r}); give a cohort with all of them"
            )
        if cohort.features != schema.features:
            place = {name: column for column, name in enumerate(cohort.features)}
            columns = [place[name] for name in schema.features]
            cohort = replace(cohort, x=cohort.x[:, columns], features=schema.features)
        if cohort.classes == schema.classes:
            return cohort
        known = {name: label for label, name in enumerate(schema.classes)}
        y = np.array([known.get(name, 0) for name in cohort.classes], dtype=np.int64)[cohort.y]
        return replace(cohort, y=y, classes=schema.classes)

    def _checked(self, counts: Mapping[str, int]) -> dict[str, int]:
        known = self.class_counts
        if not hasattr(counts, "items"):
            raise DataError(f"expected a whole number of patients, or a number for each class by name; got {counts!r}")
        for name, count in counts.items():
            if name not in known:
                raise DataError(f"unknown class {name!r}; the model knows {', '.join(known)}")
            if not known[name]:
                raise DataError(f"class {name!r} had no training patient, so the model cannot make one")
            if not isinstance(count, int | np.integer):
                raise DataError(f"the number of patients to sample must be whole; got {count!r} of {name!r}")
            if count < 0:
                raise DataError(f"the number of patients to sample must not be negative; got {count} of {name!r}")
        if not any(counts.values()):
            raise DataError("the number of patients to sample must be positive; got 0 in all")
        return {name: int(counts.get(name, 0)) for name in known}

    def _batches(self, counts: dict[str, int], seed: int) -> Iterator[Cohort]:
        rng = np.random.default_rng(seed)
        y = np.repeat(np.arange(len(counts)), list(counts.values()))
        size = max(1, min(_BATCH_VALUES // self.schema.values, 65_536))
        for start in range(0, len(y), size):
            part = y[start : start + size].astype(np.int64)
            yield self.as_cohort(self._draw(part, rng), part, seed, start)

    def as_cohort(self, x: NDArray[Any], y: NDArray[np.int64], seed: int, start: int = 0) -> Cohort:
        """Measurements x (n, ...) of synthetic patients of classes y (n,) as a cohort; ids count from `start`."""
        schema = self.schema
        ids = np.array([f"synthetic-{seed}-{row:07d}" for row in range(start, start + len(y))], dtype=np.str_)
        provenance = {"source": f"synthetic:{self.family}", "label": schema.label, "seed": seed}
        provenance |= {name: getattr(schema, name) for name in KINDS[schema.kind].kept}
        return Cohort(
            kind=schema.kind,  # type: ignore[arg-type]
            x=x,
            y=y,
            classes=schema.classes,
            features=schema.features,
            subjects=ids,
            obs=pd.DataFrame(index=pd.Index(ids, name="sample_id")),
            provenance=provenance,
        )
