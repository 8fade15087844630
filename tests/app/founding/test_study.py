"""The founding study: what it writes, what it says, and that the share of unseen variants is counted right."""

from __future__ import annotations

import html
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from cohortsmith.app.founding import study as founding
from cohortsmith.data import Cohort, read_cohort, simulate
from cohortsmith.data.nucleotides import encode
from cohortsmith.evaluation.metrics.sequences.novelty import unseen_variants

if TYPE_CHECKING:
    from pathlib import Path

SMALL: dict[str, dict[str, Any]] = {"gan": {"steps": 30}, "bootstrap": {}, "random-edits": {}}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The study with a few steps, few new patients and three families."""
    monkeypatch.setattr(founding, "FAMILIES", SMALL)
    monkeypatch.setattr(founding, "NEW", 300)
    monkeypatch.setattr(founding, "HELD", 40)
    monkeypatch.setattr(founding, "PER_CLASS", 20)
    monkeypatch.setattr(founding, "ONLY", ("identity", "discriminator_auc"))


@pytest.mark.usefixtures("small")
def test_study_writes_curves_families_and_one_page(tmp_path: Path, cohortsmith: Any) -> None:
    out = tmp_path / "founding"
    done = cohortsmith("study", "tp53-founding", "--out", out, "--seed", 5, "--device", "cpu")
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == str(out / "report.html")
    assert "of the somatic variants of new patients" in " ".join(done.out.split())
    names = {"study.json", "curves.jsonl", "train.fasta", "report.html", *SMALL}
    assert {entry.name for entry in out.iterdir()} == names
    assert {"config.json", "metrics.json", "report.html", "synthetic.fasta", "train.jsonl"} <= {
        entry.name for entry in (out / "bootstrap").iterdir()
    }
    facts = json.loads((out / "study.json").read_text())
    assert [entry["family"] for entry in facts["families"]] == list(SMALL)
    assert facts["sizes"] == {"train": 40, "new": 300, "positions": 1279}
    # The same discriminator learns as long against patients that never change as in the GAN.
    rows = [json.loads(line) for line in (out / "curves.jsonl").read_text().splitlines()]
    steps: dict[str, int] = {}
    for row in rows:
        steps[row["of"]] = max(steps.get(row["of"], 0), int(row["step"]))
    assert steps[founding.GENERATED] == steps[founding.COPIES] == steps[founding.EDITS] == 30
    assert all("accuracy_holdout" in row for row in rows if row["curve"] == "alone")
    page = (out / "report.html").read_text()
    unseen, alone, _, *alarms = facts["sentences"]  # the third says the panels' own figures
    for sentence in (unseen, alone, *alarms):
        assert sentence in html.unescape(page)
    assert [name for name in steps if name not in page] == []
    assert read_cohort(out / "train.fasta").class_counts() == {"mutated": 20, "wild-type": 20}
    (row,) = json.loads(cohortsmith("runs", "list", "--runs", tmp_path, "--json").out)
    assert (row["kind"], row["cohort"], row["families"]) == ("study", "tp53-founding", list(SMALL))
    assert cohortsmith("runs", "show", "founding", "--runs", tmp_path).code == 0
    again = cohortsmith("study", "tp53-founding", "--out", out)
    assert again.code == 2
    assert "--force" in again.err


def with_variants(cohort: Cohort, variants: list[list[tuple[int, str]]]) -> Cohort:
    """Patients of the reference's sequence, each with substitutions (position, base)."""
    from cohortsmith.data.sequences.reference import TP53

    wild = encode(TP53.window(97, 1375).sequence)
    x = np.tile(wild, (len(variants), 1))
    for row, changes in enumerate(variants):
        for position, base in changes:
            x[row, position - 97] = encode(base)[0]
    return replace(cohort.take(range(len(variants))), x=x)


def test_unseen_variants_are_counted_by_patient_and_without_polymorphisms() -> None:
    # c.N stands at mRNA position N + 142: R175H c.524G>A, R248Q c.743G>A, P72R c.215C>G (germline), Y220C c.659A>G.
    r175h, r248q, p72r, y220c = (666, "A"), (885, "A"), (357, "G"), (801, "G")
    like = simulate("tp53-founding", 40, 0)
    train = with_variants(like, [[r175h, p72r], [r175h], [r248q], []])
    new = with_variants(like, [[r175h, p72r], [y220c], [y220c, p72r], [p72r], [r248q]])
    found = unseen_variants(train, new, with_variants(like, [[]] * 9 + [[y220c]]))
    assert (found.train, found.known, found.new, found.carried) == (4, 2, 5, 4)
    assert found.unseen == 0.5
    assert found.estimated == pytest.approx(1 / 3)  # R248Q was seen once, three variants in all
    assert found.by_size == {10: 0.5}
    assert found.sentence().startswith("50% of the somatic variants of new patients are not among the 2 that these 4 ")


def test_forty_patients_have_not_seen_most_variants() -> None:
    """Of TCGA's variants, those of splice sites too, 20 mutated patients miss 88 % on average: sum of p (1 - p)^22."""
    found = []
    for seed in range(4):
        new, more = (simulate("tp53-cohort", 1000, offset + seed, indels=True) for offset in (100, 200))
        found.append(unseen_variants(simulate("tp53-founding", 40, seed), new, more))
    assert 0.79 < np.mean([one.unseen for one in found]) < 0.92
    for one in found:
        assert one.substitutions < one.unseen
        shares = list(one.by_size.values())
        assert shares == sorted(shares, reverse=True)  # the more patients, the less is new
        assert shares[-1] < 0.4


@pytest.mark.slow
def test_study_takes_less_than_two_minutes(tmp_path: Path, cohortsmith: Any) -> None:
    started = time.perf_counter()
    done = cohortsmith("study", "tp53-founding", "--out", tmp_path / "founding")
    assert done.code == 0, done.err
    assert time.perf_counter() - started < 120
    assert "Jensen-Shannon divergence" in (tmp_path / "founding" / "report.html").read_text()
