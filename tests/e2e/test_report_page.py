"""The report in a real browser: it is drawn, and fits a desk and a telephone."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from support.report import write_run

from emotion_slm.workbench.report import write_report

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium or Chrome on the PATH to look at the page with"
)
# A frame is as narrow as a telephone, which a headless window cannot be; it waits for the page,
# then names what sticks out of it.
FRAME = """
<!DOCTYPE html>
<body style="margin:0">
<iframe src="report.html" style="border:0;width:WIDTHpx;height:900px"></iframe>
<pre id="found"></pre><script>
document.querySelector("iframe").onload = event => {
  const root = event.target.contentDocument.documentElement;
  const images = [...root.querySelectorAll("img")];
  document.querySelector("#found").textContent =
    `${root.scrollWidth} ${images.filter(image => image.naturalWidth > 0).length}/${images.length}`;
};
</script></body>
"""


def browse(folder: Path, page: str, *options: str) -> str:
    command = [
        BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
        "--host-resolver-rules=MAP * ~NOTFOUND", "--allow-file-access-from-files",
        f"--user-data-dir={folder / 'browser'}", *options, (folder / page).as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


@pytest.fixture(scope="module")
def reports(tmp_path_factory) -> Path:
    """The folder of a report whose texts are long and hostile."""
    root = tmp_path_factory.mktemp("report")
    write_run(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        write_report(root / "reports")
    return root / "reports"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_drawn(reports, scheme):
    picture = reports / f"{scheme}.png"
    preference = {"dark": 0, "light": 1}[scheme]
    browse(
        reports, "report.html", f"--screenshot={picture}", "--window-size=1280,2400",
        f"--blink-settings=preferredColorScheme={preference}",
    )  # fmt: skip
    pixels = imread(picture)[..., :3]
    assert pixels.shape[:2] == (2400, 1280)
    page = np.median(pixels, axis=(0, 1)).mean()
    assert page > 0.9 if scheme == "light" else page < 0.2
    rows_with_ink = (np.abs(pixels - np.median(pixels, axis=(0, 1))).max(axis=(1, 2)) > 0.3).mean()
    assert rows_with_ink > 0.2


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_sticks_out_and_every_picture_shows(reports, width):
    (reports / f"{width}.html").write_text(FRAME.replace("WIDTH", str(width)))
    drawn = browse(reports, f"{width}.html", "--dump-dom", "--virtual-time-budget=10000")
    found = drawn.split('<pre id="found">')[1].split("</pre>")[0]
    assert found == f"{width} 8/8"
