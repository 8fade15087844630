"""`evaluate`: the whole scorecard in one call, and `Report`: its estimates, as a table and as JSON."""

from __future__ import annotations

import difflib
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cohortsmith.data.errors import DataError
from cohortsmith.data.patients import shared_patients
from cohortsmith.evaluation.metrics import METRICS
from cohortsmith.evaluation.spaces import Comparison

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cohortsmith.data.cohort import Cohort
    from cohortsmith.data.sequences import Variant
    from cohortsmith.evaluation.core import Estimate, ImageModels
    from cohortsmith.evaluation.metrics.common import Metric


@dataclass(frozen=True, eq=False)
class Report:
    """Estimates of one comparison, in the order of `METRICS`; iterable, indexable by name, printable as a table.

    Attributes:
        estimates: one per metric.
        comparison: the cohorts they were measured on.
        seed: seed of all random draws.
        seconds: run time of each metric, by name.
        notes: caveats about the cohorts.
    """

    estimates: tuple[Estimate, ...]
    comparison: Comparison
    seed: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Estimate]:
        return iter(self.estimates)

    def __len__(self) -> int:
        return len(self.estimates)

    def __getitem__(self, name: str) -> Estimate:
        for estimate in self.estimates:
            if estimate.name == name:
                return estimate
        raise KeyError(name)

    def __str__(self) -> str:
        head = ("metric", "value", "95 % interval", "real vs real", "chance", "better")
        better = {"higher": "higher", "lower": "lower", "target": "as real"}
        lines = [_sizes_line(self.comparison), *self.notes]
        rows: list[tuple[str, ...]] = [head]
        reasons: dict[int, str] = {}
        for e in self.estimates:
            if not e.ok:
                reasons[len(rows)] = e.status
            interval = "" if e.low is None else f"{_show(e.low)} .. {_show(e.high)}"
            rows.append((e.name, _show(e.value), interval, _show(e.reference), _show(e.chance), better[e.direction]))
        widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
        group = ""
        for i, row in enumerate(rows):
            if i and self.estimates[i - 1].group != group:
                group = self.estimates[i - 1].group
                lines += ["", group]
            if i in reasons:
                lines.append(f"  {row[0]:<{widths[0]}}  {reasons[i]}")
                continue
            cells = [f"{row[0]:<{widths[0]}}", *(f"{c:>{w}}" for c, w in zip(row[1:5], widths[1:5], strict=True))]
            lines.append("  " + "  ".join([*cells, row[5]]))
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values: `metrics` (one dict per estimate), `sizes`, `seed`, `digests`, `notes`.

        The same cohorts and seed give the same values; run times are therefore left out.
        """
        sides = {name: getattr(self.comparison, name) for name in ("train", "holdout", "synthetic")}
        return {
            "metrics": [estimate.to_json() for estimate in self.estimates],
            "sizes": {name: len(cohort) for name, cohort in sides.items()}
            | {self.comparison.train.about.columns: math.prod(self.comparison.train.x.shape[1:3])},
            "seed": self.seed,
            "digests": {name: cohort.digest() for name, cohort in sides.items()},
            "notes": list(self.notes),
        }


def evaluate(
    train: Cohort,
    holdout: Cohort,
    synthetic: Cohort,
    *,
    only: str | Iterable[str] | None = None,
    seed: int = 0,
    known_variants: Iterable[Variant] = (),
    image_models: ImageModels | None = None,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> Report:
    """Scorecard of a synthetic cohort: fidelity, utility and privacy, each with a real-vs-real reference.

    Args:
        train: real samples the generator was fitted on.
        holdout: real samples withheld from it.
        synthetic: its samples.
        only: name or names of `METRICS` to compute; all of the data kind by default.
        seed: seed of all random draws; the same seed gives the same values.
        known_variants: for sequences, published variants of real people, which mark novel variants as real.
        image_models: for images, feature extractors; without them, pixels and logistic regression are used.
        on_progress: called before each metric with its name, the number of metrics done and their total.

    Raises:
        DataError: cohorts that cannot be compared, or an unknown metric name.
    """
    metrics = _chosen(only)
    if seed < 0:
        raise DataError(f"seed must be 0 or more; got {seed}")
    comparison = Comparison(
        train, holdout, synthetic, known_variants=frozenset(known_variants), image_models=image_models
    )
    metrics = [metric for metric in metrics if comparison.kind in metric.kinds]
    if not metrics:
        raise DataError(f"none of the chosen metrics is defined for data of kind {comparison.kind}")
    estimates, seconds = [], {}
    for done, metric in enumerate(metrics):
        if on_progress:
            on_progress(metric.name, done, len(metrics))
        start = time.perf_counter()
        estimates.append(metric.compute(comparison, seed))
        seconds[metric.name] = time.perf_counter() - start
    return Report(tuple(estimates), comparison, seed, seconds, _notes(comparison))


def _chosen(only: str | Iterable[str] | None) -> list[Metric]:
    if only is None:
        return list(METRICS)
    wanted = [only] if isinstance(only, str) else list(only)
    names = [metric.name for metric in METRICS]
    if not wanted:
        raise DataError(f"only must name at least one metric: one of {', '.join(names)}")
    for name in wanted:
        if name not in names:
            near = difflib.get_close_matches(str(name), names, n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else f"one of {', '.join(names)}"
            raise DataError(f"unknown metric {name!r}: {hint}")
    return [metric for metric in METRICS if metric.name in wanted]


def _notes(comparison: Comparison) -> tuple[str, ...]:
    missing, notes = comparison.missing_classes, []
    if missing:
        shown = ", ".join(missing[:5]) + (f", ... {len(missing) - 5} more" if len(missing) > 5 else "")
        notes.append(f"the synthetic cohort has no samples of {shown}: missing classes lower its scores")
    train, holdout = comparison.train, comparison.holdout
    if train.provenance.get("subject") and holdout.provenance.get("subject"):
        both = len(shared_patients(train.subjects, holdout.subjects))
        if both:
            notes.append(
                f"{both} patients are in train and in the holdout, which then is not unseen: fidelity and utility look "
                "better, and attacks weaker, than they are"
            )
    return (*notes, *comparison.view.notes())


def _sizes_line(comparison: Comparison) -> str:
    c = comparison
    return (
        f"train {len(c.train)}, holdout {len(c.holdout)}, synthetic {len(c.synthetic)} samples; "
        f"{len(c.features)} features, {len(c.classes)} classes"
    )


def _show(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if value == 0 or 0.001 <= abs(value) < 1000 else f"{value:.2g}"
