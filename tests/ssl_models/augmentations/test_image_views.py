"""Views of images: one affine map and one colour matrix per image, drawn from numbers that are handed in."""

from __future__ import annotations

import colorsys
import time

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from cohortsmith.data import DataError
from cohortsmith.ssl_models.augmentations.image_views import VIEWS, ImageViews
from tests.ssl_models.image_nets import IMAGES

STILL = ImageViews(1.0, "none", grey=0.0, jitter=0.0)
LUMA = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
NAMES = "area aspect across down angle eighth right below bright contrast saturation hue grey on".split()
MIDDLE = [0.5] * 12 + [0.999, 0.0]


def numbers(**at: float) -> Tensor:
    return torch.tensor([[at.get(name, middle) for name, middle in zip(NAMES, MIDDLE, strict=True)]]).repeat(12, 1)


@pytest.mark.parametrize("name", VIEWS)
def test_views_stay_images_and_differ_from_image_to_image(name: str) -> None:
    views = VIEWS[name]
    same = IMAGES[:1].expand(64, -1, -1, -1)
    seen = views(same, torch.rand((64, views.draws), generator=torch.Generator().manual_seed(0)))
    assert seen.shape == same.shape
    assert seen.dtype == torch.float32
    assert 0 <= seen.min()
    assert seen.max() <= 255
    assert torch.unique(seen.round(), dim=0).shape[0] > 50
    grey = views(same[:, :1], torch.rand((64, views.draws), generator=torch.Generator().manual_seed(0)))
    assert grey.shape == (64, 1, 28, 28)


def test_the_same_numbers_give_the_same_views_also_where_arithmetic_is_rounded() -> None:
    views, uniform = ImageViews(), torch.rand((12, 14), generator=torch.Generator().manual_seed(3))
    seen = views(IMAGES, uniform)
    assert torch.equal(seen, views(IMAGES, uniform))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(seen, views(IMAGES, uniform))
    torch.testing.assert_close(seen[3:5], views(IMAGES[3:5], uniform[3:5]))


def test_with_nothing_to_change_images_stay() -> None:
    torch.testing.assert_close(STILL(IMAGES, torch.rand(12, 14)), IMAGES.float(), atol=0.01, rtol=0)


def test_a_square_has_eight_ways_to_lie_and_a_mirror_two() -> None:
    turned = [image for quarter in range(4) for image in (IMAGES.rot90(quarter, (2, 3)),)]
    ways = torch.stack([*turned, *(image.flip(3) for image in turned)]).float()
    found = set()
    for eighth in range(8):
        seen = ImageViews(1.0, "square", grey=0.0, jitter=0.0)(IMAGES, numbers(eighth=eighth / 8))
        far = (ways - seen).abs().amax((1, 2, 3, 4))
        assert far.min() < 0.01
        found.add(int(far.argmin()))
        mirrored = ImageViews(1.0, "mirror", grey=0.0, jitter=0.0)(IMAGES, numbers(eighth=eighth / 8))
        expected = IMAGES.flip(3) if eighth % 2 else IMAGES
        torch.testing.assert_close(mirrored, expected.float(), atol=0.01, rtol=0)
    assert found == set(range(8))


def test_a_shift_is_of_whole_pixels_and_repeats_the_border() -> None:
    seen = ImageViews(1.0, "none", shift=2, grey=0.0, jitter=0.0)(IMAGES, numbers(right=0.99, below=0.3))
    expected = F.pad(IMAGES.float(), (2, 0, 0, 1), mode="replicate")[:, :, 1:, :28]
    torch.testing.assert_close(seen, expected, atol=0.01, rtol=0)


