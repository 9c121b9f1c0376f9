import re
from html.parser import HTMLParser

import pytest
from support.browser import CHROMIUM, browser
from support.labels import LABELS
from support.service import one, running

from emotion_slm.serve.page import HEADERS, HTML

TOKEN = "0123456789abcdef"
ESCAPED = "<img src=x onerror=alert(1)> happy"
TAB, ENTER, SPACE, CTRL = ("Tab", 9), ("Enter", 13, "\r"), (" ", 32, " "), 2
needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")


def test_it_names_no_other_place():
    assert not re.search(r"https?:|//\w|@import|url\(", HTML)
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.append((tag, dict(attributes)))
    parser.feed(HTML)
    for tag, attributes in found:
        assert not {"src", "action", "style"} & set(attributes), tag
        assert not [name for name in attributes if name.startswith("on")], tag
        assert attributes.get("href", "data:").startswith("data:")


def test_its_policy_lets_nothing_else_run():
    policy = dict(
        part.strip().split(" ", 1) for part in HEADERS["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["frame-ancestors"] == "'none'" and policy["connect-src"] == "'self'"
    for kind in ("script-src", "style-src"):
        assert re.fullmatch(r"'sha256-[\w+/]{43}='", policy[kind])


def test_it_is_served_with_its_headers(app):
    answer = one(app, "GET", "/")
    assert answer.text == HTML and answer.headers["content-type"].startswith("text/html")
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


@pytest.fixture(scope="module")
def service(exported):
    with running(exported) as started:
        yield started


@pytest.fixture
def tab(tmp_path):
    with browser(tmp_path / "profile") as opened:
        yield opened


def open_page(tab, service, width: int = 1000, dark: bool = False) -> None:
    tab.look(width, 760, dark)
    tab.open(service.address)
    tab.until("document.getElementById('model').textContent !== ''")


def answered(tab) -> list[str]:
    tab.until("document.querySelectorAll('#bars li').length > 0")
    return tab.evaluate("[...document.querySelectorAll('#bars li')].map(row => row.innerText)")


def assert_quiet(tab, service) -> None:
    """It asked its own server alone, and broke no rule of its policy."""
    assert tab.complaints() == []
    own = ("/", "/info", "/predict")
    assert set(tab.requested()) <= {service.address + path for path in own}


@needs_chromium
def test_a_sentence_is_typed_and_sent_without_a_mouse(tab, service):
    open_page(tab, service)
    tab.type(ESCAPED)  # the text's field has the focus from the start
    tab.press(*TAB)
    assert tab.evaluate("document.activeElement.id") == "send"
    tab.press(*ENTER)
    rows = answered(tab)
    assert all(re.search(r"[01]\.\d\d$", row) for row in rows)
    tab.press(*TAB)
    tab.press(*SPACE)  # every label
    tab.until(f"document.querySelectorAll('#bars li').length === {len(LABELS)}")
    assert {row.split()[0] for row in answered(tab)} == set(LABELS)
    assert tab.evaluate("document.querySelectorAll('#answer img').length") == 0
    assert_quiet(tab, service)


@needs_chromium
def test_ctrl_enter_sends_and_an_example_is_a_click(tab, service):
    open_page(tab, service)
    tab.type("happy cat")
    tab.press(*ENTER, modifiers=CTRL)
    answered(tab)
    tab.click(".example")
    tab.until("document.getElementById('text').value.startsWith('Thank you')")
    answered(tab)
    assert_quiet(tab, service)


@needs_chromium
@pytest.mark.parametrize("width", [320, 360, 1000])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_fits_its_window_and_can_be_read(tab, service, width, dark, tmp_path):
    open_page(tab, service, width, dark)
    tab.type("happy " * 300)
    tab.click("#all")
    tab.press(*TAB)
    tab.evaluate("document.getElementById('ask').requestSubmit()")
    answered(tab)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate("getComputedStyle(document.getElementById('note')).display") == "block"
    for selector in ("h1", ".quiet", "#send", ".example", "#said", "li span", "footer"):
        assert contrast(tab, selector) >= 4.5, selector  # WCAG 2, level AA
    tab.screenshot(tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 10_000
    assert_quiet(tab, service)


def contrast(tab, selector: str) -> float:
    """Of an element's text to what is behind it."""
    colours = tab.evaluate(
        f"""(() => {{
          let part = document.querySelector({selector!r});
          const ink = getComputedStyle(part).color;
          const ground = () => getComputedStyle(part).backgroundColor;
          while (ground() === "rgba(0, 0, 0, 0)") part = part.parentElement;
          return [ink, ground()];
        }})()"""
    )
    light, dark = sorted((luminance(colour) for colour in colours), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """https://www.w3.org/TR/WCAG21/#dfn-relative-luminance"""
    shares = (int(part) / 255 for part in re.findall(r"\d+", colour)[:3])
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in shares
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@needs_chromium
def test_a_token_is_asked_for_and_remembered_for_the_tab(tab, exported, tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    with running(exported, "--token-file", str(tmp_path / "token")) as service:
        open_page(tab, service)
        tab.until("!document.getElementById('key').hidden")
        tab.type("happy cat")
        tab.evaluate("document.getElementById('token').focus()")
        tab.type("a wrong token")
        tab.press(*ENTER)
        tab.until("document.getElementById('model').textContent.includes('does not know')")
        tab.evaluate("document.getElementById('token').select()")
        tab.type(TOKEN)
        tab.press(*ENTER)
        answered(tab)
        assert tab.evaluate("document.getElementById('key').hidden")
        tab.open(service.address)
        tab.until("document.getElementById('model').textContent.startsWith('Model')")


@needs_chromium
def test_what_is_refused_is_named(tab, exported):
    with running(exported) as service:
        open_page(tab, service)
        tab.evaluate("document.getElementById('text').value = 'x'.repeat(1000001)")
        tab.click("#send")
        tab.until("document.getElementById('said').textContent.includes('characters; at most')")
        assert tab.evaluate("document.querySelectorAll('#bars li').length") == 0
    tab.click("#send")
    tab.until("document.getElementById('said').textContent.includes('does not answer')")
