"""Stage heads: every balancing × loss × seed on one kind of vectors, given on the command line.

Balancing and training of one seed have the same random numbers whatever the loss. Where there are
several encoders, their heads' logits are averaged.
"""

import sys

import numpy as np
from goemotions import LABELS

from balance_ablation.arms import Arm, write_arms
from balance_ablation.balancing import balance
from balance_ablation.names import ADAPTED, BALANCINGS, FROZEN, LINEAR, MLP, NONE, OWN
from balance_ablation.params import Params, pipeline_document, read_params, training_params
from balance_ablation.places import ADAPTED_MODEL, RATES
from balance_ablation.training import fit, held_out_logits
from balance_ablation.vector_sets import VectorSet, read_vector_sets
from emotion_slm.backbone.tensors import load_trained
from emotion_slm.classifier.architectures import build_classifier
from emotion_slm.classifier.params import LinearHead
from emotion_slm.common.console import progress, stage
from emotion_slm.common.files import read_json
from emotion_slm.common.ranking import mean_average_precision
from emotion_slm.common.seeds import child_seed
from emotion_slm.common.threads import pin_threads
from emotion_slm.encoder.adapted import HEAD


def trained(
    name: str, vector_sets: list[VectorSet], params: Params, rates: dict, seed: int, balancing: str
) -> list[tuple[Arm, np.ndarray]]:
    """The arms of one balancing and seed, one per loss and head, with their logits.

    The MLP is trained on frozen, unbalanced vectors alone: it tells what a linear head misses.
    """
    heads = {LINEAR: LinearHead(name="linear")}
    if balancing == NONE and name == FROZEN:
        heads[MLP] = params.mlp
    rows = [
        balance(
            balancing, *vectors.train[:2], params.balancing, child_seed(seed, f"balance/{part}")
        )
        for part, vectors in enumerate(vector_sets)
    ]
    found = []
    for loss in params.losses:
        for head, classifier in heads.items():
            training = training_params(params.training, rates[head])
            logits, kept = [], []
            for part, (vectors, balanced) in enumerate(zip(vector_sets, rows, strict=True)):
                model, best = fit(
                    classifier,
                    *balanced,
                    vectors.validation,
                    loss,
                    training,
                    params.training.steps,
                    child_seed(seed, f"train/{part}"),
                )
                logits.append(held_out_logits(model, vectors))
                kept.append(best.validation_map)
            count = sum(len(gold) for _, gold in rows)
            arm = Arm(name, head, balancing, loss.name, seed, count, float(np.mean(kept)))
            found.append((arm, np.mean(logits, axis=0)))
    return found


def own_head(vectors: VectorSet, params: Params) -> tuple[Arm, np.ndarray]:
    """The linear head that adaptation trained beside the encoder: the reference."""
    head = build_classifier(LinearHead(name="linear"), vectors.train.vectors.shape[1], LABELS)
    load_trained(head.layers[0], ADAPTED_MODEL / HEAD)
    logits = held_out_logits(head, vectors)
    validation = vectors.validation.gold
    score = mean_average_precision(validation, logits[: len(validation)])
    loss, seed = params.adapt.loss.name, pipeline_document(params.profile).seed
    return Arm(ADAPTED, OWN, NONE, loss, seed, len(vectors.train.gold), score), logits


def main() -> None:
    name = sys.argv[1]
    with stage(f"heads {name}") as report:
        params = read_params()
        pin_threads(params.threads)
        rates = read_json(RATES)["chosen"][FROZEN if name == FROZEN else ADAPTED]
        vector_sets = read_vector_sets(name)
        found = []
        with progress("heads", len(params.seeds) * len(BALANCINGS)) as advance:
            for seed in params.seeds:
                for balancing in BALANCINGS:
                    found += trained(name, vector_sets, params, rates, seed, balancing)
                    advance(1)
        if name == ADAPTED:
            found.append(own_head(vector_sets[0], params))
        arms, logits = zip(*found, strict=True)
        report(f"{len(arms)} arms → {write_arms(name, arms, logits)}")


if __name__ == "__main__":
    main()
