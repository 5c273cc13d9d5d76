"""Signed if and only if in the grammar and within the caps: intents drawn at random, bytes changed at random."""

import hashlib
from dataclasses import replace

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import (
    AdvanceNonceAccountParams,
    TransferParams,
    WithdrawNonceAccountParams,
    advance_nonce_account,
    transfer,
    withdraw_nonce_account,
)

from bot.signer import decide
from bot.signer.decide import Fresh
from bot.signer.intent import Intent, IntentSide, IntentStyle, OrderIntent, Refusal, RefusalCode, SigningVenue
from bot.signer.rules import Rules
from bot.signer.state import State
from tests.bot.signer.asking import (
    ACCOUNT,
    BLOCKHASH,
    NOW_S,
    OWNER,
    REMAINING,
    SIGNER_KEY,
    make_intent,
    make_order,
    make_rules,
    make_stop,
)
from tests.bot.signer.drawing import intents
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support import addresses

OPEN, STRICT = make_rules(reduce_only=False), make_rules()
PROGRAM = Pubkey.from_string(addresses.DRIFT_PROGRAM)


def within_caps(intent: Intent, rules: Rules) -> bool:
    """The caps, said once more and differently: in fractions of what the file says."""
    orders = [*intent.orders, *(one.order for one in intent.modifies)]
    assert intent.chain is not None
    worth = [_worth(one) for one in orders]
    fee = 5_000 + (intent.chain.unit_limit * intent.chain.unit_price_micro + 999_999) // 1_000_000
    sizes = {index: sum(one.size_raw_1e9 for one in orders if one.market_index == index) for index in (0, 1)}
    return (
        all(_order_within(one, rules) for one in orders)
        and all(one <= 1_000 for one in worth)
        and sum(-(-one.size_raw_1e9 * _price(one) // 10**9) for one in orders) <= 3_000 * 10**6
        and all(size <= 15 * 10**9 for size in sizes.values())
        and intent.chain.unit_limit <= 1_000_000
        and intent.chain.unit_price_micro <= 200_000
        and fee <= 1_000_000
        and len(intent.cancels) + len(intent.modifies) <= 10
    )


def _price(one: OrderIntent) -> int:
    return max(one.limit_raw_1e6, one.trigger_raw_1e6, 100 * 10**6)


def _worth(one: OrderIntent) -> float:
    return -(-one.size_raw_1e9 * _price(one) // 10**9) / 10**6


def _order_within(one: OrderIntent, rules: Rules) -> bool:
    prices = [100 * 10**6 <= one.trigger_raw_1e6 <= 200 * 10**6] if one.trigger_raw_1e6 else []
    if one.limit_raw_1e6:
        prices.append(
            one.limit_raw_1e6 <= 200 * 10**6 if one.side is IntentSide.BUY else one.limit_raw_1e6 >= 100 * 10**6
        )
    ends = (one.trigger_raw_1e6 and one.reduce_only) or one.expires_at_s <= NOW_S + 600
    return (one.reduce_only or not rules.reduce_only) and one.size_raw_1e9 <= 5 * 10**9 and all(prices) and bool(ends)


@settings(max_examples=300)
@given(intent=intents(), rules=st.sampled_from((OPEN, STRICT)))
@example(intent=make_intent(), rules=STRICT)
@example(intent=make_intent(make_stop(), cancels=(1,)), rules=STRICT)
@example(intent=make_intent(make_order(reduce_only=False, style=IntentStyle.LIMIT)), rules=OPEN)
def test_what_is_in_the_grammar_is_signed_if_and_only_if_it_is_within_the_caps(intent: Intent, rules: Rules) -> None:
    answer = decide.sign(State(), intent, rules, SIGNER_KEY, now_s=NOW_S)

    if within_caps(intent, rules):
        assert isinstance(answer, Fresh)
        assert answer.digest == hashlib.sha256(intent.message).hexdigest()
    else:
        assert isinstance(answer, Refusal)
        assert answer.code is (RefusalCode.GRAMMAR if len(intent.message) + 65 > 1_232 else RefusalCode.CAP)


@settings(max_examples=300)
@given(data=st.data())
def test_a_message_that_differs_in_any_bit_is_never_signed(data: st.DataObject) -> None:
    intent = data.draw(st.sampled_from(_SIGNABLE))
    message = bytearray(intent.message)
    match data.draw(st.sampled_from(("flip", "cut", "append", "insert", "other"))):
        case "flip":
            message[data.draw(st.integers(0, len(message) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        case "cut":
            del message[data.draw(st.integers(0, len(message) - 1)) :]
        case "append":
            message += data.draw(st.binary(min_size=1, max_size=40))
        case "insert":
            at = data.draw(st.integers(0, len(message)))
            message[at:at] = data.draw(st.binary(min_size=1, max_size=40))
        case _:
            message = bytearray(data.draw(st.binary(max_size=400)))
    assume(bytes(message) != intent.message)

    refused(replace(intent, message=bytes(message)))


_SIGNABLE = (
    make_intent(),
    make_intent(make_order(style=IntentStyle.LIMIT), make_stop(), cancels=(1, 2)),
    make_intent(cancels=(3,)),
)


def refused(intent: Intent, code: RefusalCode = RefusalCode.GRAMMAR) -> None:
    answer = decide.sign(State(), intent, OPEN, SIGNER_KEY, now_s=NOW_S)
    assert isinstance(answer, Refusal)
    assert answer.code is code


def call(name: str, data: bytes = b"", *, writable: tuple[str, ...] = ()) -> Instruction:
    """Any call of the venue's program, by its name."""
    first = hashlib.sha256(f"global:{name}".encode()).digest()[:8]
    keys = [AccountMeta(Pubkey.from_string(one), False, True) for one in (ACCOUNT, *writable)]
    return Instruction(PROGRAM, first + data, [*keys, AccountMeta(SIGNER_KEY, True, False)])


NONCE, THIEF = Pubkey.from_string(addresses.address("nonce")), Pubkey.from_string(addresses.address("thief"))
THEFTS = {
    "a transfer": transfer(TransferParams(from_pubkey=SIGNER_KEY, to_pubkey=THIEF, lamports=1)),
    "a durable nonce": advance_nonce_account(
        AdvanceNonceAccountParams(nonce_pubkey=NONCE, authorized_pubkey=SIGNER_KEY)
    ),
    "a nonce's money": withdraw_nonce_account(
        WithdrawNonceAccountParams(nonce_pubkey=NONCE, authorized_pubkey=SIGNER_KEY, to_pubkey=THIEF, lamports=1)
    ),
    "a withdrawal": call("withdraw", (0).to_bytes(2, "little") + (10**9).to_bytes(8, "little") + b"\0"),
    "a transfer between accounts": call("transfer_deposit", b"\0" * 10),
    "another delegate": call("update_user_delegate", b"\0\0" + bytes(THIEF)),
    "another margin ratio": call("update_user_custom_margin_ratio", b"\0\0\1\0\0\0"),
    "high leverage": call("enable_user_high_leverage_mode", b"\0\0"),
    "a deletion": call("delete_user"),
    "a settlement": call("settle_pnl", b"\0\0"),
    "all orders cancelled": call("cancel_orders", b"\0\0\0"),
}  # fmt: skip


def test_thefts_beside_or_in_the_place_of_an_order_are_never_signed(figure: Gauge) -> None:
    honest = make_intent()
    parsed = Message.from_bytes(honest.message)
    keys = parsed.account_keys
    writable = len(keys) - parsed.header.num_readonly_unsigned_accounts
    calls = [
        Instruction(
            keys[one.program_id_index], bytes(one.data),
            [AccountMeta(keys[at], at == 0, at < writable) for at in bytes(one.accounts)],
        )
        for one in parsed.instructions
    ]  # fmt: skip
    again = Message.new_with_blockhash(calls, SIGNER_KEY, Hash.from_string(BLOCKHASH))
    assert bytes(again) == honest.message  # what is put together here is what is signed, so the theft alone differs
    asked: list[Intent] = []
    for theft in THEFTS.values():
        for written in ([theft], [theft, *calls], [*calls, theft], [*calls[:2], theft, *calls[2:]]):
            message = bytes(Message.new_with_blockhash(written, SIGNER_KEY, Hash.from_string(BLOCKHASH)))
            asked += [replace(honest, message=message), replace(honest, orders=(), cancels=(1,), message=message)]
    answers = [decide.sign(State(), one, OPEN, SIGNER_KEY, now_s=NOW_S) for one in asked]
    figure(Measure.TRIED, len(answers))
    figure(Measure.ACCEPTED, sum(not isinstance(one, Refusal) for one in answers))


@given(at=st.integers(0, 2), key=st.sampled_from((ACCOUNT, OWNER, str(SIGNER_KEY), addresses.state_address())))
def test_no_account_of_its_own_is_ever_behind_a_call(at: int, key: str) -> None:
    behind = [*REMAINING[:at], key, *REMAINING[at:]]

    refused(make_intent(remaining=behind))


@settings(max_examples=50)
@given(message=st.binary(max_size=300))
def test_on_paper_nothing_is_signed_that_could_be_a_transaction(message: bytes) -> None:
    rules = make_rules(SigningVenue.PAPER)
    intent = make_intent(venue=SigningVenue.PAPER)
    assume(message != intent.message)

    answer = decide.sign(State(), replace(intent, message=message), rules, SIGNER_KEY, now_s=NOW_S)

    assert isinstance(answer, Refusal)
    assert intent.message[0] == 0xFF  # a version of transactions that there is not, or 255 signers
    assert isinstance(decide.sign(State(), intent, rules, SIGNER_KEY, now_s=NOW_S), Fresh)
