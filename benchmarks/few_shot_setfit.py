"""SetFit in a process of its own: rows from standard input as JSON, predictions to standard output.

In: `model`, the folder of a sentence encoder; `texts` and `labels` to learn from; `unseen` texts;
`pairs` of each kind a row, `seed`, `threads`. Out, on the last line: `predicted` labels and CPU
`seconds` of training. Other settings are SetFit's own.
"""

import json
import sys
import time


def main() -> None:
    asked = json.load(sys.stdin)
    import torch
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    torch.set_num_threads(asked["threads"])
    rows = Dataset.from_dict({"text": asked["texts"], "label": asked["labels"]})
    model = SetFitModel.from_pretrained(
        asked["model"], labels=sorted(set(asked["labels"])), local_files_only=True
    )
    arguments = TrainingArguments(
        num_iterations=asked["pairs"],
        seed=asked["seed"],
        report_to="none",
        save_strategy="no",
        show_progress_bar=False,
    )
    started = time.process_time()
    Trainer(model=model, args=arguments, train_dataset=rows).train()
    seconds = time.process_time() - started
    predicted = [str(label) for label in model.predict(asked["unseen"], batch_size=64)]
    print(json.dumps({"predicted": predicted, "seconds": seconds}))


if __name__ == "__main__":
    main()
