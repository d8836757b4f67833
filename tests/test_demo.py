"""The command line, run as a user runs it."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

import fastnn
from fastnn.__main__ import main
from fastnn._demo import draw


def run(*arguments, cwd, encoding="utf-8"):
    """Run ``python -m fastnn`` outside the checkout, with output in the given encoding."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "fastnn", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        encoding=encoding,
        timeout=120,
    )


def drawings(output, ink):
    """Find the drawings: stretches of lines of nothing but ink, each with its line of captions."""
    lines = output.splitlines()
    found = []
    for i, line in enumerate(lines):
        if re.match(r" *read \d, is \d", line):
            start = i
            while re.fullmatch(f"[{re.escape(ink)}]+", lines[start - 1]):
                start -= 1
            found.append((lines[start:i], re.findall(r"read (\d), is (\d)", line)))
    return found


def test_demo_learns_and_shows_it(tmp_path):
    process = run("demo", cwd=tmp_path)
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
    output = process.stdout

    losses = [float(text) for text in re.findall(r"^ +\d+  (\d+\.\d{4})", output, re.M)]
    assert len(losses) >= 5
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[0] / 10

    percent, right, tested = re.search(
        r"accuracy +([\d.]+)% of the test digits \((\d+) of (\d+)\)", output
    ).groups()
    assert int(tested) == 359
    assert float(percent) >= 95
    assert abs(float(percent) - 100 * int(right) / int(tested)) < 0.06
    assert float(re.search(r"speed +([\d.]+) microseconds per sample", output)[1]) > 0
    assert max(map(len, output.splitlines())) < 80


@pytest.mark.parametrize(
    ("encoding", "ink"), [("utf-8", " ░▒▓█"), ("ascii", " .:+#"), ("cp1252", " .:+#")]
)
def test_demo_draws_digits_in_any_encoding(tmp_path, encoding, ink):
    process = run("demo", cwd=tmp_path, encoding=encoding)
    assert process.returncode == 0, process.stderr
    first, mistakes = drawings(process.stdout, ink)
    for rows, captions in first, mistakes:
        assert len(rows) == 8
        assert 1 <= len(captions) <= 4
        assert ink[-1] in "".join(rows)
    assert len(first[1]) == 4
    assert all(read != truth for read, truth in mistakes[1])


def test_drawing_turns_pixels_into_squares_of_ink():
    images = np.zeros((2, 64))
    images[0, 0] = 1.0  # upper left
    images[0, 63] = 0.5  # lower right
    images[1, 7] = 1.0  # upper right
    lines = draw(images, ["left", "right"], ".+#").splitlines()
    blank = 16 * "."
    assert lines[0] == f"  ##{14 * '.'}  {14 * '.'}##"
    assert lines[1:7] == 6 * [f"  {blank}  {blank}"]
    assert lines[7] == f"  {14 * '.'}++  {blank}"
    assert [line.split() for line in lines[8:]] == [["left", "right"]]


def test_unknown_command_is_refused(tmp_path):
    process = run("dmeo", cwd=tmp_path)
    assert process.returncode == 2
    assert process.stdout == ""
    assert "invalid choice: 'dmeo'" in process.stderr


def test_no_command_prints_the_help(capsys):
    assert main([]) == 0
    assert "demo" in capsys.readouterr().out


def test_version(capsys):
    with pytest.raises(SystemExit) as exit:
        main(["--version"])
    assert exit.value.code == 0
    expected = f"fastnn {fastnn.__version__} ({fastnn.kernel_level()} kernels)\n"
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize("arguments", [["demo"], []])
def test_closed_pipe_ends_the_program_quietly(tmp_path, arguments):
    # Unbuffered output would hide what Python has to say when it flushes the rest at its exit.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "fastnn", *arguments],
        cwd=tmp_path,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdout.close()
        assert process.wait(timeout=120) == 1
        assert process.stderr.read() == b""


def test_ctrl_c_ends_the_demo_with_one_line(tmp_path):
    program = """
import signal, sys
from fastnn import __main__, _demo
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored under nohup
_demo.say = lambda text="": signal.raise_signal(signal.SIGINT)
sys.exit(__main__.main(["demo"]))
"""
    process = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert process.stderr == "\nInterrupted.\n"
    assert process.returncode == 130
