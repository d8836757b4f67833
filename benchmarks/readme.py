"""Results into the places that wait for them: `<!-- name -->` to `<!-- end -->` in a README."""

import re
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).parent
BENCHMARKS, PROJECT = HERE / "README.md", HERE.parent / "README.md"


def fill(name: str, text: str, readme: Path = BENCHMARKS) -> None:
    """Replace what stands in the place of a name."""
    place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    before = readme.read_text(encoding="utf-8")
    after, n = place.subn(lambda match: f"{match[1]}{text}\n{match[2]}", before)
    if n != 1:
        raise SystemExit(f'{readme} must hold "<!-- {name} -->" and "<!-- end -->" once')
    readme.write_text(after, encoding="utf-8")


def table(rows: Iterable[Iterable[object]]) -> str:
    """Rows as Markdown; the first is the head."""
    head, *body = [[str(cell) for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def three_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"
