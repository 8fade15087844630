"""Every family and baseline by name."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from cohortsmith.data import DataError
from cohortsmith.data.settings import refuse_unknown
from cohortsmith.generators.baselines import (
    MVN,
    PWM,
    SDVCTGAN,
    SDVTVAE,
    VLMC,
    Bootstrap,
    GoodTuring,
    Marginals,
    RandomEdits,
    SDVGaussianCopula,
)
from cohortsmith.generators.copula import Copula
from cohortsmith.generators.diffusion import Diffusion
from cohortsmith.generators.gan import GAN
from cohortsmith.generators.vae import VAE
from cohortsmith.generators.wgan import WGAN

if TYPE_CHECKING:
    from cohortsmith.generators.contracts import Generator

FAMILIES: dict[str, type[Generator]] = {
    "gan": GAN,
    "wgan": WGAN,
    "vae": VAE,
    "diffusion": Diffusion,
    "copula": Copula,
    "mvn": MVN,
    "bootstrap": Bootstrap,
    "marginals": Marginals,
    "vlmc": VLMC,
    "pwm": PWM,
    "random-edits": RandomEdits,
    "good-turing": GoodTuring,
    "sdv-gaussiancopula": SDVGaussianCopula,
    "sdv-ctgan": SDVCTGAN,
    "sdv-tvae": SDVTVAE,
}


def make_generator(family: str, **settings: Any) -> Generator:
    """Build an unfitted generator by name.

    Raises:
        DataError: an unknown family or setting; the message names the near ones.
    """
    if family not in FAMILIES:
        near = get_close_matches(family, FAMILIES, n=2)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(FAMILIES)}"
        raise DataError(f"unknown family {family!r}; {hint}")
    kind = FAMILIES[family]
    refuse_unknown(family, settings, kind.setting_names())
    return kind(**settings)
