"""The page Cohorts: named sets, uploads, and what is said of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cohortsmith.app.ui.cohort_choice import PART
from cohortsmith.app.workspace.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamlit.testing.v1 import AppTest


def test_a_named_set_is_described_and_split(page: Callable[..., AppTest], runs: Path) -> None:
    shown = page("cohorts", **{PART: {"cohort": "simulated-expression"}})
    assert not shown.exception
    assert {metric.label: metric.value for metric in shown.metric}["Patients"] == "600"
    assert any("Train: 420 samples. Holdout: 180 samples" in text.value for text in shown.caption)
    shown.slider[0].set_value(0.5).run()
    assert any("Train: 300 samples. Holdout: 300 samples" in text.value for text in shown.caption)
    assert shown.session_state[PART]["holdout"] == 0.5


def test_an_upload_is_kept_under_its_hash_and_described(
    page: Callable[..., AppTest], runs: Path, patients: Path
) -> None:
    shown = page("cohorts")
    shown.button_group[0].set_value("Upload a file").run()
    shown.file_uploader[0].upload("../../mine.csv", patients.read_bytes(), "text/csv").run()
    assert not shown.exception
    (kept,) = Workspace(runs).uploads()
    assert kept.name == "mine.csv"
    assert kept.parent.parent == runs / ".uploads"
    assert {metric.label: metric.value for metric in shown.metric}["Genes"] == "12"
    assert shown.session_state[PART]["cohort"] == kept.relative_to(runs).as_posix()


def test_a_new_session_begins_with_the_cohort_of_the_chosen_results(
    page: Callable[..., AppTest], runs: Path, patients: Path, one_run: Path
) -> None:
    assert page("cohorts", one_run.name).selectbox(key="cohort-named").value in ("gse7390", "simulated-expression")
    kept = Workspace(runs).keep_upload("mine.csv", patients.read_bytes())
    config = json.loads((one_run / "config.json").read_text(encoding="utf-8"))
    config["data"] |= {"cohort": kept.relative_to(runs).as_posix(), "holdout": 0.4}
    (one_run / "config.json").write_text(json.dumps(config | {"seed": 7}), encoding="utf-8")
    shown = page("cohorts", one_run.name)
    assert not shown.exception
    assert shown.session_state[PART]["cohort"] == config["data"]["cohort"]
    assert shown.slider[0].value == 0.4
    assert shown.number_input[0].value == 7


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("broken.csv", b"no,header\n1", "every row needs one value per column"),
        ("broken.npz", b"not a zip", "broken.npz"),
        ("broken.h5ad", b"\x00\x01", "broken.h5ad"),
        ("empty.fasta", b"", "empty"),
    ],
)
def test_a_broken_upload_gives_one_line(
    page: Callable[..., AppTest], runs: Path, name: str, content: bytes, words: str
) -> None:
    shown = page("cohorts")
    shown.button_group[0].set_value("Upload a file").run()
    shown.file_uploader[0].upload(name, content, "application/octet-stream").run()
    assert not shown.exception
    (error,) = shown.error
    assert words in error.value.replace("\\", "")
    assert "\n" not in error.value


def test_markup_in_labels_stays_text(page: Callable[..., AppTest], runs: Path, patients: Path) -> None:
    text = patients.read_text().replace("class-A", "<script>alert(1)</script>").replace(
        "class-B", "[x](javascript:alert(1))"
    )  # fmt: skip
    path = Workspace(runs).keep_upload("markup.csv", text.encode())
    shown = page("cohorts", **{PART: {"cohort": path.relative_to(runs).as_posix()}})
    assert not shown.exception
    written = [
        part.value for kind in ("markdown", "caption", "html") for part in shown.get(kind) if hasattr(part, "value")
    ]
    assert not any("<script>" in str(value) or "](javascript" in str(value) for value in written)
    (chart,) = shown.get("plotly_chart")
    assert "<script>" not in chart.proto.spec
