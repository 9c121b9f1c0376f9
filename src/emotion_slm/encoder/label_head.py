"""A head that starts from what the labels mean: the encoder's own vectors of their definitions.

A pretrained sentence encoder puts a text near what it is about before it has seen a single label;
a random head makes it find that out, and a label of a hundred rows hardly gets the steps to.
"""

import torch

from emotion_slm.corpus.labels import LabelSet
from emotion_slm.encoder.text_classifier import TextClassifier, Tokenizer

STEEPNESS = 5.0  # the logit of a text whose vector is a definition's, before the bias


def start_from_definitions(model: TextClassifier, tokenizer: Tokenizer, labels: LabelSet) -> None:
    """Set the rows of the head's weight, (labels, d), to the vectors of the labels' definitions.

    Each vector less their mean, so that what all definitions share says nothing, at a length at
    which a text of the usual vector length gets logits of up to about STEEPNESS. The bias stays.
    """
    texts = [f"{label}: {labels.definitions[label]}" for label in labels.names]
    device = model.head.weight.device
    inputs = {name: part.to(device) for name, part in tokenizer.pad(tokenizer(texts)).items()}
    training = model.training
    model.eval()
    with torch.no_grad():
        vectors = model.encode(**inputs)  # (labels, d)
        usual = vectors.norm(dim=1).mean()
        directions = torch.nn.functional.normalize(vectors - vectors.mean(dim=0))
        model.head.weight.copy_(STEEPNESS / usual * directions)
    model.train(training)
