"""What the service is compared with, each a program: `python -m benchmarks.serving_peers NAME …`.

`pipeline FOLDER PORT` is the server that a user would write; `litserve FOLDER PORT` one by LitServe
around this library; `file FOLDER CSV` scores a file, and prints texts a second.
"""

import sys
import tempfile
import time
from pathlib import Path


def serve_pipeline(folder: str, port: int) -> None:
    import uvicorn
    from fastapi import FastAPI
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

    import emotion_slm.transformers  # noqa: F401 makes the package known to transformers

    model = AutoModelForSequenceClassification.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    classify = pipeline("text-classification", model=model, tokenizer=tokenizer, top_k=None)
    app = FastAPI()

    @app.post("/predict")
    def predict(body: dict) -> list:
        return classify(body["texts"], truncation=True, batch_size=32)

    uvicorn.run(app, port=port, log_level="warning", access_log=False)


def serve_litserve(folder: str, port: int) -> None:
    import litserve

    from benchmarks.serving_litserve import Emotions

    api = Emotions(folder, max_batch_size=32, batch_timeout=0.005, api_path="/predict")
    server = litserve.LitServer(api, accelerator="cpu", timeout=False)
    server.run(port=port, num_api_servers=1, generate_client_file=False, log_level="warning")


def score_file(folder: str, file: str) -> None:
    from emotion_slm.scoring.classifier import EmotionClassifier
    from emotion_slm.scoring.plan import Options
    from emotion_slm.scoring.run import score

    classifier = EmotionClassifier.from_pretrained(folder)
    classifier.predict(["to warm up"] * 64)
    with tempfile.TemporaryDirectory() as scratch:
        began = time.perf_counter()
        done = score(Path(file), Path(scratch) / "scored.csv", classifier, Options())
        print(done.records / (time.perf_counter() - began))


def main() -> None:
    name, folder, last = sys.argv[1:]
    if name == "file":
        score_file(folder, last)
    else:
        {"pipeline": serve_pipeline, "litserve": serve_litserve}[name](folder, int(last))


if __name__ == "__main__":
    main()
