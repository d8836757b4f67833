"""The examples run as a reader runs them, and the plain program and fastnn print the same."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"


def run(name, tmp_path):
    """Run an example, with arguments, outside the checkout; return what it printed."""
    script, *arguments = name.split()
    process = subprocess.run(
        [sys.executable, EXAMPLES / script, *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    return process.stdout


def differences(output):
    found = re.findall(rf"largest difference.*: ({NUMBER})$", output, re.I | re.M)
    return [float(text) for text in found]


def both_times(output):
    return re.findall(rf"plain {NUMBER} ms, fastnn {NUMBER} ms, ratio {NUMBER}", output, re.I)


def columns(pattern, output):
    """Turn lines that match the pattern into columns of its groups."""
    return list(zip(*re.findall(pattern, output, re.M), strict=True))


def test_every_example_has_a_test():
    own = ("test_s", "test_loss")
    tested = {name.removeprefix("test_") for name in globals() if name.startswith(own)}
    tested |= {path.stem for path in EXAMPLES.glob("sklearn_*.py")}
    assert {path.stem for path in EXAMPLES.glob("*.py")} == tested


def test_s0_three_lines_of_math(tmp_path):
    output = run("s0_three_lines_of_math.py", tmp_path)
    assert len(both_times(output)) == 2
    assert len(differences(output)) == 2
    assert max(differences(output)) < 1e-9

    losses = re.findall(rf"^  L (?:before|after).*? +({NUMBER})$", output, re.M)
    for before, plain, fast in losses[:3], losses[3:]:
        assert plain == fast
        assert float(plain) < float(before) / 4

    targets, plain, fast = columns(rf"^ +\[.*\] +(\d+) +({NUMBER}) +({NUMBER})$", output)
    assert plain == fast
    assert len(targets) == 12
    animals, children = slice(0, 6), slice(6, 12)
    assert [round(float(y_hat)) for y_hat in fast[animals]] == [int(y) for y in targets[animals]]
    assert all(
        abs(float(y_hat) - int(y)) < 0.5
        for y_hat, y in zip(fast[children], targets[children], strict=True)
    )


def test_s1_what_is_a_neural_network(tmp_path):
    output = run("s1_what_is_a_neural_network.py", tmp_path)
    plain, fast = columns(r"^  plain   (\[.*\])\n  fastnn  (\[.*\])$", output)
    assert len(plain) == 5
    assert plain == fast
    assert plain[0] == "[3.5]"
    neurons, total = json.loads(plain[1]), json.loads(plain[2])
    assert len(neurons) == 3
    assert abs(sum(neurons) - total[0]) < 1e-9
    assert plain[4] == plain[3]
    assert len(differences(output)) == len(both_times(output)) == 1
    assert differences(output)[0] < 1e-9


def test_s2_neural_networks_from_scratch(tmp_path):
    output = run("s2_neural_networks_from_scratch.py", tmp_path)
    assert f"plain {0.9990889488055994}  fastnn {0.9990889488055994}" in output
    assert f"plain {0.7216325609518421}  fastnn {0.7216325609518421}" in output

    line = r"Epoch \d+ loss: \d\.\d{3}"
    plain, fast = columns(rf"^({line}) +\| ({line})$", output)
    assert plain == fast
    epochs, losses = zip(*(re.findall(r"[\d.]+", text) for text in fast), strict=True)
    assert [int(epoch) for epoch in epochs] == list(range(0, 1000, 10))
    assert float(losses[-1]) < 0.01 < float(losses[0])

    for name, target in ("Emily", 1), ("Frank", 0):
        ((plain,), (fast,)) = columns(rf"^{name}: plain ({NUMBER})  fastnn ({NUMBER})$", output)
        assert plain == fast
        assert abs(float(fast) - target) < 0.1
    assert differences(output)[0] < 1e-9
    assert len(both_times(output)) == 1


@pytest.mark.unwatched
def test_s3_math_and_code(tmp_path):
    output = run("s3_math_and_code.py", tmp_path)
    epochs, plain, fast = columns(rf"^ +(\d+) +({NUMBER}) +({NUMBER})$", output)
    assert [int(epoch) for epoch in epochs] == [*range(0, 1000, 100), 999]
    assert plain == fast
    assert float(fast[-1]) < 0.01 < float(fast[0])

    row = rf"^[01] [01] [01] [01] +([01]) +({NUMBER}) +({NUMBER})$"
    targets, plain, fast = columns(row, output)
    assert len(targets) == 14
    assert plain == fast
    assert [round(float(y_hat)) for y_hat in fast] == [int(y) for y in targets]
    assert len(differences(output)) == 2
    assert max(differences(output)) < 1e-9
    assert len(both_times(output)) == 1

    (last_cost,) = re.findall(rf"^Last cost with a cyclical rate: ({NUMBER}) ", output, re.M)
    assert float(last_cost) < 0.01
    assert (tmp_path / "cost_curve.png").read_bytes().startswith(b"\x89PNG")


def test_s4_the_math(tmp_path):
    output = run("s4_the_math.py", tmp_path)
    plain, fast = columns(r"epochs: plain (\d+), fastnn (\d+)", output)
    assert plain == fast
    # The first stopped by itself, the second after finitely many corrections.
    assert 10 < int(fast[0]) < 100_000
    assert 1 < int(fast[1]) < 100

    targets, plain, fast = columns(rf"^  [01 ]{{13}} +(\d) +({NUMBER}) +({NUMBER})$", output)
    assert len(targets) == 16
    assert plain == fast
    assert [round(float(y_hat)) for y_hat in fast] == [int(y) for y in targets]
    assert all(float(y_hat) in (0, 1) for y_hat in fast[8:])
    assert output.count("right on 128 of 128 cases") == 2
    assert len(differences(output)) == len(both_times(output)) == 2
    assert max(differences(output)) < 1e-9


def test_either_import_line(tmp_path):
    output = run("sklearn_either_import.py", tmp_path)
    scripts = set(re.findall(r"^--- (sklearn_.*)$", output, re.M))
    assert scripts == {path.name for path in EXAMPLES.glob("sklearn_*.py")} - {
        "sklearn_either_import.py"
    }
    assert output.count("--- same output: yes\n") == len(scripts) == 3
    times = rf"^--- scikit-learn {NUMBER} ms, fastnn {NUMBER} ms, ratio {NUMBER}$"
    assert len(re.findall(times, output, re.M)) == 3
    assert len(output) > 2000


def test_loss_policy_gradient(tmp_path):
    output = run("loss_policy_gradient.py --seeds 20", tmp_path)
    steps = re.findall(rf"^seed \d+: ({NUMBER}) steps of 200", output, re.M)
    assert len(steps) == 20
    assert min(map(float, steps)) >= 195


def test_loss_quantiles(tmp_path):
    output = run("loss_quantiles.py", tmp_path)
    before, after = map(float, re.findall(rf"^loss \w+ +({NUMBER})$", output, re.M))
    assert after < before / 4
    quantiles, below = columns(rf"^quantile ({NUMBER}): ({NUMBER})", output)
    assert quantiles == ("0.1", "0.5", "0.9")
    np.testing.assert_allclose(np.float64(below), np.float64(quantiles), rtol=0, atol=0.03)
    *_, last = output.splitlines()
    # y is normal around sin(2.4) with a standard deviation of 0.46 at 0.8.
    known = np.sin(2.4) + 0.46 * np.array([-1.2816, 0, 1.2816])
    np.testing.assert_allclose(np.float64(last.split()[1:]), known, rtol=0, atol=0.15)


def test_loss_saliency(tmp_path):
    output = run("loss_saliency.py", tmp_path)
    plain, noisy, worse = map(float, re.findall(rf": +({NUMBER})$", output, re.M))
    assert plain > 0.9
    assert noisy > plain - 0.03
    assert worse < plain - 0.2
    digit, saliency = columns(r"^(.{16}) (.{16})$", output.partition("saliency")[2])
    assert len(digit) == len(saliency) == 8
