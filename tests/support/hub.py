"""A stub of the Hugging Face hub's HTTP API on this machine: model repositories in memory."""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread

from flask import Flask, Response, request
from werkzeug.serving import make_server

TOKEN = "hf_good"
OWNER = "me"


@dataclass
class Hub:
    """What the server holds; `refuse` names files whose upload fails, `endpoint` is its URL."""

    endpoint: str = ""
    repositories: dict[str, dict] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)  # large files, by SHA-256
    uploads: list[str] = field(default_factory=list)  # SHA-256 of each large file that was sent
    refuse: set[str] = field(default_factory=set)  # SHA-256

    def files(self, repo_id: str) -> dict[str, bytes]:
        return self.repositories[repo_id]["files"]


@contextmanager
def serving() -> Iterator[Hub]:
    hub = Hub()
    server = make_server("127.0.0.1", 0, _application(hub), threaded=True)
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _application(hub: Hub) -> Flask:
    app = Flask("hub")

    @app.before_request
    def authorize():
        if request.path.startswith("/objects/"):
            return None  # signed URLs, on the real hub
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return {"error": "Invalid username or password."}, 401
        return None

    @app.post("/api/repos/create")
    def create():
        wanted = request.json
        repo_id = f"{wanted['organization']}/{wanted['name']}"
        if wanted["organization"] != OWNER:
            return {"error": "You don't have the rights to create a model there"}, 403
        url = {"url": f"{hub.endpoint}/{repo_id}"}
        if repo_id in hub.repositories:
            return {"error": "You already created this model repo", **url}, 409
        private = wanted["visibility"] == "private"
        hub.repositories[repo_id] = {"private": private, "files": {}}
        return url

    @app.get("/api/models/<path:repo_id>")
    @app.get("/api/models/<path:repo_id>/revision/main")
    def info(repo_id):
        if repo_id not in hub.repositories:
            return {"error": "Repository not found"}, 404
        repository = hub.repositories[repo_id]
        siblings = [{"rfilename": name} for name in repository["files"]]
        content = {"id": repo_id, "private": repository["private"], "siblings": siblings}
        return {**content, "sha": "0" * 40}

    @app.get("/api/models/<path:repo_id>/tree/<revision>")
    def tree(repo_id, revision):
        files = hub.files(repo_id).items()
        return [
            {"type": "file", "path": name, "size": len(content), "oid": _digest(content)}
            for name, content in files
        ]

    @app.post("/api/validate-yaml")
    def validate():
        if "model-index" in request.json["content"]:
            return {"errors": [], "warnings": []}
        return {"errors": [{"message": '"model-index" is missing'}]}, 400

    @app.post("/api/models/<path:repo_id>/preupload/main")
    def preupload(repo_id):
        modes = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith(".safetensors") else "regular",
                "shouldIgnore": False,
            }
            for file in request.json["files"]
        ]
        return {"files": modes}

    @app.post("/<path:repo_id>.git/info/lfs/objects/batch")
    def batch(repo_id):
        answers = []
        for wanted in request.json["objects"]:
            if wanted["oid"] not in hub.objects:
                href = f"{hub.endpoint}/objects/{wanted['oid']}"
                wanted["actions"] = {"upload": {"href": href}}
            answers.append(wanted)
        return {"objects": answers}

    @app.put("/objects/<oid>")
    def upload(oid):
        content = request.get_data()
        if oid in hub.refuse or _digest(content) != oid:
            return {"error": "the line was cut"}, 400
        hub.uploads.append(oid)
        hub.objects[oid] = content
        return {}

    @app.post("/api/models/<path:repo_id>/commit/main")
    def commit(repo_id):
        files = {}
        for line in request.get_data().splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif entry["key"] == "lfsFile":
                files[value["path"]] = hub.objects[value["oid"]]
        hub.files(repo_id).update(files)
        return {"commitUrl": f"{hub.endpoint}/{repo_id}/commit/{'0' * 40}", "commitOid": "0" * 40}

    @app.get("/<path:repo_id>/resolve/<revision>/<name>")
    def resolve(repo_id, revision, name):
        if name not in hub.files(repo_id):
            return Response(status=404, headers={"X-Error-Code": "EntryNotFound"})
        content = hub.files(repo_id)[name]
        headers = {"ETag": f'"{_digest(content)}"', "X-Repo-Commit": "0" * 40}
        return Response(content, headers=headers)

    return app


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
