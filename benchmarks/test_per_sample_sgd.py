"""Per-sample SGD in the samples' order, µs per sample, fastnn beside its peers."""

from itertools import product

import pytest

from benchmarks import peers, workloads
from benchmarks.interleaving import Contender, record, replay, seconds_per_sample


@pytest.fixture(
    scope="module", params=product(workloads.NETWORKS, ("float32", "float64")), ids=" ".join
)
def race(request):
    """The workload's name, and every installed peer's seconds per sample, round by round."""
    workload = workloads.load(*request.param)
    contenders = {}
    for peer in peers.PEERS:
        module = peers.load(peer)
        if module is None:
            continue
        part = workload.part(module.SAMPLES_PER_ROUND or workload.n_samples)
        expected = peers.load("fastnn").per_sample_sgd(part)()
        work = module.per_sample_sgd(part)
        contenders[peer] = Contender(work, part.n_samples, expected, workload.dtype)
    return workload.name, seconds_per_sample(contenders)


@pytest.mark.benchmark(timer=replay)
@pytest.mark.parametrize("peer", peers.PEERS)
def test_per_sample_sgd(benchmark, race, peer):
    benchmark.group, seconds = race
    if peer not in seconds:
        pytest.skip(f"{peer} is not installed")
    record(benchmark, seconds[peer])
