"""Pictures look as they did when somebody has looked at them: see pictures.py."""

import numpy as np
import pytest
from pictures import FOLDER, PICTURES, STYLES, draw
from PIL import Image

pytestmark = pytest.mark.unwatched

# Of 255, and of all pixels. What is a pixel further away, as older versions of Matplotlib have
# some images, is no difference.
DIFFERENCE, PART = 40, 0.003


def lies_within(image, other):
    """Which pixels have, colour by colour, something between what the 3x3 pixels there have."""
    height, width = image.shape[:2]
    padded = np.pad(other.astype(int), ((1, 1), (1, 1), (0, 0)), mode="edge")
    near = np.array([padded[i : i + height, j : j + width] for i in range(3) for j in range(3)])
    low, high = near.min(axis=0) - DIFFERENCE, near.max(axis=0) + DIFFERENCE
    return ((low <= image) & (image <= high)).all(axis=2)


def part_that_differs(found, kept):
    return 1 - (lies_within(found, kept) & lies_within(kept, found)).mean()


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", PICTURES)
def test_picture(name, style):
    kept = np.asarray(Image.open(FOLDER / f"{name}-{style}.png").convert("RGB"))
    found = draw(name, style)
    assert found.shape == kept.shape
    assert part_that_differs(found, kept) < PART


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", PICTURES)
def test_there_is_something_to_be_seen(name, style):
    image = draw(name, style).astype(int)
    background = image[0, 0]
    assert background.tolist() == ([255] * 3 if style == "light" else [0] * 3)
    assert (np.abs(image - background).max(axis=2) > 60).mean() > 0.003


def test_pictures_that_are_kept_are_those_that_are_drawn():
    expected = {f"{name}-{style}.png" for name in PICTURES for style in STYLES}
    assert {path.name for path in FOLDER.iterdir()} == expected


def test_another_picture_would_be_noticed():
    kept = {name: draw(name, "light") for name in ("cost", "roc", "rates", "reliability")}
    for one in kept:
        for other in kept:
            assert (part_that_differs(kept[one], kept[other]) < PART) == (one == other)
