"""Every workload, fastnn beside its peers; pytest shows seconds per sample."""

from dataclasses import replace

import pytest

from benchmarks import peers
from benchmarks.interleaving import enter, record, replay, seconds_per_sample
from benchmarks.workloads import MANY_NETWORKS, WORKLOADS


@pytest.fixture(scope="module", params=WORKLOADS)
def race(request, probe):
    """The workload's name, its floor, and the seconds per sample of all who can do it."""
    workload = replace(WORKLOADS[request.param])  # a copy, whose data does not outlive the race
    contenders = {}
    for name in peers.IMPLEMENTATIONS:
        own = name in peers.OWN
        left_out = workload.peers and not own and name not in workload.peers
        if left_out or peers.load(name) is None:
            continue
        contender = enter(name, workload if own else workload.versus or workload)
        if contender:
            contenders[name] = contender
    rounds = request.config.getoption("--rounds")
    if probe is None:
        return workload.name, seconds_per_sample(contenders, rounds, lambda: None), None
    probe.measured.clear()
    seconds = seconds_per_sample(contenders, rounds, probe.measure)
    return workload.name, seconds, probe.floor(workload)


@pytest.mark.benchmark(timer=replay)
@pytest.mark.parametrize("name", peers.IMPLEMENTATIONS)
def test_workload(benchmark, race, name):
    benchmark.group, seconds, floor = race
    if name not in seconds:
        missing = peers.load(name) is None
        pytest.skip(f"{name} {'is not installed' if missing else 'is not in this race'}")
    if floor:
        benchmark.extra_info["floor"] = dict(zip(("seconds", "bound"), floor, strict=True))
    record(benchmark, seconds[name])


@pytest.mark.parametrize("name", peers.IMPLEMENTATIONS)
@pytest.mark.parametrize("workload", MANY_NETWORKS.values(), ids=MANY_NETWORKS)
def test_many_networks_are_those_of_fastnn(name, workload):
    """`benchmarks.many` times them; `enter` holds them against fastnn's."""
    if peers.load(name) is None:
        pytest.skip(f"{name} is not installed")
    if not enter(name, workload):
        pytest.skip(f"{name} does not train many networks")
