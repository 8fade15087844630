"""The denoiser of images, and how a fit on images is set up: profiles, arithmetic, turned views."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from cohortsmith.data import Cohort, DataError, simulate
from cohortsmith.generators import Diffusion, early_stopping
from cohortsmith.generators.contracts.architecture import NO_CLASS
from cohortsmith.generators.images.appearance import AppearanceClusters
from cohortsmith.generators.images.diffusion import ImageDiffusionFamily
from cohortsmith.generators.images.layers import GroupEmbedding
from cohortsmith.generators.images.networks import ImageNetwork
from cohortsmith.generators.images.symmetries import Turned
from cohortsmith.generators.kinds import bind
from cohortsmith.training import Runtime, fast_precision, train


@pytest.fixture(scope="module")
def cells() -> Cohort:
    return simulate("simulated-cells", 120, seed=0)


def test_the_denoiser_starts_at_zero_and_listens_to_noise_level_and_class() -> None:
    net = ImageNetwork(channels=3, classes=4, width=64, depth=1).denoiser()
    x, level, y = torch.randn(2, 3, 28, 28), torch.tensor([0.1, -0.5]), torch.tensor([0, 3])
    with torch.no_grad():
        assert not net(x, level, y).any()
        for weight in net.parameters():
            weight.add_(0.05 * torch.randn(weight.shape))
        plain = net(x, level, y)
        assert plain.shape == (2, 3, 28, 28)
        for other in (
            net(x, level + 0.3, y),
            net(x, level, torch.tensor([1, 3])),
            net(x, level, torch.full((2,), NO_CLASS)),
        ):
            assert (other[0] - plain[0]).abs().max() > 1e-3


def test_every_weight_counts() -> None:
    net = ImageNetwork(channels=3, classes=2, width=64, depth=1).denoiser()
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(0.05 * torch.randn(weight.shape))
    net(torch.randn(3, 3, 28, 28), torch.zeros(3), torch.tensor([0, 1, NO_CLASS])).square().sum().backward()
    assert not [name for name, weight in net.named_parameters() if weight.grad is None or not weight.grad.any()]


def test_a_patient_is_denoised_alike_whoever_is_beside_it() -> None:
    net = ImageNetwork(channels=1, classes=2, width=64, depth=1).denoiser().eval()
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(0.05 * torch.randn(weight.shape))
        x, level, y = torch.randn(3, 1, 28, 28), torch.zeros(3), torch.tensor([0, 1, 1])
        assert torch.allclose(net(x, level, y)[:1], net(x[:1], level[:1], y[:1]), atol=1e-5)


def test_a_look_starts_as_its_class_and_may_come_to_differ() -> None:
    told = GroupEmbedding(ImageNetwork(channels=3, classes=4, width=64, depth=1, parents=(0, 0, 1, 1)), 8)
    groups = torch.tensor([0, 1, 2, 3, NO_CLASS])
    assert told.class_of(groups).tolist() == [0, 0, 1, 1, 2]
    first, second, third, fourth, nobody = told(groups)
    assert torch.equal(first, second)
    assert torch.equal(third, fourth)
    assert not torch.equal(first, third)
    assert not torch.equal(nobody, first)
    with torch.no_grad():
        told.of_group.weight[1] += 1
    assert torch.equal(told(groups)[1], first + 1)


@pytest.mark.parametrize(("device", "profile"), [("cpu", "cpu"), ("cuda", "gpu"), ("mps", "cpu")])
def test_the_profile_follows_the_device_and_what_is_given_stands(device: str, profile: str) -> None:
    taken = bind("image", "diffusion", {"width": 192}, device).settings
    assert taken["profile"] == profile
    assert taken["width"] == 192
    assert taken["steps"] == (40_000 if profile == "gpu" else 15_000)
    assert bind("image", "diffusion", {"profile": "gpu"}, "cpu").settings["width"] == 128
    with pytest.raises(DataError, match="profile must be one of auto, cpu, gpu; got 'fast'"):
        bind("image", "diffusion", {"profile": "fast"}, "cpu")


def test_a_fit_says_its_profile_and_arithmetic(cells: Cohort) -> None:
    model = Diffusion(steps=2, depth=1, sampling_steps=2).fit(cells, seed=0)
    assert model.schema.values == 28 * 28 * 3  # what sampling in batches goes by
    assert model.summary["profile"] == model.settings["profile"] == "cpu"
    assert model.summary["precision"] == fast_precision(Runtime())
    assert fast_precision(Runtime(precision="32-true", device="cpu")) == "32-true"
    assert model.setting_names("image").count("profile") == 1
    assert "profile" not in model.setting_names("expression")


def test_a_fit_turns_pictures_and_evens_classes_where_it_is_told_to(
    cells: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}

    def watched(*parts: Any, **more: Any) -> Any:
        given.update(more)
        return train(*parts, **more)

    monkeypatch.setattr(early_stopping, "train", watched)
    Diffusion(steps=1, depth=1, sampling_steps=2, symmetries="square").fit(cells, seed=0)
    assert given["views"] == Turned("square")
    assert torch.equal(given["classes"], torch.from_numpy(cells.y))
    Diffusion(steps=1, depth=1, sampling_steps=2, symmetries="none").fit(cells, seed=0)
    assert given["views"] is None


def test_networks_are_asked_for_looks_as_often_as_train_has_them(cells: Cohort) -> None:
    model = Diffusion(steps=1, depth=1, sampling_steps=2, looks=2, min_look=5).fit(cells, seed=0)
    looks = model.binding.codec.strata
    assert isinstance(looks, AppearanceClusters)
    shares = [looks.share[looks.of_class == label] for label in range(len(cells.classes))]
    label = next(label for label, share in enumerate(shares) if len(share) == 2)
    drawn = model.binding.draw_groups(np.full(4000, label), np.random.default_rng(0))
    asked = [(drawn == group).mean() for group in np.flatnonzero(looks.of_class == label)]
    assert asked == pytest.approx(shares[label].tolist(), abs=0.03)


def test_training_sees_turned_pictures_and_evens_classes_not_looks() -> None:
    seen: list[Any] = []

    class Watch:
        def players(self, nets: Any) -> Any:
            return {"net": torch.optim.SGD(nets["net"].parameters(), lr=0.1)}

        def losses(self, nets: Any, batch: Any) -> Any:
            seen.append((batch.x.clone(), batch.y.clone()))
            yield "net", nets["net"](batch.x[:, :1]).square().mean()

        def validation_loss(self, nets: Any, x: Any, y: Any, generator: Any) -> Any:
            raise TypeError

    x, groups = torch.arange(100.0)[:, None], torch.arange(100) % 10
    classes = (torch.arange(100) >= 90).long()
    plan = ImageDiffusionFamily(steps=20, batch_size=40, balanced=True).plan(100)
    train(Watch(), {"net": torch.nn.Linear(1, 1)}, x, groups, plan=plan, seed=0,
          views=lambda values, uniform: values + 1000 * (uniform[:, None] < 0.5), classes=classes)  # fmt: skip
    values = torch.cat([batch for batch, _ in seen]).flatten()
    assert (values >= 1000).float().mean() == pytest.approx(0.5, abs=0.1)
    assert (values % 1000 >= 90).float().mean() == pytest.approx(0.5, abs=0.02)
    assert torch.equal(values % 1000 % 10, torch.cat([y for _, y in seen]).float())


def test_diffusion_learns_the_colour_of_each_class() -> None:
    rng = np.random.default_rng(0)
    base = simulate("simulated-cells", 64, seed=0)
    y = np.arange(64) % 2
    level = np.where(y == 0, 60, 190)[:, None, None, None]
    x = np.clip(level + rng.normal(0, 12, (64, 28, 28, 3)), 0, 255).astype(np.uint8)
    cohort = Cohort("image", x, y, ("dark", "light"), base.features, base.subjects, base.obs, {})
    model = Diffusion(steps=60, depth=1, batch_size=32, learning_rate=3e-3, sampling_steps=6, ema_decay=0.9)
    made = model.fit(cohort, seed=0).sample({"dark": 6, "light": 6}, seed=1)
    assert made.x[made.y == 0].mean() == pytest.approx(60, abs=25)
    assert made.x[made.y == 1].mean() == pytest.approx(190, abs=25)


@pytest.mark.gpu
def test_a_compiled_fit_on_a_gpu_learns_as_one_that_is_not(cells: Cohort) -> None:
    settings: dict[str, Any] = {"profile": "gpu", "steps": 30, "epochs": 0, "width": 64, "depth": 1, "batch_size": 64}
    losses = []
    for compiled in (True, False):
        model = Diffusion(compiled=compiled, **settings).fit(cells, seed=0, runtime=Runtime(device="cuda"))
        assert (model.summary["device"], model.summary["profile"]) == ("cuda", "gpu")
        losses.append(model.history[-1]["loss"])
        assert model.sample(64, seed=1).x.shape == (64, 28, 28, 3)
    assert losses[0] == pytest.approx(losses[1], rel=0.05)
