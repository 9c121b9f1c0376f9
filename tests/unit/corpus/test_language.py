import pytest

from emotion_slm.corpus.language import FREQUENT, in_other_scripts, language_of, script_of

SENTENCES = {
    "en": "I have been waiting for the refund and it is not on my account, what can you do",
    "de": "ich warte auf die Rückzahlung und sie ist nicht auf dem Konto, das ist ein Ärgernis",
    "fr": "je suis très content de la livraison, mais il est dommage que les délais sont longs",
    "es": "no me gusta que el pedido no está en la tienda y por eso lo quiero devolver",
    "nl": "ik wacht op de terugbetaling en het is niet op mijn rekening, dat is een probleem",
}


@pytest.mark.parametrize("code", SENTENCES)
def test_running_text_tells_its_language(code):
    found = language_of([SENTENCES[code]] * 10)
    assert (found.script, found.code) == ("latin", code)


def test_words_of_no_language_have_none():
    assert language_of(["xylo brmpf quantz"] * 30).code is None
    assert language_of(["the"]).code is None


def test_scripts():
    assert language_of(["где мой заказ"] * 5)[:2] == ("cyrillic", None)
    assert script_of("注文はどこですか") == "hiragana"
    assert script_of(":( 42 !") is None
    assert in_other_scripts(["fine", "всё хорошо", ":)", "naïve"], "latin") == [1]


def test_each_language_has_words_that_no_other_has():
    for code, words in FREQUENT.items():
        others = {w for other, more in FREQUENT.items() if other != code for w in more.split()}
        assert len(set(words.split()) - others) >= 8, code
