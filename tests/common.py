"""What many tests have in common: both dtypes, shorter chunks, and a cluster."""

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


@contextlib.contextmanager
def on_dask(folder):
    """joblib gives its work to two worker processes of a cluster, as of many machines.

    Its pages get a free port, as there may be another cluster on this machine.
    """
    import joblib
    from dask.distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0",
            local_directory=folder,
        ) as cluster,
        Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):  # fmt: skip
        yield
