from emotion_slm.cli import quickstart


def test_ends_with_the_metrics_and_scored_sentences(monkeypatch, tmp_path):
    """The call of the scorer is the command line's own, with its arguments."""
    shown = []

    def score(texts, options, model, device):
        shown.append((tuple(texts), options.labels, model, device))

    monkeypatch.setattr(quickstart, "WORKSPACE", tmp_path)
    monkeypatch.setattr(quickstart.workspace, "create", lambda *_, **__: None)
    monkeypatch.setattr(quickstart.workspace, "repro", lambda _: None)
    monkeypatch.setattr(quickstart, "read_json", lambda _: {})
    monkeypatch.setattr(quickstart, "headline", lambda _, **__: "")
    monkeypatch.setattr(quickstart, "show_predictions", score)
    quickstart.main()
    assert shown == [(quickstart.SENTENCES, "all", tmp_path / "models/classifier", None)]


def test_calls_the_scorer_as_it_is_declared():
    import inspect

    from emotion_slm.cli.scoring import show_predictions

    inspect.signature(show_predictions).bind("texts", "options", "model", "device")
    assert list(inspect.signature(show_predictions).parameters)[:4] == [
        "texts", "options", "model", "device",
    ]  # fmt: skip
