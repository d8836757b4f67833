"""The pages in docs/ say what is true: each runs as one program, and prints what it says.

Those whose cells show what they print are run where the site is built. Behind "python" a block may
name packages, without which it is left out.
"""

import importlib.util
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

pytestmark = pytest.mark.unwatched

DOCS = Path(__file__).parent.parent / "docs"
PAGES = [
    page for page in sorted(DOCS.rglob("*.md")) if "remove_code_outputs" in page.read_text("utf-8")
]
CELL = re.compile(r"```(?:{code-cell} )?python([\w ]*)\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page(page, tmp_path):
    text = page.read_text("utf-8")
    program = "\n".join(
        block
        for needed, block in re.findall(CELL, text)
        if all(map(importlib.util.find_spec, needed.split()))
    )
    promised = re.findall(r"^(?:print\(.*\)  |to_c\(.*\)\n)# (.*)$", program, re.MULTILINE)
    assert promised
    # New processes import the program, which therefore must be a file, and does nothing then.
    program = 'if __name__ == "__main__":\n' + textwrap.indent(program, "    ")
    (tmp_path / "page.py").write_text(program, encoding="utf-8")
    command = [sys.executable, "-W", "ignore", "page.py"]
    found = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert found.stdout.splitlines() == promised
