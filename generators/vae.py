"""`VAE` as a generator, with its settings."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import torch

from cohortsmith.data import Cohort, DataError
from cohortsmith.generators.contracts import Interpolating
from cohortsmith.generators.neural import NeuralGenerator, given
from cohortsmith.generators.objectives import VAEFamily


class VAE(NeuralGenerator):
    """Variational autoencoder (Kingma & Welling 2014), conditional on the class.

    Samples are drawn from the decoder's likelihood; on images the latent is a map and a flow its prior.

    A setting left at None takes the default of the data kind, in brackets for expression / sequences / images; one
    value where all agree, `-` where a kind has no such setting. On images the profile `gpu` has minutes 0.0, width 128,
    steps 20000, epochs 1000, batch_size 256. A private fit has, on expression and images, the defaults of expression
    but validation 0.0, width 64, depth 1, learning_rate 0.002, steps 600, prior normal.

    Args:
        steps: training steps at most [4000 / 1200 / 2000].
        epochs: passes over the patients at most; 0 sets no limit, nor does a private fit [100 / 0 / 200].
        minutes: that training takes at most, by the pace measured before it begins: fewer steps are taken where the
            machine is slow; 0 takes all [0.0 / 0.0 / 20.0].
        batch_size: patients per step, over all processes; at most half the cohort is taken [256 / 256 / 128].
        learning_rate: Adam's learning rate [0.001 / 0.001 / 0.0015].
        warmup: share of the steps over which the learning rate rises, before it falls as a cosine [0.03].
        ema_decay: decay of the running average of the weights, which samples come from [0.995].
        width: width of the networks [256 / 128 / 64].
        depth: number of blocks of the networks [3 / 2 / 2].
        dropout: on each block's hidden layer in training [0.0].
        balanced: show the classes to the networks equally often [False].
        validation: share of the patients held out for early stopping; 0 trains on all patients for all steps
            [0.1 / 0.1 / 0.0].
        validate_every: steps between two validations; 0 is a fortieth of all [0 / 100 / 100].
        patience: validations without gain before training stops [8].
        dp_epsilon: epsilon of differential privacy, for expression and images; 0 trains without [0.0].
        dp_delta: its delta; 0 is a tenth of one over the number of patients [0.0].
        dp_clip: largest norm of one patient's gradient in a private fit [1.0].
        dp_public_statistics: whether the codec's statistics and the class counts are public, as you state; otherwise
            the budget is charged for them [False].
        latent_dim: length of the latent; on images a multiple of 49 [32 / 32 / 196].
        beta: weight of the KL term [1.0].
        kl_warmup: share of the steps over which beta rises from zero [0.2 / 0.5 / 0.1].
        prior: what samples start from: `fitted`, the distribution of the training latents (a Gaussian of each class; on
            images a flow), or `normal`, N(0, I) [fitted].
        rank: entries of a code of expression that the networks learn, by falling variance, the others Gaussian; 0 is
            all of up to 128, else 64; in a private fit 16 components [0 / - / -].
        leak: largest AUC of attacks on train, cross-fitted, that what is kept of expression's covariance allows; `auto`
            is 0.6, `off` keeps the most whatever it gives away [auto / - / -].
        modes: most modes within a class of expression, such as two studies under one label, that are found and sampled
            by their share; 1 finds none [4 / - / -].
        mode_column: covariate whose values are the modes, such as a batch or a machine; empty finds them [ / - / -].
        calibrate_marginals: map each group's generated genes onto the training distribution of that class or mode
            [True / - / -].
        wide: number of genes above which a private fit has components; 0 is 1000 [0 / - / -].
        dp_bounds: least and largest log2 value of a gene in a private fit, from knowledge of the platform and not of
            these patients [(0, 24) / - / -].
        dp_decimals: decimals that values of a private fit are rounded to, from knowledge of the platform; 0 does not
            round [0 / - / -].
        min_carriers: fewest patients with an edit for the networks to know its position; rarer edits are known by their
            type alone [- / 3 / -].
        rare_edits: what becomes of rarer edits before training: `learn` leaves them, `scatter` moves each substitution
            to a random position where it is of the same type, `suppress` removes them [- / learn / -].
        prior_width: width of the flow's network [- / - / 128].
        prior_depth: number of blocks of the flow's network [- / - / 6].
        prior_start: share of the steps before the flow begins to learn [- / - / 0.15].
        solver_steps: steps of the flow's solver [- / - / 16].
        class_dropout: share of patients whose class is hidden from the flow in training; guidance needs it
            [- / - / 0.1].
        guidance: 1 samples the class as learned; above 1 pushes away from the whole population [- / - / 1.5].
        symmetries: how images are flipped and turned in training: `none`, `mirror` (left and right), `square` (mirrors
            and quarter turns), or `auto`, the largest symmetry that a classifier cannot detect in the training images
            [- / - / auto].
        looks: most appearance clusters (stain, lamp, scanner) that images are divided into, so that rare ones are
            sampled by their share; 1 conditions on the class alone [- / - / 8].
        min_look: fewest patients of an appearance cluster [- / - / 20].
        profile: defaults for a machine: `cpu`, `gpu`, or `auto`, which is `gpu` for a fit on CUDA [- / - / auto].
        unknown: refused, with the names of near settings.

    Raises:
        DataError: an unknown setting, or a value that it cannot have.

    Examples:
        >>> model = VAE(latent_dim=16, prior="normal").fit(train, seed=0)
        >>> synthetic = model.sample({"BRCA": 500, "OV": 300}, seed=1)
    """

    family: ClassVar[str] = "vae"

    def __init__(
        self,
        *,
        steps: int | None = None,
        epochs: int | None = None,
        minutes: float | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        warmup: float | None = None,
        ema_decay: float | None = None,
        width: int | None = None,
        depth: int | None = None,
        dropout: float | None = None,
        balanced: bool | None = None,
        validation: float | None = None,
        validate_every: int | None = None,
        patience: int | None = None,
        dp_epsilon: float | None = None,
        dp_delta: float | None = None,
        dp_clip: float | None = None,
        dp_public_statistics: bool | None = None,
        latent_dim: int | None = None,
        beta: float | None = None,
        kl_warmup: float | None = None,
        prior: Literal["fitted", "normal"] | None = None,
        rank: int | None = None,
        leak: float | Literal["auto", "off"] | None = None,
        modes: int | None = None,
        mode_column: str | None = None,
        calibrate_marginals: bool | None = None,
        wide: int | None = None,
        dp_bounds: tuple[float, ...] | None = None,
        dp_decimals: int | None = None,
        min_carriers: int | None = None,
        rare_edits: Literal["learn", "scatter", "suppress"] | None = None,
        prior_width: int | None = None,
        prior_depth: int | None = None,
        prior_start: float | None = None,
        solver_steps: int | None = None,
        class_dropout: float | None = None,
        guidance: float | None = None,
        symmetries: Literal["auto", "none", "mirror", "square"] | None = None,
        looks: int | None = None,
        min_look: int | None = None,
        profile: Literal["auto", "cpu", "gpu"] | None = None,
        **unknown: Any,
    ) -> None:
        super().__init__(**given(locals()))

    @torch.no_grad()
    def interpolate(self, first: str, last: str, steps: int = 9, seed: int = 0) -> Cohort:
        """Synthetic patients between one of class `first` and one of class `last`, in equal steps of the latent.

        Each is labelled with the nearer end.

        Raises:
            DataError: an unknown class, or fewer than two steps.
        """
        self.requested({first: 1, last: 1})
        if steps < 2:
            raise DataError(f"an interpolation needs at least 2 steps; got {steps}")
        rng = np.random.default_rng(seed)
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        ends = np.array([self.schema.classes.index(name) for name in (first, last)], dtype=np.int64)
        objective, codec = self.binding.objective, self.binding.codec
        if not isinstance(objective, VAEFamily):
            raise TypeError("a VAE's losses are those of VAEFamily")
        groups = self.binding.draw_groups(ends, rng)
        share = np.linspace(0, 1, steps, dtype=np.float32)
        if self.networks:
            codes = objective.interpolate(self.networks, int(groups[0]), int(groups[1]), steps, generator).numpy()
        else:
            codes = np.zeros((steps, *codec.code_shape), np.float32)
        y = np.where(np.arange(steps) < steps / 2, ends[0], ends[1]).astype(np.int64)
        if isinstance(codec, Interpolating):
            return self.as_cohort(codec.between(codes, groups, share, rng), y, seed)
        return self.as_cohort(codec.decode(codes, y, rng), y, seed)
