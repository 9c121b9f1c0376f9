"""A head that starts from what the labels mean: the encoder's own vectors of their definitions.

A pretrained sentence encoder puts a text near what it is about before it has seen a single label;
a random head makes it find that out, and a label of a hundred rows hardly gets the steps to.
"""

import torch

from emotion_slm.corpus.labels import LABELS
from emotion_slm.encoder.text_classifier import TextClassifier, Tokenizer

# After what the annotators were given (Demszky et al. 2020, appendix A).
DEFINITIONS: dict[str, str] = {
    "admiration": "Finding something impressive or worthy of respect.",
    "amusement": "Finding something funny or being entertained.",
    "anger": "A strong feeling of displeasure or antagonism.",
    "annoyance": "Mild anger, irritation.",
    "approval": "Having or expressing a favorable opinion.",
    "caring": "Displaying kindness and concern for others.",
    "confusion": "Lack of understanding, uncertainty.",
    "curiosity": "A strong desire to know or learn something.",
    "desire": "A strong feeling of wanting something or wishing for something to happen.",
    "disappointment": (
        "Sadness or displeasure caused by the nonfulfillment of one's hopes or expectations."
    ),
    "disapproval": "Having or expressing an unfavorable opinion.",
    "disgust": "Revulsion or strong disapproval aroused by something unpleasant or offensive.",
    "embarrassment": "Self-consciousness, shame, or awkwardness.",
    "excitement": "Feeling of great enthusiasm and eagerness.",
    "fear": "Being afraid or worried.",
    "gratitude": "A feeling of thankfulness and appreciation.",
    "grief": "Intense sorrow, especially caused by someone's death.",
    "joy": "A feeling of pleasure and happiness.",
    "love": "A strong positive emotion of regard and affection.",
    "nervousness": "Apprehension, worry, anxiety.",
    "optimism": "Hopefulness and confidence about the future or the success of something.",
    "pride": (
        "Pleasure or satisfaction due to ones own achievements or the achievements of those with "
        "whom one is closely associated."
    ),
    "realization": "Becoming aware of something.",
    "relief": "Reassurance and relaxation following release from anxiety or distress.",
    "remorse": "Regret or guilty feeling.",
    "sadness": "Emotional pain, sorrow.",
    "surprise": "Feeling astonished, startled by something unexpected.",
    "neutral": "A neutral statement of fact without emotion.",  # ours: it has none
}
STEEPNESS = 5.0  # the logit of a text whose vector is a definition's, before the bias


def start_from_definitions(model: TextClassifier, tokenizer: Tokenizer) -> None:
    """Set the rows of the head's weight, (28, d), to the vectors of the labels' definitions.

    Each vector less their mean, so that what all definitions share says nothing, at a length at
    which a text of the usual vector length gets logits of up to about STEEPNESS. The bias stays.
    """
    texts = [f"{label}: {DEFINITIONS[label]}" for label in LABELS]
    device = model.head.weight.device
    inputs = {name: part.to(device) for name, part in tokenizer.pad(tokenizer(texts)).items()}
    training = model.training
    model.eval()
    with torch.no_grad():
        vectors = model.encode(**inputs)  # (28, d)
        usual = vectors.norm(dim=1).mean()
        directions = torch.nn.functional.normalize(vectors - vectors.mean(dim=0))
        model.head.weight.copy_(STEEPNESS / usual * directions)
    model.train(training)
