from emotion_slm.corpus.labels import LABELS
from emotion_slm.plots.labels import label_frequency


def test_sorted_by_the_natural_split(drawn, tmp_path):
    counts = {label: 3 ** (place % 7) - 1 for place, label in enumerate(LABELS)}
    splits = {"train (balanced)": dict.fromkeys(LABELS, 400), "validation": counts, "test": counts}
    label_frequency(splits, tmp_path / "frequency.png")
    (axes,) = drawn[0].axes
    natural = [bar.get_width() for bar in axes.containers[2]]
    assert natural == sorted(natural, reverse=True)
    assert len(axes.containers) == 3
    assert len(axes.containers[0]) == len(LABELS)
