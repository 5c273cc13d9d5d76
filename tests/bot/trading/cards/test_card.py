"""Buttons of cards: small enough for every platform, good in one chat for one revision, and never more than fit."""

from dataclasses import replace

import pytest

from bot.trading.cards.card import PREFIX, buttons
from risk.model.proposal import Leg, Proposal, Purpose
from storage import CardPlace, Handles
from tests.bot.trading.proposals import armed, proposal, stop

HANDLES = Handles(b"k" * 32)
HERE = CardPlace(transport="telegram", chat="-1001234567890", thread="17")


def datas(of: Proposal, where: CardPlace = HERE) -> list[str]:
    return [button.data for row in buttons(of, where, HANDLES) for button in row]


def labels(of: Proposal) -> list[str]:
    return [button.label for row in buttons(of, HERE, HANDLES) for button in row]


def test_a_button_says_nothing_but_its_handle() -> None:
    for data in datas(proposal()):
        prefix, handle = data.split(":")
        assert prefix == PREFIX
        assert len(handle) == 22
        assert len(data.encode()) <= 64


def test_no_two_buttons_are_alike_whatever_they_differ_in() -> None:
    of = proposal()
    others = [proposal(revision=2), proposal(proposal_id="P13")]
    places = [replace(HERE, chat="-2"), replace(HERE, thread=""), replace(HERE, transport="discord")]
    found = [*datas(of), *(one for other in others for one in datas(other))]
    found += [one for place in places for one in datas(of, place)]
    assert len(set(found)) == len(found) == 24


def test_a_button_is_the_same_after_a_restart() -> None:
    assert datas(proposal()) == [button.data for row in buttons(proposal(), HERE, Handles(b"k" * 32)) for button in row]


@pytest.mark.parametrize(
    ("of", "half"),
    [
        (proposal(), True),
        (proposal(stop(), purpose=Purpose.STOP), True),
        (proposal(stop(), purpose=Purpose.SLEEP), False),
        (proposal(Leg(number=1, terms=None, cancels=(31,)), purpose=Purpose.CANCEL), False),
        (armed(), False),
    ],
)
def test_only_what_can_be_halved_has_a_button_for_it(of: Proposal, half: bool) -> None:
    assert labels(of) == ["Confirm", "Cancel", *(["Half"] if half else []), "Details"]
