"""The families' constructors and docstrings against the settings that each data kind really has."""

from __future__ import annotations

import inspect
import re
from typing import Any, Literal, get_type_hints

import pytest

from cohortsmith.data import DataError
from cohortsmith.data.settings import Setting, settings_of
from cohortsmith.generators import FAMILIES, make_generator
from cohortsmith.generators.kinds import KINDS, PROFILE

NEURAL = ("gan", "wgan", "vae", "diffusion")
every = pytest.mark.parametrize("family", NEURAL)


def settings_by_kind(family: str) -> dict[str, dict[str, Setting]]:
    """Settings of a family on each data kind, those of private fits alone among them."""
    found: dict[str, dict[str, Setting]] = {}
    for name, kind in KINDS.items():
        parts: list[Any] = [kind.families[family], kind.codec]
        if kind.private and name == "expression":  # private fits of images have the same but for the codec
            parts = [kind.private.codec, *parts]
        found[name] = {setting: value for part in parts for setting, value in settings_of(part).items()}
        if kind.gpu:
            found[name][PROFILE] = Setting(Literal["auto", "cpu", "gpu"], "auto")
        assert set(found[name]) <= set(kind.names(family)) <= {*found[name], *found["expression"]}
    return found


def documented(family: str) -> dict[str, str]:
    """Entries of the docstring's `Args:`, each as one line."""
    doc = inspect.getdoc(FAMILIES[family]) or ""
    (args,) = re.findall(r"^Args:\n(.*?)\n\n", doc, re.M | re.S)
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", args, re.M)
    return {name: re.sub(r"\s+", " ", text) for name, text in entries}


def shown(value: Any) -> str:
    return f"({', '.join(f'{part:g}' for part in value)})" if isinstance(value, tuple) else str(value)


@every
def test_the_signature_names_every_setting_of_every_kind_with_its_type(family: str) -> None:
    kinds = settings_by_kind(family)
    parameters = dict(inspect.signature(FAMILIES[family]).parameters)
    assert parameters.pop("unknown").kind is inspect.Parameter.VAR_KEYWORD
    assert list(parameters) == FAMILIES[family].setting_names()
    hints = get_type_hints(FAMILIES[family].__init__)
    for name, parameter in parameters.items():
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert parameter.default is None
        for settings in kinds.values():
            if name in settings:
                assert hints[name] == settings[name].hint | None, name


@every
def test_the_docstring_has_every_setting_with_its_defaults_and_choices(family: str) -> None:
    kinds, entries = settings_by_kind(family), documented(family)
    assert list(entries) == [*FAMILIES[family].setting_names(), "unknown"]
    for name in FAMILIES[family].setting_names():
        defaults = [shown(kind[name].default) if name in kind else "-" for kind in kinds.values()]
        brackets = defaults[0] if len(set(defaults)) == 1 else " / ".join(defaults)
        assert entries[name].endswith(f" [{brackets}]."), f"{name}: {brackets}"
        for kind in kinds.values():
            if name in kind and hasattr(kind[name].hint, "__args__") and name != "dp_bounds":
                literals = [part for part in kind[name].hint.__args__ if part is not float]  # a number, or a word
                for choice in (choice for part in literals for choice in getattr(part, "__args__", (part,))):
                    assert f"`{choice}`" in entries[name]


@every
def test_the_docstring_has_the_defaults_of_gpus_and_of_private_fits(family: str) -> None:
    doc = re.sub(r"\s+", " ", inspect.getdoc(FAMILIES[family]) or "")
    gpu, private = KINDS["image"].gpu[family], KINDS["expression"].families[family].private_defaults
    of_private = [kind.private.families[family] for kind in KINDS.values() if kind.private]
    assert of_private == [KINDS["expression"].families[family]] * 2
    for settings in (gpu, private):
        assert ", ".join(f"{name} {shown(value)}" for name, value in settings.items()) + "." in doc


@every
def test_none_is_the_default_of_the_data_kind(family: str) -> None:
    family_class: Any = FAMILIES[family]
    given = family_class(steps=7, width=None).settings
    assert given == make_generator(family, steps=7).settings == {"steps": 7}


@every
def test_an_unknown_keyword_is_refused_with_near_names(family: str) -> None:
    family_class: Any = FAMILIES[family]
    for value in (3, None):
        with pytest.raises(DataError, match=f"{family} has no setting 'widht'; did you mean width"):
            family_class(widht=value)
