"""Which intents can be meant, and the one message each of them is. Everything else is refused here, by name."""

from collections.abc import Mapping
from functools import lru_cache

from solders.hash import Hash, ParseHashError
from solders.pubkey import Pubkey

from bot.signer.encoding import (
    COMPUTE_BUDGET,
    PROGRAM,
    SIGNATURE_BYTES,
    TRANSACTION_BYTES,
    Calls,
    perp_market_address,
    spot_market_address,
    state_address,
    user_address,
    user_stats_address,
)
from bot.signer.intent import Chain, Intent, IntentStyle, OrderIntent, SigningVenue
from bot.signer.rules import Account, Rules
from bot.signer.wire import paper_message

MOST_ORDERS = 32  # slots of an account
_MOST_REMAINING = 64
_MOST_TEXT = 100
_MOST_U16, _MOST_U32, _MOST_I63 = 2**16 - 1, 2**32 - 1, 2**63 - 1
_MOST_MARKETS = 512  # perp markets whose accounts are told apart; the venue has had fewer than a hundred


def why_not(intent: Intent, rules: Rules, signer: Pubkey) -> str:
    """Why an intent is none that is ever signed; empty where its message is exactly what it says."""
    problem = _shape(intent, rules)
    if problem:
        return problem
    if intent.venue is SigningVenue.PAPER:
        made = paper_message(intent)
    elif intent.chain is None:
        return "a transaction has a blockhash and a budget; state them"
    else:
        account = rules.account(intent.account)
        if account is None:
            return "this account is none of the signer's"
        read = _Keys.of(account, intent.chain, signer)
        if isinstance(read, str):
            return read
        problem = read.why_not(intent)
        if problem:
            return problem
        made = _transaction(intent, intent.chain, account, signer, read)
        if len(made) + SIGNATURE_BYTES + 1 > TRANSACTION_BYTES:
            return "this is more than one transaction holds; ask for fewer orders"
    return "" if made == intent.message else "the message is not what the intent says"


def _transaction(intent: Intent, chain: Chain, account: Account, signer: Pubkey, keys: "_Keys") -> bytes:
    calls = Calls(Pubkey.from_string(account.authority), account.sub_account, signer, keys.remaining)
    return calls.message(
        intent.cancels, intent.orders, intent.modifies, unit_limit=chain.unit_limit,
        unit_price_micro=chain.unit_price_micro, blockhash=keys.blockhash,
    )  # fmt: skip


def _shape(intent: Intent, rules: Rules) -> str:
    """What can be said without the chain."""
    account = rules.account(intent.account)
    paper = intent.venue is SigningVenue.PAPER
    cases = (
        (intent.venue is not rules.venue, f"this signer signs for {rules.venue.value} alone"),
        (
            account is None or (intent.authority, intent.sub_account) != (account.authority, account.sub_account),
            "this account is none of the signer's",
        ),
        (paper and intent.chain is not None, "paper has no chain; leave it out"),
        (not 0 < len(intent.proposal) <= _MOST_TEXT, f"a proposal has an id of 1 to {_MOST_TEXT} characters"),
        (not (intent.orders or intent.cancels or intent.modifies), "there is nothing in it to sign"),
        (
            max(len(intent.orders), len(intent.cancels), len(intent.modifies)) > MOST_ORDERS,
            f"an account holds {MOST_ORDERS} orders at most; ask for fewer",
        ),
        (intent.valid_until < intent.height, "it would end before it began; read the height again"),
        (len(set(intent.cancels)) < len(intent.cancels), "an order is cancelled twice in it"),
        (
            len({*intent.cancels, *(one.order_id for one in intent.modifies)})
            < len(intent.cancels) + len(intent.modifies),
            "an order that is cancelled or changed in it is changed again",
        ),
        (
            max((*intent.cancels, *(one.order_id for one in intent.modifies)), default=0) > _MOST_U32,
            "an order's id is at most 2^32 - 1",
        ),
        (
            any(one.order.style is IntentStyle.IOC for one in intent.modifies),
            "an order that rests cannot become one that is filled at once; cancel it and place another",
        ),
    )
    found = next((text for holds, text in cases if holds), "")
    return found or next(
        (problem for one in (*intent.orders, *(one.order for one in intent.modifies)) if (problem := _order(one))), ""
    )


