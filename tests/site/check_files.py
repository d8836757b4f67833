"""The files of the built site: nothing is loaded from elsewhere, and each link inside it leads on.

``nox -s docs`` runs this; the name keeps it out of the suite, which has no site.
"""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

SITE = Path(__file__).parent.parent.parent / "docs/_build/html"
# What lies in _static is no page, but the theme's template.
PAGES = sorted(set(SITE.rglob("*.html")) - set(SITE.rglob("_static/**/*.html")))

ELSEWHERE = re.compile(r"\s*([a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
IN_CSS = re.compile(r"url\(\s*[\"']?([^\"')]+)|@import\s+[\"']([^\"']+)", re.IGNORECASE)
IN_SCRIPT = re.compile(r"[\"'`]((?:https?:)?//[\w-]+\.\w[^\"'`\s]*)", re.IGNORECASE)
# Attributes whose address a browser loads without being asked; and <link>, if it is not these.
LOADING = {"src", "srcset", "poster", "data", "background"}
LINKS_THAT_ONLY_TELL = {"index", "search", "next", "prev", "canonical", "author", "license"}
# Namespaces, which are names, and a link in MathJax's menu. MathJax has its voice's files from the
# site (loader.paths.sre); the addresses are what it would do without, in Node and in old browsers.
NOT_LOADED = re.compile(
    r"http://www\.w3\.org/|https://www\.mathjax\.org|https://cdn\.jsdelivr\.net/npm/"
)


def addresses_in_css(text):
    return ["".join(groups) for groups in IN_CSS.findall(text)]


class Page(HTMLParser):
    """What a page loads, where it links to, and what may be linked to in it."""

    def __init__(self, path):
        super().__init__()
        self.loads, self.links, self.anchors, self.inside = [], [], set(), None
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attributes):
        attributes = {name: value or "" for name, value in attributes}
        self.inside = tag
        self.anchors |= {attributes[name] for name in ("id", "name") if name in attributes}
        self.loads += [
            address.split()[0]
            for name in LOADING & attributes.keys()
            for address in (attributes[name].split(",") if name == "srcset" else [attributes[name]])
        ]
        self.loads += addresses_in_css(attributes.get("style", ""))
        href = attributes.get("href")
        if href is None:
            return
        only_tells = set(attributes.get("rel", "").split()) & LINKS_THAT_ONLY_TELL
        if tag in ("use", "image") or (tag == "link" and not only_tells):
            self.loads.append(href)
        else:
            self.links.append(href)

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, text):
        if self.inside == "style":
            self.loads += addresses_in_css(text)
        elif self.inside == "script":
            self.loads += IN_SCRIPT.findall(text)


READ = {path: Page(path) for path in PAGES}


def relative(path):
    return str(path.relative_to(SITE))


def target(path, address):
    """The file of the site that an address on a page means."""
    way = unquote(urlsplit(address).path)
    return path if not way else (path.parent / way).resolve()


def test_there_is_a_site():
    assert SITE / "index.html" in PAGES, "no site: nox -s docs builds it"


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_page_loads_from_the_site(path):
    loads = [address for address in READ[path].loads if not address.startswith(("data:", "#"))]
    assert loads
    assert not [address for address in loads if ELSEWHERE.match(address)]
    assert not [address for address in loads if not target(path, address).is_file()]


@pytest.mark.parametrize("path", sorted(SITE.rglob("*.css")), ids=relative)
def test_style_loads_from_the_site(path):
    loads = [one for one in addresses_in_css(path.read_text("utf-8")) if one[:5] != "data:"]
    assert not [address for address in loads if ELSEWHERE.match(address)]


@pytest.mark.parametrize(
    "path",
    sorted(
        {
            target(page, address)
            for page in PAGES
            for address in READ[page].loads
            if urlsplit(address).path.endswith(".js")
        }
    ),
    ids=relative,
)
def test_script_loads_from_the_site(path):
    found = IN_SCRIPT.findall(path.read_text("utf-8"))
    assert not [address for address in found if not NOT_LOADED.match(address)]


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_links_lead_to_pages_and_places(path):
    lost = []
    for address in READ[path].links:
        if ELSEWHERE.match(address) or address.startswith("mailto:"):
            continue
        to, place = target(path, address), unquote(urlsplit(address).fragment)
        if not to.is_file() or (place and to in READ and place not in READ[to].anchors):
            lost.append(address)
    assert not lost
