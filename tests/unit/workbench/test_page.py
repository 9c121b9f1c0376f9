"""What is given to a page stays text in it: in HTML and, by a CommonMark parser, in Markdown."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.workbench.page import (
    CAPTIONS,
    environment,
    escape_markdown,
    read_pictures,
    signed,
)

# As GitHub reads comments: tables, struck-out text, HTML passed through.
GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
# What GitHub makes of the text that is left: mentions, numbers of issues, bare addresses.
FOUND_LATER = re.compile(r"@\w|(?<!\w)#\d|\bGH-\d|\w@\w", re.IGNORECASE)
IN_SOURCE = re.compile(r"www\.|https?://|ftp://|mailto:|xmpp:", re.IGNORECASE)

PIECES = (
    "@someone", "#12", "GH-12", "o/r#1", "a@b.example", "www.evil.example", "https://evil.example",
    "[x](https://evil.example)", "![x](y)", "<img src=x onerror=alert(1)>", "</details>", "<!--",
    "|", "||", "\n", "\r\n", "\n\n", "# h", "\n---\n", "===", "- x", "1. x", "+ x", "* x", "> q",
    "    code", "`c`", "```\n", "~~x~~", "**b**", "__b__", "_i_", "\\", "\\|", "&amp;", "&#124;",
    "<https://evil.example>", "[x]: https://evil.example", "|---|---|", "\t", "\x00", "\x85",
    "\u2028", "\ud800", "\u202e", "é", "word",
)  # fmt: skip
TEXT = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=6).map("".join),
    st.text(st.characters(codec=None), max_size=30),
)


def visible(text: str) -> str:
    """The text without what Markdown and HTML change of it: blanks, odd characters."""
    kept = "".join(char for char in text if char.isprintable() and char not in "\u200b\ufffd")
    return re.sub(r"\s+", "", kept)


class Plain(HTMLParser):
    """The tags of a piece of HTML, and its text."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(content)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


PLACES = {  # a template, and the tags that it makes of a word
    "# {{ value }}\n": ["h1"],
    "{{ value }}\n": ["p"],
    "Base {{ value }} and {{ value }}.\n": ["p"],
    "- {{ value }}\n": ["ul", "li"],
    "- ⚠️ **{{ value }}**\n": ["ul", "li", "strong"],
    "| a | b |\n|---|---|\n| {{ value }} | <code>{{ value }}</code> |\n": [
        "table", "thead", "tr", "th", "th", "tbody", "tr", "td", "td", "code",
    ],
    "<details><summary>{{ value }}</summary>\n\ntext\n\n</details>\n": ["details", "summary", "p"],
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@given(value=TEXT)
@example(value="- @a #1 GH-1 www.x.y a@b.c https://x.y")
@example(value="|x|\n|---|\n\n# h\n")
def test_nothing_given_to_a_summary_comes_alive(place, value):
    """Only the template's own tags are there, and all that was given is text between them."""
    assume(visible(value))
    source = environment(markdown=True).from_string(place).render(value=value)
    page = Plain(GITHUB.render(source))
    expected = Plain(GITHUB.render(place.replace("{{ value }}", "x")))
    assert page.tags == expected.tags == PLACES[place]
    assert visible(page.text).count(visible(value)) >= 1
    assert not FOUND_LATER.search(page.text) and not IN_SOURCE.search(source)


@given(value=TEXT)
@example(value="a|b`](x)\n<img>.png")
def test_a_file_s_name_stays_within_its_link_and_its_picture(value):
    picture = '<img alt="base" src="{{ value | link }}">'
    template = f"| a |\n|---|\n| {picture} |\n\n![x]({{{{ value | link }}}})\n"
    source = environment(markdown=True).from_string(template).render(value=value)
    page = Plain(GITHUB.render(source))
    wanted = ["table", "thead", "tr", "th", "tbody", "tr", "td", "img", "p", "img"]
    assert page.tags == wanted and page.text.split() == ["a"]


@given(value=TEXT)
def test_nothing_given_to_a_page_comes_alive(value):
    template = '<p title="{{ value }}">{{ value }}</p>'
    page = Plain(environment().from_string(template).render(value=value))
    assert page.tags == ["p"] and visible(page.text) == visible(value)


def test_plain_words_and_numbers_stay_readable_in_the_source():
    plain = "weights of run-2, seed 7: ismote.target 4,000 é 0.5 %"
    assert escape_markdown(plain) == plain


def test_a_template_that_lacks_a_value_is_an_error():
    from jinja2 import UndefinedError

    for markdown in (False, True):
        with pytest.raises(UndefinedError):
            environment(markdown).from_string("{{ nothing }}").render()


def test_signs_are_shown():
    assert [signed(value) for value in (None, 0.1, -0.00004)] == ["–", "+0.1000", "−0.0000"]


def test_pictures_are_in_the_order_of_their_captions(run):
    assert [picture.path.stem for picture in read_pictures(single=False)] == list(CAPTIONS)


def test_a_missing_picture_is_named(run):
    (run / "metrics/plots/confusions.png").unlink()
    with pytest.raises(EmotionSlmError, match=r"metrics/plots/confusions.png: no such file"):
        read_pictures(single=False)


def test_every_picture_of_the_pipeline_is_shown(request):
    """A new figure is not forgotten: what dvc.yaml declares is what the report shows."""
    from ruamel.yaml import YAML

    stages = YAML(typ="safe").load(request.config.rootpath / "dvc.yaml")["stages"]
    declared = {
        path for stage in stages.values() for plot in stage.get("plots", ()) for path in plot
    }
    assert {path for path in declared if path.endswith(".png")} == {
        f"metrics/plots/{name}.png" for name in CAPTIONS
    }
