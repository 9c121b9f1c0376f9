"""This library in LitServe's hands; in a file of its own, for its workers import it by name."""

import litserve

from emotion_slm import EmotionClassifier


class Emotions(litserve.LitAPI):
    """Requests hold lists of texts; a batch holds those of several requests."""

    def __init__(self, folder: str, **options):
        super().__init__(**options)
        self.folder = folder

    def setup(self, device):
        self.classifier = EmotionClassifier.from_pretrained(self.folder)

    def decode_request(self, request):
        return request["texts"]

    def batch(self, inputs):
        return inputs

    def predict(self, requests):
        found = iter(self.classifier.predict([text for texts in requests for text in texts]))
        return [[next(found) for _ in texts] for texts in requests]

    def unbatch(self, output):
        return output

    def encode_response(self, output):
        return {"results": output}
