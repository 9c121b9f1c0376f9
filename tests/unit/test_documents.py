import doctest
import importlib.util
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import typer
from matplotlib.image import imread

from emotion_slm.cli.app import app

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# Folders of the repository whose files pages name; the others are made by the pipeline.
NAMED = (
    "benchmarks",
    "configs",
    "docs",
    "experiments",
    "metrics",
    "release",
    "src",
    "stages",
    "tests",
)
LIBRARY = ROOT / "src/emotion_slm"
ROOMS = sorted(path.parent.name for path in LIBRARY.glob("*/__init__.py"))


def tracked() -> list[str]:
    """The files that git keeps, or would keep, as paths from the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


# What src holds are templates.
PAGES = [ROOT / name for name in tracked() if name.endswith(".md") and not name.startswith("src/")]
each_page = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix()
)


def prose(page: Path) -> str:
    """The page without its code blocks."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"^ {4}.*$", "", text, flags=re.MULTILINE)


def code(page: Path) -> str:
    """What the page shows as code, in blocks and in lines."""
    text = page.read_text()
    blocks = re.findall(r"^```.*?^```|^ {4}\S[^\n]*", text, flags=re.DOTALL | re.MULTILINE)
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", prose(page))])


def anchors(page: Path) -> set[str]:
    """The fragments of the page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@each_page
def test_every_link_and_anchor_leads_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        found = (page.parent / path) if path else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


@each_page
def test_every_file_that_a_page_names_exists(page):
    # A page beside an experiment names that experiment's files too.
    for name in re.findall(rf"(?<![\w/.])(?:{'|'.join(NAMED)})/[\w./-]*\w", code(page)):
        temporary = name.endswith(".part")  # beside the file while it is written
        assert temporary or (ROOT / name).exists() or (page.parent / name).exists(), name


@each_page
def test_every_module_that_a_page_names_exists(page):
    for name in re.findall(rf"(?<![\w/.])(?:{'|'.join(ROOMS)})/[\w/]+\.py", code(page)):
        assert (LIBRARY / name).exists(), name
    if page.name == "CHANGELOG.md":
        return  # it names what modules were called before
    for dotted in re.findall(r"(?<!-m )\bemotion_slm((?:\.[a-z_]+)+)", code(page)):
        path = LIBRARY.joinpath(*dotted.strip(".").split("."))
        # The last part may be something that the module holds.
        places = (path, path.with_suffix(".py"), path.parent.with_suffix(".py"))
        assert any(place.exists() for place in places), dotted


@each_page
def test_every_target_of_make_exists(page):
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    for words in re.findall(r"(?<![\w-])make((?: [a-z][\w-]*)+)", code(page)):
        assert set(words.split()) <= set(targets), words


@each_page
def test_every_command_and_option_exists(page):
    commands = typer.main.get_command(app).commands
    for name, rest in re.findall(r"\bemotion-slm ([a-z]+)([^\n|#`]*)", code(page)):
        assert name in commands, name
        command = commands[name]
        if isinstance(command, typer.core.TyperGroup):  # `corpus new`
            inner = re.match(r" +([a-z]+)", rest)
            if not inner:
                continue
            assert inner[1] in command.commands, rest
            command = command.commands[inner[1]]
        known = {option for param in command.params for option in param.opts} | {"--help"}
        known |= {option for param in command.params for option in param.secondary_opts}
        used = set(re.findall(r"(?<!\S)(--[a-z][\w-]*|-[a-z])(?!\S)", rest))
        assert used <= known, (name, used - known)


def test_the_index_lists_every_page_of_docs():
    index = DOCS / "README.md"
    linked = {
        (DOCS / target).resolve() for target in re.findall(r"\]\(([^)#]+)", index.read_text())
    }
    assert {page.resolve() for page in DOCS.rglob("*.md")} - linked == {index.resolve()}


def test_the_results_page_leads_to_every_study():
    results = DOCS / "results" / "README.md"
    targets = re.findall(r"\]\(([^)#]+)", results.read_text())
    linked = {(results.parent / target).resolve() for target in targets}
    studies = {page.resolve() for page in (ROOT / "experiments").glob("*/RESULTS.md")}
    assert studies and studies <= linked


def test_the_map_of_the_readme_shows_every_room_and_folder_and_nothing_else():
    drawn = (ROOT / "README.md").read_text().split("## Where things are")[1].split("```")[1]
    left = [re.split(r"  +", line.strip())[0] for line in drawn.strip().splitlines()]
    shown = {name for entry in left for name in entry.split()}
    folders = {name.split("/")[0] for name in tracked() if "/" in name}
    folders = {f"{name}/" for name in folders if not name.startswith(".")} - {"src/"}
    assert folders | {f"{room}/" for room in ROOMS} <= shown
    assert all((ROOT / name).exists() or (LIBRARY / name).is_dir() for name in shown)


def test_examples_of_the_ismote_page_run():
    page = DOCS / "understand" / "ismote.md"
    results = doctest.testfile(str(page), module_relative=False)
    assert results.attempted > 10 and results.failed == 0


def test_the_picture_of_the_ismote_page_is_the_one_its_script_draws(tmp_path, monkeypatch):
    script = DOCS / "understand" / "figures" / "ismote_space.py"
    spec = importlib.util.spec_from_file_location("ismote_space", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "PICTURE", tmp_path / "picture.png")
    module.main()
    drawn, kept = imread(tmp_path / "picture.png"), imread(script.with_suffix(".png"))
    # Another machine may round a pixel's shade otherwise.
    np.testing.assert_allclose(drawn.mean(), kept.mean(), atol=1e-3)
    assert np.mean(np.abs(drawn - kept) > 0.1) < 0.01
