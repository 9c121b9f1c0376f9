"""The same app as a deployment of Ray Serve, for clusters that have Ray; of the extra `ray`.

    serve run emotion_slm.serve.ray_serve:build model=/models/classifier

A replica is one `emotion-slm serve`: its own model, queue and metrics. Ray starts, watches and
scales replicas, and passes requests on.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field
from ray import serve
from ray.serve import Application

from emotion_slm.serve.limits import Limits, read_token


class Settings(BaseModel):
    """As the options of `emotion-slm serve`; `model` and `token_file` are paths on every node."""

    model_config = ConfigDict(extra="forbid")

    model: Path
    replicas: int = Field(1, ge=1)
    threads: int = Field(1, ge=1)
    max_queue: int = Field(Limits().max_queue, ge=1)
    max_texts: int = Field(Limits().max_texts, ge=1)
    timeout: float = Field(Limits().timeout, gt=0)
    token_file: Path | None = None


def build(settings: Settings) -> Application:
    """EmotionSlmError for limits that do not fit; a model that cannot be had fails its replica."""
    limits = Limits(settings.max_queue, settings.max_texts, settings.timeout).checked()

    def app():
        """Called in the replica's process: a model does not travel."""
        from emotion_slm.serve.app import create_app
        from emotion_slm.serve.model import ServedModel
        from emotion_slm.serve.server import use_threads

        use_threads(settings.threads)
        token = read_token(settings.token_file) if settings.token_file else None
        return create_app(ServedModel(settings.model), limits, token)

    deployment = serve.deployment(
        serve.ingress(app)(),
        name="emotion-slm",
        num_replicas=settings.replicas,
        ray_actor_options={"num_cpus": settings.threads},
        # Ray's own bound, 5 by default, would keep a batch from filling; the app's is the one.
        max_ongoing_requests=settings.max_queue,
    )
    return deployment.bind()
