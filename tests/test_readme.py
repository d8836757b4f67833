"""The README's code runs and prints what its comments say, and its commands are those of CI."""

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
COMMANDS = re.findall(r"```\n(.*?)```", README, re.DOTALL)


def table_rows(text: str, first_cell: str) -> list[str]:
    """The rows of the table whose head begins with first_cell."""
    lines = iter(text.splitlines())
    head = next(line for line in lines if line.startswith(f"| {first_cell} "))
    rows = [head]
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append(line)
    return rows


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_program_prints_what_its_comments_say(program: str, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    promised = re.findall(r"^print\(.*?\) +# (.*?)(?:\.\.\.\]?)?$", program, re.MULTILINE)
    assert promised
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(program, {})
    lines = printed.getvalue().splitlines()
    assert len(lines) == len(promised)
    for line, beginning in zip(lines, promised, strict=True):
        assert line.startswith(beginning)


def test_ci_runs_the_test_command() -> None:
    command = next(one for one in COMMANDS if "pytest\n" in one and "benchmarks" not in one)
    assert f"{{ {command.strip()}; }}" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_speed_table_is_the_one_measured() -> None:
    benchmarks = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    rows = table_rows(README, "workload")
    assert len(rows) == 2 + 5
    assert set(rows) <= set(table_rows(benchmarks, "workload"))


def test_it_is_short_and_its_links_lead_somewhere() -> None:
    assert len(README.splitlines()) <= 150
    links = re.findall(r"\]\(([^)#]+)", README)
    assert len(links) > 20
    assert [link for link in links if not (ROOT / link).exists()] == []