def test_a_crop_shows_what_lies_in_its_place() -> None:
    """A quarter of the area in the lower right corner, sampled as by bilinear enlargement of that corner."""
    views = ImageViews(0.25, "none", grey=0.0, jitter=0.0)
    seen = views(IMAGES, numbers(area=0.0, across=1.0, down=1.0))
    enlarged = F.interpolate(IMAGES[:, :, 14:, 14:].float(), scale_factor=2, mode="bilinear")
    # Inside, where the enlargement does not run into the corner's own border.
    torch.testing.assert_close(seen[:, :, 2:, 2:], enlarged[:, :, 2:, 2:], atol=0.05, rtol=0)


def test_an_angle_turns_the_picture() -> None:
    quarter = ImageViews(1.0, "none", angle=90.0, grey=0.0, jitter=0.0)
    seen = quarter(IMAGES, numbers(angle=1.0))
    ways = torch.stack([IMAGES.rot90(1, (2, 3)), IMAGES.rot90(3, (2, 3))]).float()
    assert (ways - seen).abs().amax((1, 2, 3, 4)).min() < 0.01


def test_colours_change_as_by_one_step_after_the_other() -> None:
    """Brightness, saturation about each pixel's grey, contrast about the mean grey, without cutting off between."""
    views = ImageViews(1.0, "none", brightness=0.2, contrast=0.3, saturation=0.5, hue=0.0, grey=0.0)
    x = IMAGES.float() * 0.5 + 60
    seen = views(x, numbers(bright=0.75, contrast=0.25, saturation=0.9))
    expected = x * 1.1
    grey = (expected * LUMA).sum(1, keepdim=True)
    expected = grey + 1.4 * (expected - grey)
    mean = (expected * LUMA).sum(1, keepdim=True).mean((2, 3), keepdim=True)
    expected = (mean + 0.85 * (expected - mean)).clamp(0, 255)
    torch.testing.assert_close(seen, expected, atol=0.05, rtol=0)


def test_hue_goes_round_the_colour_circle_and_grey_takes_colour_away() -> None:
    red = torch.tensor([150.0, 90.0, 90.0]).view(1, 3, 1, 1).expand(12, -1, 28, 28)
    views = ImageViews(1.0, "none", brightness=0.0, contrast=0.0, saturation=0.0, hue=0.5, grey=0.2)
    turned = [views(red, numbers(hue=0.5 + share))[0, :, 0, 0] for share in (1 / 3, -1 / 3)]
    hues = sorted(colorsys.rgb_to_hsv(*(colour / 255).tolist())[0] for colour in turned)
    assert hues == pytest.approx([1 / 3, 2 / 3], abs=0.01)  # green and blue
    faded = views(IMAGES, numbers(grey=0.1))
    torch.testing.assert_close(faded, (IMAGES * LUMA).sum(1, keepdim=True).expand(-1, 3, -1, -1), atol=0.05, rtol=0)
    assert torch.equal(views(IMAGES[:, :1], numbers(grey=0.1)), views(IMAGES[:, :1], numbers(grey=0.9)))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"least_area": 0.0}, "least_area of views: expected 0.01 to 1, got 0.0"),
        ({"hue": 0.7}, "hue of views: expected 0 to 0.5, got 0.7"),
        ({"symmetry": "circle"}, "expected none, mirror or square, got 'circle'"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(settings: dict[str, float | str], said: str) -> None:
    with pytest.raises(DataError, match=said):
        ImageViews(**settings)  # type: ignore[arg-type]


@pytest.mark.gpu
def test_a_gpu_makes_the_same_views_and_512_of_them_in_five_milliseconds() -> None:
    views, uniform = VIEWS["simclr"], torch.rand((512, 14), generator=torch.Generator().manual_seed(0))
    x = IMAGES.repeat(43, 1, 1, 1)[:512]
    there, numbers_there = x.cuda(), uniform.cuda()
    torch.testing.assert_close(views(there, numbers_there).cpu(), views(x, uniform), atol=0.1, rtol=0)
    seconds = []
    for _ in range(10):
        start = time.perf_counter()
        views(there, numbers_there)
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 5e-3
