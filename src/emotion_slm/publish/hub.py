"""Publishing a model: full weights and card as a repository on the Hugging Face hub."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
import huggingface_hub
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled
from huggingface_hub.utils import validate_repo_id
from rich.console import Group
from rich.filesize import decimal
from rich.table import Table

from emotion_slm.common.errors import EmotionSlmError
from emotion_slm.common.files import write_bytes
from emotion_slm.package.card import model_card
from emotion_slm.package.config import CARD
from emotion_slm.package.package import read_package
from emotion_slm.package.public import public
from emotion_slm.publish.full_weights import write_full_weights

AGAIN = "run the same command again: what has arrived is not sent twice"


class Repository(NamedTuple):
    """What is to be published: every file of `folder`, and nothing else.

    `revision` is the git commit that the model comes from, None when it is of none.
    """

    repo_id: str
    private: bool
    folder: Path
    revision: str | None


def prepare(
    model: Path, repo_id: str, private: bool, folder: Path, revision: str | None
) -> Repository:
    """Write into the empty `folder` what would be published of the package `model`.

    `revision`: the git commit that the model comes from, where it comes from one.

    Raises EmotionSlmError when `repo_id` is no OWNER/NAME, when the package is incomplete, and for
    a model that is not to be had with full weights.
    """
    _check_name(repo_id)
    package = read_package(model)
    write_full_weights(package, folder, revision)
    card = model_card(public(package), repo_id, on_hub=True)
    write_bytes(folder / CARD, card.encode())
    return Repository(repo_id, private, folder, revision)


def publish(repository: Repository) -> str:
    """Create the repository where there is none and commit its files at once; the commit's URL.

    The token is the usual one: HF_TOKEN, or that of `hf auth login`. Weights that have arrived in
    an attempt that failed are not sent again. Raises EmotionSlmError when there is no token, when
    the hub refuses or cannot be reached, and when the repository's visibility is another.
    """
    hub = huggingface_hub.HfApi()
    repo_id, private = repository.repo_id, repository.private
    with _explained(hub.endpoint, repo_id):
        if huggingface_hub.get_token() is None:
            raise EmotionSlmError(
                "no token for the hub: log in with `hf auth login`, or set HF_TOKEN to a token "
                "that may write"
            )
        hub.create_repo(repo_id, private=private, exist_ok=True)
        if hub.model_info(repo_id).private != private:
            found, remedy = ("public", "add") if private else ("private", "leave out")
            raise EmotionSlmError(
                f"{repo_id}: there already, and {found}; {remedy} --public, or change that in "
                f"{hub.endpoint}/{repo_id}/settings"
            )
        commit = hub.create_commit(
            repo_id,
            [
                huggingface_hub.CommitOperationAdd(path.name, path)
                for path in _files(repository.folder)
            ],
            commit_message="Model of emotion-slm"
            + (f", commit {repository.revision}" if repository.revision else ""),
        )
    return commit.commit_url


def screen(repository: Repository) -> Group:
    """Where the model would go, each of its files with its size, and what commit it comes from."""
    visibility = "private" if repository.private else "public"
    files = _files(repository.folder)
    total = sum(path.stat().st_size for path in files)
    table = Table(show_footer=True)
    table.add_column("file", footer=f"{len(files)} files")
    table.add_column("size", footer=decimal(total), justify="right")
    for path in files:
        table.add_row(path.name, decimal(path.stat().st_size))
    origin = (
        f"from git commit {repository.revision}"
        if repository.revision
        else "from no git commit: none has a dvc.lock that names these files"
    )
    endpoint = huggingface_hub.HfApi().endpoint
    return Group(f"{endpoint}/{repository.repo_id} ({visibility})", table, origin)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_file())


def _check_name(repo_id: str) -> None:
    try:
        validate_repo_id(repo_id)
        well_formed = repo_id.count("/") == 1
        reason = "the owner is missing"
    except HFValidationError as error:
        well_formed, reason = False, str(error)
    if not well_formed:
        raise EmotionSlmError(f"{repo_id!r} is no OWNER/NAME of a repository on the hub: {reason}")


@contextmanager
def _explained(endpoint: str, repo_id: str) -> Iterator[None]:
    """Failures of the hub and of the way to it, as what to do about them."""
    try:
        yield
    except OfflineModeIsEnabled as error:
        raise EmotionSlmError("HF_HUB_OFFLINE forbids the network; unset it to publish") from error
    except HfHubHTTPError as error:
        status, said = error.response.status_code, error.server_message or str(error)
        if status == 401:
            problem = f"{endpoint} does not accept the token; log in anew with `hf auth login`"
        elif status == 403:
            problem = (
                f"the token may not write to {repo_id}: it needs the role write, and the owner "
                "must be you or an organization of yours"
            )
        else:
            problem = f"{endpoint} answered {status}; {AGAIN}"
        raise EmotionSlmError(f"{problem} (the hub says: {said})") from error
    except httpx.TransportError as error:
        raise EmotionSlmError(
            f"{endpoint} cannot be reached ({type(error).__name__}); once it can, {AGAIN}"
        ) from error
    # What huggingface_hub raises of an upload that breaks off, by either of its transports, and
    # of a card that the hub rejects.
    except (RuntimeError, ValueError, OSError) as error:
        cause = f": {error.__cause__}" if error.__cause__ else ""
        raise EmotionSlmError(f"{repo_id} is not complete ({error}{cause}); {AGAIN}") from error
