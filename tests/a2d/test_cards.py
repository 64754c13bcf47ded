"""What the cards of the shipped models say is measured again, on the data that they name."""

from __future__ import annotations

import pytest

from a2d import datasets, metrics
from a2d.draw import HANDS
from a2d.evaluator import read
from a2d.lab import models, runs

# A card's numbers are of the model as it was trained; it is shipped in half precision, and another machine's last
# digits are others: one reading in a thousand may turn.
SHARE, NATS = 1e-3, 1e-3


@pytest.fixture
def real(fetched, monkeypatch, data_home) -> None:
    monkeypatch.setenv("A2D_DATA", str(data_home))
    for name in ("mnist", "fsdd"):
        fetched(name)


def _reads_mnist(name: str) -> float:
    test = datasets.load_images("mnist", "test")
    return metrics.recognition(read(models.load_evaluator(name).net, test.pixels).digits, test.labels).value


def _drawings_read(generator: str, data: str, evaluator: str) -> dict[str, float]:
    model = models.load_generator(generator)
    features, digits = runs.spoken_set(datasets.load_spoken(data), model.features).part("test")
    found = runs.read_drawings(model.net, {"it": models.load_evaluator(evaluator).net}, features, digits)["it"]
    return {kind: found[kind]["value"] for kind in ("sampled", "mean")}


EVALUATORS = ("evaluator", "evaluator-adam")


@pytest.mark.real
@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("name", EVALUATORS)
def test_the_evaluators_cards(name):
    assert _reads_mnist(name) == pytest.approx(models.card(name)["figures"]["mnist_test_accuracy"], abs=SHARE)


@pytest.mark.real
@pytest.mark.usefixtures("real")
def test_the_finetuned_evaluators_card():
    told = models.card("finetuned")["figures"]
    assert _reads_mnist("finetuned") == pytest.approx(told["mnist_test_accuracy"], abs=SHARE)
    found = _drawings_read("report-plain", "fsdd", "finetuned")
    assert found["sampled"] == pytest.approx(told["reads_report_plain_sampled_latent"], abs=SHARE)
    assert found["mean"] == pytest.approx(told["reads_report_plain_mean_latent"], abs=SHARE)


@pytest.mark.real
@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("name", ["report", "report-plain", "report-absolute"])
def test_the_cards_of_the_generators(name):
    _same_as_its_card(name, "fsdd")


@pytest.mark.parametrize("name", ["report-builtin", "report-plain-builtin", "report-absolute-builtin"])
def test_the_cards_of_the_builtin_generators(name):
    """Needs nothing but what comes with the course."""
    _same_as_its_card(name, "builtin")


def _same_as_its_card(name: str, data: str) -> None:
    told = models.card(name)["figures"]
    for evaluator in EVALUATORS:
        found = _drawings_read(name, data, evaluator)
        for kind in ("sampled", "mean"):
            assert found[kind] == pytest.approx(told[f"read_{kind}_latent_by_{evaluator}"], abs=SHARE), evaluator


@pytest.mark.real
@pytest.mark.usefixtures("real")
def test_the_sweeps_card(tmp_path):
    told = models.card("beta-sweep")["figures"]
    found = runs.evaluate("beta-sweep", "mnist", out=tmp_path, progress=False)["terms"]
    assert set(found) == set(told)
    for beta, terms in told.items():
        for name, value in terms.items():
            assert found[beta][name] == pytest.approx(value, rel=NATS), (beta, name)


@pytest.mark.real
@pytest.mark.usefixtures("real")
def test_the_ears_card(tmp_path, fetched):
    fetched("speechcommands")
    told = models.card("ear")["figures"]
    for data, figures in told.items():
        found = runs.evaluate("ear", data, out=tmp_path / data, progress=False)
        assert found["accuracy"]["value"] == pytest.approx(figures["named_rightly"], abs=2 * SHARE)
        assert found["refused"] == pytest.approx(figures["refused"], abs=2 * SHARE)


@pytest.mark.real
@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("name", HANDS)
def test_the_cards_of_the_hands(name, tmp_path):
    told = models.card(name)["figures"]
    found = runs.evaluate(name, "mnist", evaluators=EVALUATORS, out=tmp_path, progress=False)["recognition"]
    for evaluator in EVALUATORS:
        assert found[evaluator]["sampled"]["value"] == pytest.approx(told[f"read_by_{evaluator}"], abs=2 * SHARE)


def test_every_shipped_model_has_its_test():
    generators = {f"report{kind}{data}" for kind in ("", "-plain", "-absolute") for data in ("", "-builtin")}
    tested = {*EVALUATORS, *generators, *HANDS, "finetuned", "beta-sweep", "ear"}
    assert set(models.names()) == tested, "a new model ships: measure its card's figures here"
