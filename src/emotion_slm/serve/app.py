"""The service's routes, as an ASGI app that any server may run."""

import logging
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from emotion_slm.scoring.label_groups import strongest
from emotion_slm.scoring.writers import DECIMALS
from emotion_slm.serve import oip, page
from emotion_slm.serve.limits import WHOLE, Limits, RefusedError, TokenCheck, read
from emotion_slm.serve.metrics import Observed
from emotion_slm.serve.model import NAME, ServedModel
from emotion_slm.serve.service import Scored, Service

log = logging.getLogger(__name__)

# What tells a balancer, a browser or a client how to ask; no text and no figure.
OPEN = frozenset({"/", "/live", "/ready", "/openapi.json", *oip.HEALTH})
Probability = Annotated[float, Field(ge=0, le=1)]


class PredictRequest(BaseModel):
    """What `POST /predict` takes."""

    model_config = ConfigDict(extra="forbid", strict=True)

    texts: list[Any] = Field(description="What is not a string gets an error of its own.")
    labels: str = Field("all", description="The columns, as of `predict`.")
    probabilities: bool = Field(False, description="Give those of every column too.")
    threshold: Probability | None = Field(
        None,
        description="In place of the tuned ones; of one label a text, what it must reach.",
    )
    top_k: Annotated[int, Field(ge=1), WHOLE] | None = Field(
        None, description="At most so many labels a text."
    )


class TextLabels(BaseModel):
    """Labels at or above their threshold, most probable first; of every column if asked for."""

    labels: dict[str, Probability]
    truncated: bool
    probabilities: dict[str, Probability] | None = None


class TextError(BaseModel):
    error: str


class PredictResponse(BaseModel):
    """A result for each text, in order; `model` is the SHA-256 of the model's config."""

    model: str
    results: list[TextLabels | TextError]


class Error(BaseModel):
    error: str


REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Error, "description": words}
    for status, words in {
        401: "no token, or a wrong one",
        408: "the body came too slowly",
        413: "too many bytes, texts or characters",
        415: "no JSON by its content type",
        422: "no JSON, or not as it must be; names the place",
        429: "too many texts wait; `Retry-After` gives seconds",
        503: "shutting down",
        504: "not answered in time",
    }.items()
}


def create_app(model: ServedModel, limits: Limits, token: str | None = None) -> FastAPI:
    """The app of one model; `app.state.service` drains it. With `token`, requests must bring it.

    EmotionSlmError for limits that do not fit each other.
    """
    service = Service(model, limits)

    @asynccontextmanager
    async def lifespan(_: FastAPI):
        async with service.batcher.running():
            yield

    # Its own documentation pages load scripts from another host.
    app = FastAPI(
        title=NAME, version=model.digest[:12], lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.state.service = service
    app.include_router(oip.router(service, REFUSALS))
    _add_predict(app, service)
    _add_state(app, service)
    _answer_errors(app, service)
    if token:
        refused = lambda reason: service.metrics.rejected.labels(reason).inc()  # noqa: E731
        app.add_middleware(TokenCheck, token=token, open_paths=OPEN, refused=refused)
    app.add_middleware(Observed, metrics=service.metrics)  # the last is the outermost
    return app


def _add_predict(app: FastAPI, service: Service) -> None:
    takes = PredictRequest.model_json_schema()
    takes["properties"]["texts"]["maxItems"] = service.limits.max_texts
    takes["properties"]["labels"]["enum"] = list(service.model.groups)
    body = {"required": True, "content": {"application/json": {"schema": takes}}}

    @app.post(
        "/predict",
        response_model=PredictResponse,
        responses=REFUSALS,
        openapi_extra={"requestBody": body},
    )
    async def predict(request: Request) -> Response:
        """The emotions of each text, with calibrated probabilities."""
        asked = await read(request, PredictRequest)
        if asked.labels not in service.model.groups:
            message = f"labels: not one of {', '.join(service.model.groups)}"
            raise RefusedError(422, "bad_request", message)
        scored = await service.score(request, asked.texts)
        results = _results(asked, scored, service.model)
        return JSONResponse({"model": service.model.digest, "results": results})


def _results(asked: PredictRequest, scored: Scored, model: ServedModel) -> list[dict[str, Any]]:
    groups = model.groups[asked.labels]
    shown = groups.probabilities(scored.probabilities)
    reached = groups.reached(scored.probabilities, model.thresholds, asked.threshold)
    shown = shown.round(DECIMALS)
    found = strongest(groups.names, shown, reached, asked.top_k)
    results: list[dict[str, Any]] = []
    for place, labels in enumerate(found):
        if place in scored.errors:
            results.append({"error": scored.errors[place]})
            continue
        result = {"labels": labels, "truncated": scored.truncated[place]}
        if asked.probabilities:
            values = shown[place].tolist()
            result["probabilities"] = dict(zip(groups.names, values, strict=True))
        results.append(result)
    return results


def _add_state(app: FastAPI, service: Service) -> None:
    @app.get("/live", responses={503: REFUSALS[503]})
    async def live() -> dict[str, bool]:
        """Whether the process does its work; where it does not, start it again."""
        service.check_live()
        return {"live": True}

    @app.get("/ready", responses={503: REFUSALS[503]})
    async def ready() -> dict[str, bool]:
        """Whether requests are taken."""
        service.check_ready()
        return {"ready": True}

    @app.get("/info", responses={401: REFUSALS[401]})
    async def info() -> dict[str, Any]:
        """Which model this is, and what may be asked of it."""
        return {**service.model.info(), "limits": service.limits._asdict()}

    @app.get("/metrics", response_class=Response, responses={401: REFUSALS[401]})
    async def metrics() -> Response:
        """For Prometheus."""
        return Response(service.metrics.page(), media_type="text/plain; version=0.0.4")

    @app.get("/", include_in_schema=False)
    async def root() -> Response:
        return Response(page.HTML, media_type="text/html", headers=page.HEADERS)


def _answer_errors(app: FastAPI, service: Service) -> None:
    """Every error is JSON with one key, `error`."""

    @app.exception_handler(RefusedError)
    async def refused(_: Request, error: RefusedError) -> JSONResponse:
        service.metrics.rejected.labels(error.reason).inc()
        return error.response()

    @app.exception_handler(HTTPException)
    async def unknown(_: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"error": error.detail}, error.status_code, error.headers)

    @app.exception_handler(Exception)
    async def failed(_: Request, __: Exception) -> JSONResponse:
        return JSONResponse({"error": "internal error"}, 500)
