from ozrules.engine.events import Accepted, Refused, Unanswered, Withheld
from ozrules.rules.model import Place
from ozrules.scenario.answers import PROOFS, receipt_of
from ozrules.scenario.model import Scripted, Spot
from ozrules.scenario.reading import ANSWERS
from ozrules.session.methods import EXCLUSIVE

HERE = Spot(Place("x.test.yaml", 1, 1), 1)


def test_every_outcome_has_an_answer_that_leads_to_it() -> None:
    answers = {outcome: receipt_of(Scripted(0.0, "hold", outcome, None, False, HERE)) for outcome in ANSWERS}
    assert isinstance(answers["confirmed"], Accepted)
    assert isinstance(answers["unconfirmed"], Accepted)
    assert isinstance(answers["unknown"], Unanswered)
    refusals = {name: answer.kind for name, answer in answers.items() if isinstance(answer, Refused)}
    assert refusals["rejected"] == "denied"
    assert refusals["targetGone"] == "notFound"
    assert refusals["lostRace"] == "wrongState"
    assert refusals["unavailable"] == "unavailable"
    withheld = {name for name, answer in answers.items() if isinstance(answer, Withheld)}
    assert withheld == {"refused", "expired", "cancelled", "throttled"}


def test_every_method_that_decides_where_a_call_goes_has_a_proof() -> None:
    assert set(PROOFS) == EXCLUSIVE
