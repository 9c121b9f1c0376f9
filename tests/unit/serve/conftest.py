import pytest

from emotion_slm.serve.app import create_app
from emotion_slm.serve.limits import Limits
from emotion_slm.serve.model import ServedModel


@pytest.fixture(scope="session")
def served(exported) -> ServedModel:
    """A tiny package, exported to ONNX."""
    return ServedModel(exported)


@pytest.fixture
def app(served):
    return create_app(served, Limits())
