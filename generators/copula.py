"""`Copula`: a Gaussian copula for each class, the baseline that a deep family has to beat."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from cohortsmith.data import DataError
from cohortsmith.data.settings import checked, settings_of
from cohortsmith.generators.contracts import Generator, Schema
from cohortsmith.generators.expression import ExpressionCodec
from cohortsmith.generators.neural import told
from cohortsmith.generators.private import PrivateExpressionCodec, Spending, StatisticsBudget

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data import Cohort
    from cohortsmith.training import Runtime

_CALIBRATED = 3000  # synthetic patients of a group that marginals are matched to, at most
_CALIBRATED_VALUES = 40_000_000
_TIMES = 40  # synthetic patients for one of train's
_PRIVATE = ("rank", "wide", "dp_bounds", "dp_decimals")
_PUBLIC = ("leak", "modes", "mode_column", "calibrate_marginals")


class Copula(Generator):
    """Gaussian copula for each class, or mode of one (Nelsen 2006, section 2.3): the codec of the networks without any.

    Genes are normal scores; the covariance within classes is shrunken, and kept in as much detail as attacks on train,
    cross-fitted, allow. A private fit releases means, spreads and components through the Gaussian mechanism and has the
    whole of epsilon for them.

    Args:
        leak: largest AUC of the cross-fitted attacks; `auto` is 0.6, `off` keeps the most whatever it gives away.
        modes: most modes within a class, such as two studies under one label, that are found and sampled by their
            share; 1 finds none.
        mode_column: covariate whose values are the modes, such as a batch or a machine; empty finds them.
        calibrate_marginals: map each group's generated genes onto train's distribution of that class or mode.
        dp_epsilon: epsilon of differential privacy; 0 fits without.
        dp_delta: its delta; 0 is a tenth of one over the number of patients.
        rank: components of a private fit; 0 is 16.
        wide: number of genes above which a private fit has components; 0 has them always.
        dp_bounds: least and largest log2 value of a gene in a private fit, from knowledge of the platform and not of
            these patients.
        dp_decimals: decimals that values of a private fit are rounded to, from knowledge of the platform; 0 does not
            round.

    Raises:
        DataError: a value that a setting cannot have, or a setting of the other kind of fit.

    Examples:
        >>> model = Copula().fit(train, seed=0)
        >>> synthetic = model.sample(1000, seed=1)
    """

    family: ClassVar[str] = "copula"

    def __init__(
        self,
        *,
        leak: float | Literal["auto", "off"] = "auto",
        modes: int = 4,
        mode_column: str = "",
        calibrate_marginals: bool = True,
        dp_epsilon: float = 0.0,
        dp_delta: float = 0.0,
        rank: int = 0,
        wide: int = 0,
        dp_bounds: tuple[float, ...] = (0.0, 24.0),
        dp_decimals: int = 0,
    ) -> None:
        super().__init__()
        asked = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        settings = checked(self.family, type(self), asked)
        self._budget = StatisticsBudget(self.family, dp_epsilon, dp_delta)
        defaults = {name: setting.default for name, setting in settings_of(type(self)).items()}
        for name in _PUBLIC if dp_epsilon else _PRIVATE:
            if settings[name] != defaults[name]:
                raise DataError(f"{self.family}: {name} is {'not ' if dp_epsilon else ''}for fits with dp_epsilon")
        kind: Any = PrivateExpressionCodec if dp_epsilon else ExpressionCodec
        own = {name: settings[name] for name in (_PRIVATE if dp_epsilon else _PUBLIC)}
        self._codec = kind(**own | ({"wide": wide or 1} if dp_epsilon else {}))
        self.settings = settings

    def _fit(self, cohort: Cohort, seed: int, runtime: Runtime | None) -> Schema:
        rng, schema = np.random.default_rng([seed, 0]), Schema.of(cohort)
        if self._budget.dp_epsilon:
            return self._fit_privately(cohort, rng, schema)
        codec = self._codec
        codes = codec.fit_encode(cohort, rng)
        groups = cohort.y if codec.strata is None else codec.strata.groups(cohort)
        counts = np.bincount(groups)
        room = int(np.clip(_CALIBRATED_VALUES // (len(cohort.features) * np.count_nonzero(counts)), 64, _CALIBRATED))
        drawn = np.repeat(np.arange(len(counts)), np.where(counts, np.clip(_TIMES * counts, 64, room), 0))
        codec.calibrate(self._codes(drawn, rng), drawn, rng)
        self.summary = {"code_dim": int(codes.shape[1]), **told(codec)}
        return schema

    def _fit_privately(self, cohort: Cohort, rng: np.random.Generator, schema: Schema) -> Schema:
        spending = Spending.open(self._budget, cohort, None, share=1.0)
        self._codec.statistics = spending.statistics
        cohort = spending.one_record_each(cohort)
        self._codec.fit_encode(cohort, rng)
        counts = spending.statistics.counts(cohort.y, len(cohort.classes))
        self.summary = {"privacy": spending.statement(spending.spent())}
        return replace(schema, class_counts=tuple(counts.tolist()))

    def _draw(self, y: NDArray[np.int64], rng: np.random.Generator) -> NDArray[Any]:
        groups = y if self._codec.strata is None else self._codec.strata.draw(y, rng)
        return np.asarray(self._codec.decode(self._codes(groups, rng), groups, rng))

    def _codes(self, groups: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float32]:
        return rng.standard_normal((len(groups), *self._codec.code_shape), dtype=np.float32)

    def _evidence(self, cohort: Cohort, seed: int) -> dict[str, NDArray[np.float64]]:
        return dict(self._codec.evidence(cohort, np.random.default_rng([seed, 1])))

    def _state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        tensors, values = self._codec.state()
        return tensors, values

    def _restore(self, tensors: dict[str, NDArray[Any]], values: dict[str, Any]) -> None:
        self._codec.restore(tensors, values)
