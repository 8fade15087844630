"""The policy of an institution: read from TOML, with sources, and the judgement of figures by limits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from cohortsmith.data import DataError
from cohortsmith.evaluation.privacy.policy import (
    DEFAULT,
    Criterion,
    Judged,
    Judgement,
    Measured,
    Policy,
    judge,
    overall,
    read_policy,
)

if TYPE_CHECKING:
    from pathlib import Path


def of(text: str, folder: Path) -> Path:
    path = folder / "institution.toml"
    path.write_text(text)
    return path


def test_default_limits_are_those_of_the_published_conventions() -> None:
    auc = DEFAULT["worst_attack_auc"]
    assert (auc.limit, auc.block) == (0.55, 0.60)
    assert (DEFAULT["worst_attack_tpr"].limit, DEFAULT["worst_attack_tpr"].least) == (0.02, 500)
    for name in ("singling_out", "linkability", "inference"):
        assert DEFAULT[name].limit == 0.09
        assert DEFAULT[name].rule == "upper"
    assert all(len(criterion.source) > 20 for criterion in DEFAULT.criteria)


def test_a_policy_changes_some_limits_and_keeps_the_others(tmp_path: Path) -> None:
    policy = read_policy(of("[worst_attack_auc]\nlimit = 0.52\n[worst_attack_tpr]\nleast = 200\n", tmp_path))
    assert policy.name == "institution"
    assert (policy["worst_attack_auc"].limit, policy["worst_attack_auc"].block) == (0.52, 0.60)
    assert policy["worst_attack_tpr"].least == 200
    assert policy["linkability"] == DEFAULT["linkability"]


def test_the_policy_in_the_readme_is_the_default(root: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"^```toml\n(.*?)^```", (root / "README.md").read_text(encoding="utf-8"), re.M | re.S)
    (text,) = [block for block in blocks if "worst_attack_auc" in block]
    assert read_policy(of(text, tmp_path)).criteria == DEFAULT.criteria


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[worst_atack_auc]\nlimit = 0.5", ["worst_attack_auc", "unknown key"]),
        ("[worst_attack_auc]\nlimt = 0.5", ["limit", "unknown key"]),
        ("[linkability]\nblock = 0.5", ["block", "unknown key"]),
        ('[worst_attack_auc]\nlimit = "low"', ["a number from 0 to 1 was expected", '"low"']),
        ("[worst_attack_auc]\nlimit = true", ["a number from 0 to 1 was expected"]),
        ("[worst_attack_auc]\nlimit = nan", ["from 0 to 1"]),
        ("[worst_attack_auc]\nlimit = 55", ["from 0 to 1"]),
        ("[worst_attack_auc]\nlimit = 0.7", ["block", "0.7"]),
        ("[exact_copies]\nlimit = 1.0", ["hard stop", "exact_copies"]),
        ("[artefacts]\nlimit = 3", ["hard stop", "artefacts"]),
        ("[worst_attack_tpr]\nleast = 12.5", ["whole number"]),
        ("[worst_attack_tpr]\nleast = -1", ["at least 0"]),
        ("inference = 0.1", ["[inference] table"]),
        ("name = 3", ["name", "text"]),
        ("[inference", ["TOML"]),
    ],
)
def test_a_wrong_policy_is_refused_in_one_line(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(DataError) as error:
        read_policy(of(text, tmp_path))
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)
    with pytest.raises(DataError, match="no policy file"):
        read_policy(tmp_path / "absent.toml")


AUC = DEFAULT["worst_attack_auc"]
RISK = DEFAULT["inference"]
COPIES = DEFAULT["exact_copies"]


@pytest.mark.parametrize(
    ("criterion", "value", "low", "high", "nothing", "outcome", "blocked"),
    [
        (AUC, 0.55, 0.51, 0.60, 0.5, "pass", False),
        (AUC, 0.52, 0.45, 0.62, 0.5, "not evaluable", False),  # within the limit, but the interval reaches the block
        (AUC, 0.56, 0.52, 0.60, 0.5, "fail", False),
        (AUC, 0.56, 0.49, 0.63, 0.5, "not evaluable", False),  # over the limit, and no sign of a leak
        (AUC, 0.61, 0.55, 0.67, 0.5, "fail", True),
        (RISK, 0.02, 0.01, 0.09, 0.0, "pass", False),
        (RISK, 0.06, 0.02, 0.10, 0.0, "fail", False),  # the upper end counts
        (RISK, 0.02, 0.00, 0.12, 0.0, "not evaluable", False),
        (COPIES, 0.01, 0.00, 0.03, 0.0, "pass", False),  # the lower end counts
        (COPIES, 0.01, 0.001, 0.03, 0.0, "fail", True),  # a hard stop
    ],
)
def test_a_figure_is_held_against_its_limit(
    criterion: Criterion, value: float, low: float, high: float, nothing: float, outcome: str, blocked: bool
) -> None:
    judgement = judge(criterion, Measured(value, low, high, nothing))
    assert (judgement.outcome, judgement.blocked) == (outcome, blocked)
    assert judgement.words


def test_one_fail_decides_and_an_open_question_is_no_pass() -> None:
    def of_outcome(value: float | None, low: float) -> Judgement:
        return judge(AUC, Measured(value, low, (value or 0.8) + 0.1, 0.5, reason="" if value else "too few"))

    passed, failed, unknown = of_outcome(0.5, 0.4), of_outcome(0.8, 0.7), of_outcome(None, 0.0)
    assert overall([passed, passed]) == "pass"
    assert overall([passed, unknown]) == "not evaluable"
    assert overall([unknown, failed, passed]) == "fail"
    assert unknown.words == "too few"


def test_looser_limits_are_named_and_a_pass_by_them_is_told_apart(tmp_path: Path) -> None:
    assert DEFAULT.laxer() == []
    strict = read_policy(of("[inference]\nlimit = 0.01\n[worst_attack_tpr]\nleast = 900\n", tmp_path))
    assert strict.laxer() == []
    loose = read_policy(of("[inference]\nlimit = 0.2\n[worst_attack_tpr]\nleast = 50\n", tmp_path))
    assert loose.laxer() == [("worst_attack_tpr", "least", 50, 500), ("inference", "limit", 0.2, 0.09)]
    passed = (judge(loose["inference"], Measured(0.0, 0.0, 0.01)),)
    assert Judged(loose, passed).loosened
    assert passed[0].loosened
    assert not judge(strict["inference"], Measured(0.0, 0.0, 0.005)).loosened
    assert not Judged(strict, passed).loosened
    assert not Judged(loose, (judge(loose["inference"], Measured(0.5, 0.4, 0.6)),)).loosened


def test_a_digest_tells_limits_apart_and_not_names(tmp_path: Path) -> None:
    loose = read_policy(of("[inference]\nlimit = 0.2\n", tmp_path))
    assert len(DEFAULT.digest()) == 64
    assert Policy("another name", DEFAULT.criteria).digest() == DEFAULT.digest()
    assert loose.digest() != DEFAULT.digest()


@pytest.mark.parametrize("name", ["default", "Default", " default ", "the default limits", "\uff44efault"])
def test_other_limits_that_call_themselves_the_default_are_shown_as_custom(name: str, tmp_path: Path) -> None:
    policy = read_policy(of(f'name = "{name}"\n[inference]\nlimit = 0.2\n', tmp_path))
    assert policy.shown == f"custom policy, digest {policy.digest()[:12]}"
    assert Judged(policy, (judge(policy["inference"], Measured(0.0, 0.0, 0.01)),)).loosened


def test_the_default_is_known_by_its_limits_and_other_policies_by_name_and_digest(tmp_path: Path) -> None:
    assert read_policy(of('name = "default"\n', tmp_path)) == DEFAULT
    assert Policy("another name", DEFAULT.criteria).shown == "default"
    strict = read_policy(of("[inference]\nlimit = 0.01\n", tmp_path))
    assert strict.shown == f"custom policy, 'institution', digest {strict.digest()[:12]}"
