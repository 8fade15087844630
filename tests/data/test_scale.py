from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from cohortsmith.data import DataError, detect_scale, from_log, log_expression, simulate, to_log

if TYPE_CHECKING:
    from cohortsmith.data import Scale


def test_counts_become_log2_of_counts_per_million() -> None:
    x = np.array([[10, 30, 60], [0, 500, 500]], dtype=np.float32)
    expected = np.log2(np.array([[1e5, 3e5, 6e5], [0, 5e5, 5e5]]) + 1)
    np.testing.assert_allclose(to_log(x, "counts"), expected, rtol=1e-6)


def test_log_of_counts_does_not_depend_on_sequencing_depth() -> None:
    x = np.array([[1, 2, 7]], dtype=np.float32)
    np.testing.assert_allclose(to_log(x, "counts"), to_log(1000 * x, "counts"), rtol=1e-6)


def test_sample_without_counts_stays_zero_both_ways() -> None:
    empty = np.zeros((1, 4), dtype=np.float32)
    assert (to_log(empty, "counts") == 0).all()
    assert (from_log(empty, "counts", 5000) == 0).all()


def test_linear_values_keep_sign_and_order_around_zero() -> None:
    x = np.array([[-7, -1, 0, 1, 7]], dtype=np.float32)
    np.testing.assert_allclose(to_log(x, "linear"), [[-3, -1, 0, 1, 3]], rtol=1e-6)


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_way_back_is_the_inverse(scale: Scale) -> None:
    x = simulate("simulated-expression", 30, 0, scale=scale).x
    np.testing.assert_allclose(from_log(to_log(x, scale), scale), x, rtol=3e-6, atol=1e-4)


def test_counts_come_back_exactly_given_their_library_sizes() -> None:
    cohort = simulate("simulated-expression", 30, 0)
    back = from_log(log_expression(cohort), "counts", cohort.x.sum(axis=1))
    np.testing.assert_array_equal(back, cohort.x)


def test_generated_counts_are_whole_not_negative_and_sum_to_the_library_size() -> None:
    z = np.random.default_rng(0).normal(5, 4, (40, 300))  # what a model may put out: also below zero
    counts = from_log(z, "counts", np.linspace(1e4, 1e6, 40))
    assert counts.min() >= 0
    assert (counts == np.rint(counts)).all()
    np.testing.assert_allclose(counts.sum(axis=1), np.linspace(1e4, 1e6, 40), atol=150)  # half a count a gene
    assert to_log(counts, "counts").shape == z.shape


@pytest.mark.parametrize("scale", ["counts", "linear", "log"])
def test_scale_of_simulated_data_is_detected(scale: Scale) -> None:
    assert detect_scale(simulate("simulated-expression", 30, 0, scale=scale).x) == scale


def test_detection_of_what_is_nearly_counts() -> None:
    counts = np.array([[0, 40], [3, 900]], dtype=np.float32)
    assert detect_scale(counts) == "counts"
    assert detect_scale(counts + 0.5) == "linear"  # not whole
    assert detect_scale(counts - 1) == "linear"  # negative
    assert detect_scale(counts / 100) == "log"
    assert detect_scale(np.array([[-11.1, 21.5]], dtype=np.float32)) == "log"


def test_wide_cohorts_are_converted_in_blocks_to_the_same_values() -> None:
    x = np.random.default_rng(0).poisson(50, (1500, 4000)).astype(np.float32)  # more than one block of rows
    np.testing.assert_allclose(to_log(x, "counts")[-1:], to_log(x[-1:], "counts"))


def test_unknown_scale_and_negative_counts_are_refused() -> None:
    with pytest.raises(DataError, match="counts, linear, log"):
        to_log(np.ones((1, 1), dtype=np.float32), "cpm")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="must not be negative"):
        to_log(-np.ones((1, 1), dtype=np.float32), "counts")
