"""`SIMULATORS`: every simulator by name, and `simulate`, which calls one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cohortsmith.data.errors import DataError
from cohortsmith.data.simulators.cells import simulate_cells
from cohortsmith.data.simulators.expression import simulate_expression
from cohortsmith.data.simulators.haplotypes import simulate_haplotypes
from cohortsmith.data.simulators.tp53 import tp53_cohort, tp53_founding
from cohortsmith.data.suggestions import near_misses

if TYPE_CHECKING:
    from collections.abc import Callable

    from cohortsmith.data.cohort import Cohort

SIMULATORS: dict[str, Callable[..., Cohort]] = {
    "simulated-expression": simulate_expression,
    "tp53-founding": tp53_founding,
    "tp53-cohort": tp53_cohort,
    "simulated-cells": simulate_cells,
    "simulated-haplotypes": simulate_haplotypes,
}


def simulate(name: str, n: int, seed: int, **options: Any) -> Cohort:
    """Simulated cohort of `n` patients by the simulator's name; see `SIMULATORS` for names and options.

    Raises:
        DataError: unknown name or option, or sizes too small.
    """
    if name not in SIMULATORS:
        raise DataError(f"unknown simulator {name!r}{near_misses(name, SIMULATORS)}; known: {', '.join(SIMULATORS)}")
    if n <= 0:
        raise DataError(f"the number of patients must be positive; got {n}")
    simulator = SIMULATORS[name]
    known = set(simulator.__kwdefaults__ or ())
    for option in options:
        if option not in known:
            raise DataError(f"simulator {name} has no option {option!r}; it has {', '.join(sorted(known))}")
    return simulator(n, seed, **options)