def _order(one: OrderIntent) -> str:
    waits = {one.trigger_raw_1e6 > 0, one.triggers_above is not None}
    cases = (
        (not 0 < one.size_raw_1e9 <= _MOST_I63, "an order has a size above 0"),
        (
            max(one.limit_raw_1e6, one.trigger_raw_1e6, one.expires_at_s) > _MOST_I63,
            "a number in an order is too large",
        ),
        (one.market_index > _MOST_U16, "a market's index is at most 65535"),
        (
            (one.limit_raw_1e6 == 0) is not (one.style is IntentStyle.TRIGGER_MARKET),
            "every order but a trigger-market order has a limit price",
        ),
        (waits != {one.style.is_trigger}, "a trigger order has a trigger and a side of it, and no other order has"),
        (one.style is IntentStyle.TRIGGER_MARKET and not one.reduce_only, "an order without a limit only reduces"),
        (
            one.expires_at_s == 0 and not (one.style.is_trigger and one.reduce_only),
            "every order has a last second, but one that waits to reduce",
        ),
    )
    return next((text for holds, text in cases if holds), "")


@lru_cache(maxsize=1)
def _known_markets() -> tuple[Mapping[Pubkey, int], Mapping[Pubkey, int]]:
    """Indexes of perp and of spot markets by their accounts; made once, which takes tens of milliseconds."""
    indexes = range(_MOST_MARKETS)
    return {perp_market_address(one): one for one in indexes}, {spot_market_address(one): one for one in indexes}


class _Keys:
    """The addresses of a transaction, read."""

    def __init__(self, blockhash: Hash, remaining: tuple[Pubkey, ...]) -> None:
        self.blockhash, self.remaining = blockhash, remaining

    @classmethod
    def of(cls, account: Account, chain: Chain, signer: Pubkey) -> "_Keys | str":
        """A sentence where they cannot be what they should be."""
        if not 0 < chain.unit_limit <= _MOST_U32:
            return "a transaction's compute units are between 1 and 2^32 - 1"
        if len(chain.remaining) > _MOST_REMAINING:
            return f"at most {_MOST_REMAINING} accounts follow a call's own"
        try:
            blockhash = Hash.from_string(chain.blockhash)
            remaining = tuple(Pubkey.from_string(one) for one in chain.remaining)
        except (ParseHashError, ValueError):
            return "a blockhash or an account is no key in base58"
        authority = Pubkey.from_string(account.authority)
        own = {
            signer, authority, user_address(authority, account.sub_account), user_stats_address(authority),
            state_address(), PROGRAM, COMPUTE_BUDGET, Pubkey.default(),
        }  # fmt: skip
        if own & set(remaining) or len(set(remaining)) < len(remaining):
            return "what follows a call's own accounts is each there once, and none of them again"
        return cls(blockhash, remaining)

    def why_not(self, intent: Intent) -> str:
        """A change names no market: the program finds it among the accounts behind the call, so only it may be there.

        Else an order in one market, or in a spot market, could be changed under the caps of another.
        """
        if not intent.modifies:
            return ""
        indexes = {one.order.market_index for one in intent.modifies}
        known_perps, known_spots = _known_markets()
        perps = {known_perps[key] for key in self.remaining if key in known_perps}
        spots = {known_spots[key] for key in self.remaining if key in known_spots}
        if len(indexes) > 1 or perps != indexes or not spots <= {0}:
            return (
                "an order is changed by itself, with the account of its own perp market and no other; cancel it and "
                "place another where the account is in more markets"
            )
        return ""
