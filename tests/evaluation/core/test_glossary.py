"""The glossary: one text for reports and documentation."""

from __future__ import annotations

import pytest

from cohortsmith.evaluation import METRICS
from cohortsmith.evaluation.core.glossary import GLOSSARY, as_markdown, term_of
from tests.structure import ROOT


def test_the_page_of_the_documentation_is_what_the_terms_render() -> None:
    assert (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8") == as_markdown()


def test_each_term_is_one_sentence() -> None:
    for term in GLOSSARY.values():
        assert term.meaning.endswith(".")
        assert ". " not in term.meaning
        assert not term.source.endswith(".")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("tstr_macro_f1", "tstr"),
        ("gan_leaks_calibrated_auc", "gan-leaks"),
        ("domias_tpr", "tpr"),
        ("kernel_distance_fixed", "kid"),
        ("worst_attack_auc", "membership-inference"),
        ("ti_tv", None),
    ],
)
def test_a_metric_finds_its_term(name: str, key: str | None) -> None:
    assert term_of(name) == key


def test_no_beginning_of_a_name_is_claimed_twice() -> None:
    claimed = [prefix for term in GLOSSARY.values() for prefix in term.metrics]
    assert len(claimed) == len(set(claimed))
    for metric in METRICS:
        keys = {key for key, term in GLOSSARY.items() if term.metrics and metric.name.startswith(term.metrics)}
        assert len(keys) <= 1, metric.name
