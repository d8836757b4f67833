"""The site: ``nox -s docs`` builds it into docs/_build/html. Whatever it loads lies inside it."""

import os
import shutil
from pathlib import Path

from myst_nb.core import render
from myst_nb.core.utils import coalesce_streams

import fastnn


def joined(outputs):
    """What a cell prints as one text: myst-nb alone breaks lines where Jupyter sends two parts."""
    first, kept = {}, []
    for output in outputs:
        if output["output_type"] == "stream" and output["name"] in first:
            first[output["name"]]["text"] += output["text"]
            continue
        kept.append(output)
        if output["output_type"] == "stream":
            first[output["name"]] = output
    return coalesce_streams(kept)


render.coalesce_streams = joined

project = "fastnn"
author = "The fastnn developers"
copyright = "the fastnn developers"
version = release = fastnn.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "sphinx-mathjax-offline",
]
exclude_patterns = ["_build", "examples/*.ipynb"]
smartquotes = False
default_role = "autolink"  # of docstrings: a link where there is such a name

templates_path = ["_templates"]

html_theme = "pydata_sphinx_theme"
html_title = "fastnn"
html_favicon = "_static/fastnn.svg"
html_static_path = ["_static"]
html_css_files = ["fastnn.css"]
html_show_sourcelink = False
html_context = {"default_mode": "auto"}  # light or dark, as the browser says
html_theme_options = {
    "navbar_align": "left",
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}

# Each cell is run, in a folder that is thrown away, and one that fails ends the build.
os.environ["FASTNN_SOURCE"] = str(Path(__file__).parent.parent)
# Fits are cut short in pages, and in the processes that those start.
os.environ["PYTHONWARNINGS"] = "ignore:Stochastic Optimizer"
# A profile of IPython's of the site's own: by default kernels tell that they talk over TCP, and
# that they are ended. An error in a cell is the build's, not the kernel's, to tell.
profile = Path(__file__).parent / "_build/ipython/profile_default"
profile.mkdir(parents=True, exist_ok=True)
(profile / "ipython_kernel_config.py").write_text('c.IPKernelApp.log_level = "CRITICAL"\n', "utf-8")
os.environ["IPYTHONDIR"] = str(profile.parent)
# Programs write where they are: so it is copies that are run.
scripts = Path(__file__).parent / "_build/scripts"
shutil.rmtree(scripts, ignore_errors=True)
shutil.copytree(Path(__file__).parent.parent / "examples", scripts)
sphinx_gallery_conf = {
    "examples_dirs": str(scripts),
    "gallery_dirs": "examples",
    # All are run, but for the one that runs others.
    "filename_pattern": r"^(?!.*either_import).*\.py$",
    "within_subsection_order": "FileNameSortKey",
    "default_thumb_file": str(Path(__file__).parent / "_static/network.png"),
    "ignore_pattern": r"__init__\.py",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
}
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True
nb_code_prompt_show = "Show the code"
nb_code_prompt_hide = "Hide the code"
myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc has them
numpydoc_show_class_members = False
autodoc_member_order = "bysource"
copybutton_exclude = ".linenos, .gp, .go"

# What readers of the screen are told, where the theme and myst-nb say something else than what
# stands there, or nothing.
SPOKEN = {
    'search-button__button pst-js-only" title="Search" aria-label="Search"': (
        'search-button__button pst-js-only" aria-label="Search Ctrl+K"'
    ),
    '<summary aria-label="Toggle hidden content">': "<summary>",
    '<summary><span class="toctree-toggle"': (
        '<summary aria-label="Subpages"><span class="toctree-toggle"'
    ),
}


def speak(app, exception):
    """Replace in the pages that are built what stands in SPOKEN."""
    if exception or app.builder.name != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = before = page.read_text("utf-8")
        for said, spoken in SPOKEN.items():
            text = text.replace(said, spoken)
        if text != before:
            page.write_text(text, "utf-8")


def setup(app):
    app.connect("build-finished", speak)
