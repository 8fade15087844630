"""Page Privacy: the decision, limits tried, attacks, downloads, and what it says without an audit."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING

import pytest

from cohortsmith.app.background import audit_jobs as decisions
from cohortsmith.app.release.attacking import carry_out_audit
from cohortsmith.app.release.audit_case import case_of_run
from cohortsmith.app.release.audit_files import write_audit
from cohortsmith.data import DataError
from cohortsmith.evaluation.privacy.audit_json import read_audit, toml_of
from cohortsmith.evaluation.privacy.policy import DEFAULT, read_policy
from tests.app.ui.looking import framed_words, plots, said

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streamlit.testing.v1 import AppTest

    from cohortsmith.evaluation.privacy.auditing import Audit

    Page = Callable[..., AppTest]


@pytest.fixture(scope="session")
def carried_out(tmp_path_factory: pytest.TempPathFactory, finished_run: Path) -> tuple[Audit, Path]:
    """Audit of the small finished run, and its folder."""
    folder = tmp_path_factory.mktemp("audits") / "small-audit"
    folder.mkdir()
    case = case_of_run(str(finished_run))
    audit = carry_out_audit(case, policy=DEFAULT, seed=0, image_models=None)
    write_audit(folder, audit, case)
    return audit, folder


@pytest.fixture
def audited(runs: Path, one_run: Path, carried_out: tuple[Audit, Path]) -> Path:
    """A finished run, and its audit beside it; the run's folder."""
    shutil.copytree(carried_out[1], runs / "small-audit")
    return one_run


def test_what_is_read_back_is_what_was_found(carried_out: tuple[Audit, Path]) -> None:
    audit, folder = carried_out
    found = read_audit(json.loads((folder / "audit.json").read_text(encoding="utf-8")))
    assert found.policy == audit.policy
    assert [(j.outcome, j.words, j.measured.value) for j in found.judged().judgements] == [
        (j.outcome, j.words, j.measured.value) for j in audit.judgements
    ]
    assert found.judged().outcome == audit.outcome
    assert [a.auc for a in found.attacks] == [a.auc for a in audit.found.attacks]
    assert {n: r.value for n, r in found.risks.items()} == {n: r.value for n, r in audit.found.risks.items()}


@pytest.mark.slow
def test_an_audit_is_started_from_the_page_and_its_decision_shown(one_run: Path, runs: Path, page: Page) -> None:
    shown = page("privacy", one_run.name)
    assert not shown.exception
    assert "Not audited yet" in said(shown)
    assert shown.code[0].value == f"cohortsmith audit runs/{one_run.name} --out runs/{one_run.name}-audit"
    shown.button(key="audit").click().run()
    assert not shown.exception
    started = decisions.find("audit", one_run, runs)
    assert started is not None
    with pytest.raises(DataError, match="is running already"):
        decisions.start("audit", one_run, runs)
    assert "so far" in said(page("privacy", one_run.name))  # another browser
    until = time.monotonic() + 90
    while started.running and time.monotonic() < until:
        time.sleep(0.2)
    assert started.state == "finished", started.log
    assert "decision" in framed_words(page("privacy", one_run.name))


def test_a_cancelled_audit_leaves_nothing(one_run: Path, runs: Path, page: Page) -> None:
    shown = page("privacy", one_run.name)
    shown.button(key="audit").click().run()
    shown.button(key="cancel-audit").click().run()
    assert not shown.exception
    assert decisions.find("audit", one_run, runs) is None
    assert "Not audited yet" in said(page("privacy", one_run.name))
    assert [entry.name for entry in runs.iterdir() if not entry.name.startswith(".")] == [one_run.name]


def test_an_audit_that_failed_says_why(one_run: Path, runs: Path, page: Page) -> None:
    (runs / f"{one_run.name}-audit").mkdir()
    (runs / f"{one_run.name}-audit" / "mine.txt").touch()
    started = decisions.start("audit", one_run, runs)
    until = time.monotonic() + 60
    while started.running and time.monotonic() < until:
        time.sleep(0.2)
    shown = page("privacy", one_run.name)
    assert "holds files that cohortsmith did not write" in said(shown).replace("\\", "")
    assert shown.button(key="audit").label == "Audit"


@pytest.mark.parametrize(("leak", "buttons"), [(0.0, ["release"]), (1.0, [])])
def test_only_what_passed_can_be_released_from_the_page(
    audited: Path, runs: Path, page: Page, leak: float, buttons: list[str]
) -> None:
    path = runs / "small-audit" / "audit.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    for row in facts["criteria"]:
        row |= dict.fromkeys(("value", "low", "high"), leak)
    path.write_text(json.dumps(facts), encoding="utf-8")
    shown = page("privacy", audited.name)
    assert not shown.exception
    assert [button.key for button in shown.button] == buttons


def test_a_run_finds_its_own_audit_and_another_does_not(audited: Path, runs: Path, page: Page) -> None:
    shown = page("privacy", audited.name)
    assert not shown.exception
    assert "decision" in framed_words(shown)
    assert "Membership: worst attack, AUC" in framed_words(shown)
    other = runs / "other"
    shutil.copytree(audited, other)
    facts = json.loads((other / "metrics.json").read_text(encoding="utf-8"))
    facts["digests"]["synthetic"] = "0" * 64
    (other / "metrics.json").write_text(json.dumps(facts), encoding="utf-8")
    assert "Not audited yet" in said(page("privacy", "other"))


def test_other_limits_change_the_decision_and_come_as_a_policy(audited: Path, page: Page, tmp_path: Path) -> None:
    shown = page("privacy", audited.name, **{"privacy-view": "Try other limits"})
    assert not shown.exception
    strict = shown.number_input(key="limit-linkability").set_value(0.0).run()
    assert not strict.exception
    assert "By the limits above:" in said(strict)
    (tmp_path / "policy.toml").write_text(toml_of(DEFAULT), encoding="utf-8")
    assert read_policy(tmp_path / "policy.toml").criteria == DEFAULT.criteria


@pytest.mark.parametrize(("view", "panels"), [("Attacks", 3), ("Privacy and utility", 1)])
def test_attacks_are_drawn(audited: Path, page: Page, view: str, panels: int) -> None:
    shown = page("privacy", audited.name, **{"privacy-view": view})
    assert not shown.exception
    assert len(plots(shown)) == panels


def test_an_audit_by_itself_is_shown_and_downloaded(audited: Path, page: Page) -> None:
    shown = page("privacy", "small-audit", **{"privacy-view": "Rules and limits"})
    assert not shown.exception
    assert "Singling out" in framed_words(shown)
    assert [button.proto.label for button in shown.get("download_button")] == ["audit.html", "audit.json"]


@pytest.mark.parametrize("content", ["{}", '{"policy": 3}', "["])
def test_a_broken_audit_says_so(audited: Path, runs: Path, page: Page, content: str) -> None:
    (runs / "small-audit" / "audit.json").write_text(content, encoding="utf-8")
    shown = page("privacy", "small-audit")
    assert not shown.exception
    assert "cannot be shown" in said(shown)
