"""What a request may ask for, and how it is told that it may not: size, time, token."""

import asyncio
import hmac
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, BeforeValidator, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse

from emotion_slm.common.errors import EmotionSlmError

BODY_BYTES = 4_000_000
CHARACTERS = 1_000_000  # of all texts of a request; JSON may take six bytes for one
BODY_SECONDS = 10  # for a body to come in
TOKEN_CHARACTERS = 16  # at least

Model = TypeVar("Model", bound=BaseModel)
# To JSON 3.0 is the integer 3.
WHOLE = BeforeValidator(
    lambda value: int(value) if isinstance(value, float) and value.is_integer() else value
)


class Limits(NamedTuple):
    """Texts that may wait, texts of a request, and seconds from a request to its answer."""

    max_queue: int = 512
    max_texts: int = 256
    timeout: float = 30.0

    def checked(self) -> "Limits":
        """EmotionSlmError for a queue that holds no full request."""
        if self.max_queue < self.max_texts:
            raise EmotionSlmError(
                f"--max-queue {self.max_queue}: a request of {self.max_texts} texts would never be "
                "accepted; raise it, or lower --max-texts"
            )
        return self


class RefusedError(Exception):
    """An answer other than 200: its status, its reason in a word for the metrics, and in words."""

    def __init__(
        self, status: int, reason: str, message: str, headers: dict[str, str] | None = None
    ):
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.headers = headers

    def response(self) -> JSONResponse:
        return JSONResponse({"error": str(self)}, self.status, self.headers)


async def read(request: Request, kind: type[Model]) -> Model:
    """The body as `kind`; RefusedError for one that is too large, too slow, or no such JSON."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise RefusedError(415, "content_type", "send JSON, with Content-Type: application/json")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _body(request)
    except TimeoutError as error:
        message = f"the body was not there after {BODY_SECONDS} s"
        raise RefusedError(408, "slow_body", message, {"Connection": "close"}) from error
    except ClientDisconnect as error:
        raise client_gone() from error
    return parse(body, kind)


async def _body(request: Request) -> bytes:
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > BODY_BYTES:
        raise _too_large()
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > BODY_BYTES:
            raise _too_large()
    return bytes(body)


def _too_large() -> RefusedError:
    message = f"the body is above {BODY_BYTES:,} bytes; send the texts in several requests"
    return RefusedError(413, "too_large", message, {"Connection": "close"})


def client_gone() -> RefusedError:
    """Nobody reads it; the status is nginx's, and shows in the metrics."""
    return RefusedError(499, "client_gone", "the client has gone")


def parse(body: bytes, kind: type[Model]) -> Model:
    """RefusedError, status 422, names the place: line and column, or field."""
    try:
        return kind.model_validate(json.loads(body))
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        message = f"not JSON: {place}: {error.msg}"
    except UnicodeDecodeError as error:
        message = f"not UTF-8: byte {error.start}: {error.reason}"
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        message = "; ".join(f"{_place(one['loc'])}{one['msg']}" for one in found[:10])
    except RecursionError:
        message = "not JSON that is read here: it is nested too deeply"
    except ValueError as error:  # a number of thousands of digits
        message = f"not JSON that is read here: {error}"
    raise RefusedError(422, "bad_request", message)


def _place(location: tuple[int | str, ...]) -> str:
    # A key that the client made up may be of any length, and may hold half a surrogate pair.
    words = ".".join(map(str, location))[:200].encode(errors="replace").decode()
    return f"{words}: " if words else ""


def check_texts(texts: Sequence[Any], most: int) -> None:
    """RefusedError, status 413, for more texts than `most`, or more than CHARACTERS in them."""
    if len(texts) > most:
        raise RefusedError(
            413, "too_many_texts", f"{len(texts):,} texts; at most {most:,} a request"
        )
    characters = sum(len(text) for text in texts if isinstance(text, str))
    if characters > CHARACTERS:
        message = f"{characters:,} characters; at most {CHARACTERS:,} a request"
        raise RefusedError(413, "too_large", message)


def read_token(file: Path) -> str:
    """The token in `file`; EmotionSlmError for one too short, or that no header can hold."""
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise EmotionSlmError(f"{file}: no token could be read from it ({error})") from error
    if len(token) < TOKEN_CHARACTERS or not (token.isascii() and token.isprintable()):
        raise EmotionSlmError(
            f"{file}: a token is one line of at least {TOKEN_CHARACTERS} ASCII characters; "
            f"make one with `openssl rand -hex 32 > {file}`"
        )
    return token


class TokenCheck:
    """ASGI middleware: but for `open_paths`, requests must bring `Authorization: Bearer TOKEN`."""

    def __init__(self, app, token: str, open_paths: frozenset[str], refused):
        self.app = app
        self.expected = f"Bearer {token}".encode()
        self.open_paths = open_paths
        self.refused = refused

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http" or scope["path"] in self.open_paths or self._allowed(scope):
            await self.app(scope, receive, send)
            return
        headers = {"WWW-Authenticate": "Bearer"}
        refused = RefusedError(401, "token", "the token is missing or wrong", headers)
        self.refused(refused.reason)
        await refused.response()(scope, receive, send)

    def _allowed(self, scope) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        # In a time that does not depend on how much of it is right.
        return len(given) == 1 and hmac.compare_digest(given[0], self.expected)
