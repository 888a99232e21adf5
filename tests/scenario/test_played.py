from ozrules.scenario.played import Performed


def test_an_action_is_shown_as_a_person_would_say_it() -> None:
    plain = Performed(at=20.0, rule="one", action="hangup", session="s1")
    assert str(plain) == "at 20s, rule one, hangup, session s1"
    whole = Performed(at=1.5, rule="one", action="blindTransfer", session="s1", to="2010", move="caller", late_by=0.25)
    assert str(whole) == "at 1.5s, rule one, blindTransfer, session s1, to 2010, move caller, lateBy 0.25s"
