"""The Open Inference Protocol's REST routes, by which KServe's and Triton's clients ask.

https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol
"""

from math import prod
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse

from emotion_slm.corpus.labels import separator
from emotion_slm.serve.limits import WHOLE, RefusedError, read
from emotion_slm.serve.model import NAME
from emotion_slm.serve.service import Service

HEALTH = ("/v2/health/live", "/v2/health/ready")
INPUT, OUTPUTS = "text", ("probabilities", "labels")


class Input(BaseModel):
    """n texts; `data` flat, or nested as `shape` says."""

    model_config = ConfigDict(strict=True)

    name: Literal[INPUT]
    shape: list[Annotated[int, WHOLE]] = Field(min_length=1, max_length=2)
    datatype: Literal["BYTES"]
    data: list[Any]


class Output(BaseModel):
    model_config = ConfigDict(strict=True)

    name: Literal[OUTPUTS]


class InferRequest(BaseModel):
    """One tensor of texts; without `outputs` all are given."""

    model_config = ConfigDict(strict=True)

    id: str | None = None
    inputs: list[Input] = Field(min_length=1, max_length=1)
    outputs: list[Output] | None = None


def router(service: Service, refusals: dict[int | str, dict[str, Any]]) -> APIRouter:
    """The routes, with what they have in common with the others documented by `refusals`."""
    made = APIRouter(prefix="/v2")
    unknown = {401: refusals[401], 404: {**refusals[422], "description": "no such model"}}

    @made.get("")
    async def server() -> dict[str, Any]:
        return {"name": NAME, "version": service.model.digest[:12], "extensions": []}

    @made.get("/health/live", responses={503: refusals[503]})
    async def live() -> dict[str, bool]:
        service.check_live()
        return {"live": True}

    @made.get("/health/ready", responses={503: refusals[503]})
    async def ready() -> dict[str, bool]:
        service.check_ready()
        return {"ready": True}

    @made.get("/models/{name}/ready", responses=unknown | {503: refusals[503]})
    async def model_ready(name: str) -> dict[str, Any]:
        _check_name(name)
        await ready()
        return {"name": NAME, "ready": True}

    @made.get("/models/{name}", responses=unknown)
    async def model(name: str) -> dict[str, Any]:
        _check_name(name)
        labels = service.model.labels
        return {
            "name": NAME,
            "versions": [service.model.digest[:12]],
            "platform": service.model.info()["engine"],
            "inputs": [{"name": INPUT, "datatype": "BYTES", "shape": [-1]}],
            "outputs": [
                {"name": OUTPUTS[0], "datatype": "FP32", "shape": [-1, len(labels)]},
                {"name": OUTPUTS[1], "datatype": "BYTES", "shape": [-1]},
            ],
            "parameters": {"labels": list(labels)},
        }

    body = {
        "required": True,
        "content": {"application/json": {"schema": _inlined(InferRequest.model_json_schema())}},
    }

    @made.post(
        "/models/{name}/infer",
        responses=unknown | refusals,
        openapi_extra={"requestBody": body},
    )
    async def infer(name: str, request: Request) -> Response:
        """Of n texts (n, labels) probabilities, and the labels of each, as in CSV."""
        _check_name(name)
        asked = await read(request, InferRequest)
        scored = await service.score(request, _texts(asked.inputs[0]))
        for place, reason in scored.errors.items():
            raise RefusedError(422, "bad_request", f"inputs.0.data.{place}: {reason}")
        found = service.model.classifier.above_threshold(scored.probabilities)
        between = separator(service.model.classifier.labels.names)
        tensors = {
            OUTPUTS[0]: {
                "datatype": "FP32",
                "shape": list(scored.probabilities.shape),
                "data": scored.probabilities.astype("float32").ravel().tolist(),
            },
            OUTPUTS[1]: {
                "datatype": "BYTES",
                "shape": [len(found)],
                "data": [between.join(labels) for labels in found],
            },
        }
        wanted = [output.name for output in asked.outputs or []] or OUTPUTS
        answer = {
            "model_name": NAME,
            "model_version": service.model.digest[:12],
            "outputs": [{"name": name, **tensors[name]} for name in wanted],
        }
        return JSONResponse(answer if asked.id is None else {"id": asked.id, **answer})

    return made


def _check_name(name: str) -> None:
    if name != NAME:
        raise RefusedError(404, "unknown_model", f"no such model; the one here is {NAME}")


def _texts(tensor: Input) -> list[Any]:
    """The texts of a tensor of shape (n,) or (n, 1)."""
    shape, data = tensor.shape, tensor.data
    if len(shape) == 2 and all(isinstance(row, list) for row in data):
        data = [text for row in data for text in row]
    if min(shape) < 0 or shape[1:] not in ([], [1]) or prod(shape) != len(data):
        message = f"inputs.0: shape {shape} does not fit {len(data)} texts; give [n] or [n, 1]"
        raise RefusedError(422, "bad_request", message[:500])
    return data


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema` with definitions in place of references, which OpenAPI keeps elsewhere."""
    definitions = schema.pop("$defs")

    def replaced(part: Any) -> Any:
        if isinstance(part, list):
            return [replaced(inner) for inner in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return replaced(definitions[part["$ref"].rpartition("/")[2]])
        return {key: replaced(inner) for key, inner in part.items()}

    return replaced(schema)
