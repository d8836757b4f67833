"""What many tests have in common: both dtypes, and shorter chunks."""

import contextlib

import pytest

from fastnn._core import chunks

every_dtype = pytest.mark.parametrize("dtype", ["float64", "float32"])


@contextlib.contextmanager
def chunks_of(n_samples):
    """Chunks have so many samples meanwhile; as many as ever if that is None or 0."""
    with pytest.MonkeyPatch.context() as patch:
        if n_samples:
            patch.setattr(chunks, "samples_per_chunk", lambda *_: n_samples)
        yield
