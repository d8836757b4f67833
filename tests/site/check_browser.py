"""The built site in a browser: keys, screens of two widths, light and dark, and what axe finds.

``nox -s site`` runs this, with Chromium and its driver as Debian has them. Each picture is kept in
docs/_build/screens, to be looked at.
"""

import functools
import http.server
import json
import os
import threading
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

BUILD = Path(__file__).parent.parent.parent / "docs/_build"
SITE = BUILD / "html"
SCREENS = BUILD / "screens"
PAGES = [
    str(page.relative_to(SITE))
    for page in sorted(SITE.rglob("*.html"))
    if page.relative_to(SITE).parts[0] not in ("_static", "_modules")
]
PICTURED = [
    "index.html", "explain/four-forms.html", "how_to/many.html",
    "reference/generated/fastnn.Network.html",
    *(page for page in PAGES if page.startswith("learn/")),
]  # fmt: skip
NETWORK = "reference/generated/fastnn.Network.html#fastnn.Network"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def address():
    handler = functools.partial(Quiet, directory=SITE)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def browser():
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    for argument in (
        "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
        "--disable-background-networking",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ):  # fmt: skip
        options.add_argument(argument)
    service = webdriver.ChromeService("/usr/bin/chromedriver")
    with webdriver.Chrome(options, service) as driver:
        yield driver


@pytest.fixture
def show(browser, address):
    """show(page, ...): the page, when all of it has arrived, formulas too."""

    def show(page, *, width=1280, height=1000, theme="light"):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        features = [
            {"name": "prefers-color-scheme", "value": theme},
            # Amid a change from one colour to another there is too little contrast.
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        browser.get(address + page)
        browser.execute_async_script(
            "const here = [window.MathJax?.startup?.promise, document.fonts.ready];"
            "Promise.all(here).then(() => arguments[0]())"
        )
        assert browser.execute_script("return document.documentElement.dataset.theme") == theme

    return show


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("page", PAGES)
def test_page(browser, show, address, page, width):
    """It fits the screen, long lines and wide tables being scrolled in boxes, and is complete."""
    for log in ("browser", "performance"):
        browser.get_log(log)  # which empties it
    show(page, width=width)
    page_is, screen_is = browser.execute_script(
        "const e = document.documentElement; return [e.scrollWidth, e.clientWidth]"
    )
    assert page_is <= screen_is == width

    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    assert address + page in asked
    assert not [url for url in asked if not url.startswith((address, "data:"))]
    assert not [said for said in browser.get_log("browser") if said["level"] != "INFO"]


def test_search_by_keyboard(browser, show):
    """From the start page to Network.update without a mouse."""
    show("index.html")

    def press(what):
        browser.switch_to.active_element.send_keys(what)

    press(Keys.CONTROL + "k")
    assert browser.switch_to.active_element.get_attribute("name") == "q"
    press("update" + Keys.ENTER)
    WebDriverWait(browser, 10).until(lambda _: "search.html" in browser.current_url)
    WebDriverWait(browser, 10).until(
        lambda _: browser.find_elements(By.CSS_SELECTOR, f"#search-results a[href*='{NETWORK}']")
    )
    for _ in range(60):
        press(Keys.TAB)
        if NETWORK in (browser.switch_to.active_element.get_attribute("href") or ""):
            break
    press(Keys.ENTER)
    WebDriverWait(browser, 10).until(lambda _: NETWORK in browser.current_url.replace("?", ""))
    assert "Network" in browser.title


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", PICTURED)
def test_axe_finds_nothing_serious(browser, show, page, theme):
    show(page, theme=theme)
    browser.execute_script(Path(os.environ["AXE"]).read_text("utf-8"))
    found = browser.execute_async_script("axe.run().then(arguments[0])")
    assert found["passes"]
    assert not [
        (violation["id"], node["html"], node["failureSummary"])
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


def test_each_cell_can_be_copied(browser, show):
    show("how_to/many.html")
    cells = browser.find_elements(By.CSS_SELECTOR, ".cell_input")
    assert cells
    for cell in cells:
        assert cell.find_elements(By.CSS_SELECTOR, "button.copybtn")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("page", PICTURED)
def test_picture(browser, show, page, width, theme):
    show(page, width=width, height=1600, theme=theme)
    SCREENS.mkdir(exist_ok=True)
    file = SCREENS / f"{page.replace('/', '-').removesuffix('.html')}-{width}-{theme}.png"
    assert browser.save_screenshot(str(file))
