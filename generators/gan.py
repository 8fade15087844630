"""`GAN` as a generator, with its settings."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from cohortsmith.generators.neural import NeuralGenerator, given


class GAN(NeuralGenerator):
    """Generative adversarial network (Goodfellow et al. 2014), conditional on the class.

    Non-saturating with R1 (Mescheder et al. 2018) on expression and sequences; on images relativistic with R1 and R2
    behind augmentation (R3GAN, Huang et al. 2024).

    A setting left at None takes the default of the data kind, in brackets for expression / sequences / images; one
    value where all agree, `-` where a kind has no such setting. On images the profile `gpu` has minutes 0.0, width 128,
    depth 2, steps 30000. A private fit has, on expression and images, the defaults of expression but validation 0.0,
    width 64, depth 1, learning_rate 0.002, steps 200, r1 0.0.

    Args:
        steps: training steps at most [1200 / 600 / 6000].
        epochs: passes over the patients at most; 0 sets no limit, nor does a private fit [150 / 0 / 0].
        minutes: that training takes at most, by the pace measured before it begins: fewer steps are taken where the
            machine is slow; 0 takes all [0.0 / 0.0 / 20.0].
        batch_size: patients per step, over all processes; at most half the cohort is taken [256 / 128 / 64].
        learning_rate: Adam's learning rate [0.001].
        warmup: share of the steps over which the learning rate rises, before it falls as a cosine [0.03].
        ema_decay: decay of the running average of the weights, which samples come from [0.995].
        width: width of the networks [256 / 128 / 64].
        depth: number of blocks of the networks [3 / 2 / 1].
        dropout: on each block's hidden layer in training [0.0].
        balanced: show the classes to the networks equally often [False].
        validation: share of the patients held out for early stopping by the energy score, as adversarial losses do not
            show when to stop; 0 trains on all patients for all steps [0.1 / 0.0 / 0.0].
        validate_every: steps between two validations; 0 is a fortieth of all [0].
        patience: validations without gain before training stops [8 / 0 / 0].
        dp_epsilon: epsilon of differential privacy, for expression and images; 0 trains without [0.0].
        dp_delta: its delta; 0 is a tenth of one over the number of patients [0.0].
        dp_clip: largest norm of one patient's gradient in a private fit [1.0].
        dp_public_statistics: whether the codec's statistics and the class counts are public, as you state; otherwise
            the budget is charged for them [False].
        latent_dim: length of the generator's noise [64].
        r1: weight of the gradient penalty on real patients [10.0 / 0.001 / 0.1].
        instance_noise: standard deviation of the noise on all that the discriminator sees [0.7 / 0.0 / 0.0].
        discriminator_rate: the discriminator's learning rate over the generator's [1.0].
        dp_weight_clip: largest weight of the discriminator in a private fit, in place of gradient penalties [0.1].
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
        r2: weight of the gradient penalty on generated images [- / - / 0.1].
        penalty_every: steps from one gradient penalty to the next [- / - / 4].
        mode_seeking: weight of the generator's loss for images of a class that are less diverse than real ones
            [- / - / 1.0].
        augmentation: strength of the augmentation of all images that the discriminator sees; 0 is none, 1 that of Zhao
            et al. 2020 [- / - / 0.25].
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
        >>> model = GAN(steps=600, r1=1.0).fit(train, seed=0)
        >>> synthetic = model.sample({"BRCA": 500, "OV": 300}, seed=1)
    """

    family: ClassVar[str] = "gan"

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
        r1: float | None = None,
        instance_noise: float | None = None,
        discriminator_rate: float | None = None,
        dp_weight_clip: float | None = None,
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
        r2: float | None = None,
        penalty_every: int | None = None,
        mode_seeking: float | None = None,
        augmentation: float | None = None,
        symmetries: Literal["auto", "none", "mirror", "square"] | None = None,
        looks: int | None = None,
        min_look: int | None = None,
        profile: Literal["auto", "cpu", "gpu"] | None = None,
        **unknown: Any,
    ) -> None:
        super().__init__(**given(locals()))
