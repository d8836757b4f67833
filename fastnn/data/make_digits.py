"""Make digits.npz from scikit-learn's copy of the data: ``python make_digits.py``."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits


def main() -> None:
    """Write digits.npz beside this script."""
    pixels, labels = load_digits(return_X_y=True)
    images = pixels.astype(np.uint8)
    # The pixels are counts from 0 to 16: nothing may be lost on the way to one byte each.
    if not np.array_equal(images, pixels):
        raise ValueError("the pixels are not whole numbers from 0 to 255")
    path = Path(__file__).with_name("digits.npz")
    np.savez_compressed(path, images=images, labels=labels.astype(np.uint8))
    print(f"wrote {path}, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
