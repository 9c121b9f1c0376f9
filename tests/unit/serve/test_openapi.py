"""The OpenAPI schema, and requests made up from it: good and bad ones, by schemathesis."""

import json

import httpx
import hypothesis
import pytest
import schemathesis
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_schema_conformance,
    status_code_conformance,
)
from support.service import one, running

from emotion_slm.serve.oip import HEALTH

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
INFER = "/v2/models/{name}/infer"  # a shape must fit its data, which no schema says


@pytest.fixture(scope="module")
def service(exported):
    with running(exported) as started:
        yield started


def test_it_names_every_route(app):
    paths = one(app, "GET", "/openapi.json").json()["paths"]
    health = {"/live", "/ready", *HEALTH}
    models = {"/v2/models/{name}", "/v2/models/{name}/ready", INFER}
    assert set(paths) == {"/predict", "/info", "/metrics", "/v2", *health, *models}
    said = set(paths["/predict"]["post"]["responses"])
    assert said == {"200", "401", "408", "413", "415", "422", "429", "503", "504"}


def test_it_says_how_many_texts_are_taken(app):
    body = one(app, "GET", "/openapi.json").json()["paths"]["/predict"]["post"]["requestBody"]
    schema = body["content"]["application/json"]["schema"]
    assert schema["properties"]["texts"]["maxItems"] == 256
    assert "$ref" not in json.dumps(body)


@pytest.mark.slow
@pytest.mark.parametrize("count", [40, 120])
def test_requests_made_up_from_it_are_answered_as_it_says(service, count):
    # More texts than are taken are a question of size.
    rejected = {"expected-statuses": [400, 404, 413, 415, 422]}
    config = schemathesis.Config.from_dict({"checks": {"negative_data_rejection": rejected}})
    schema = schemathesis.openapi.from_url(f"{service.address}/openapi.json", config=config)
    for found in schema.get_all_operations():
        operation = found.ok()
        good = CHECKS if operation.path == INFER else [*CHECKS, positive_data_acceptance]
        ask(operation, GenerationMode.POSITIVE, good, count)
        if operation.method == "post":
            ask(operation, GenerationMode.NEGATIVE, [*CHECKS, negative_data_rejection], count)
    assert httpx.get(f"{service.address}/ready").status_code == 200


def ask(operation, mode: GenerationMode, checks: list, count: int) -> None:
    @hypothesis.settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def check(case):
        case.call_and_validate(checks=checks)

    check()
