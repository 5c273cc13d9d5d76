"""Price feed accounts of other programs, and the two kinds both venues own themselves. Facts only."""

from collections.abc import Mapping, Sequence

from venues.solana.profiles import Layout, OracleKind, record

I128 = [("lo", "<u8"), ("hi", "<i8")]
U128 = [("lo", "<u8"), ("hi", "<u8")]

PYTH_LEGACY_PROGRAM = "FsJ3A3u2vn5cTVofAjvy6y5kwABJAqYWpe4975bi2epH"
PYTH_RECEIVER_PROGRAM = "G6EoTTTgpkNBtVXo96EQp2m6uwwVh2Kt6YidjkmQqoha"
SWITCHBOARD_ON_DEMAND_PROGRAM = "SBondMDrcV3K4kxZR1HNVT7osZxAHVHgYXL5Ze1oMUv"

_PYTH_LEGACY = Layout(
    # Magic and version; these accounts are older than Anchor's discriminators.
    discriminator=bytes.fromhex("d4c3b2a102000000"),
    revisions={
        3312: record(
            3312,
            {
                "account_type": (8, "<u4"),
                "exponent": (20, "<i4"),
                "slot": (40, "<u8"),  # valid_slot: the program measures the age by it, not by the publish slot
                "price": (208, "<i8"),
                "confidence": (216, "<u8"),
            },
        )
    },
)

_PULL_HEAD = bytes.fromhex("22f123639d7ef4cd")
# The verification level is an enum whose variant Partial carries one more byte, so all that follows lies one further.
_PYTH_PULL = tuple(
    Layout(
        discriminator=_PULL_HEAD,
        revisions={
            134: record(
                134,
                {
                    "verification": (40, "u1"),
                    "price": (73 + shift, "<i8"),
                    "confidence": (81 + shift, "<u8"),
                    "exponent": (89 + shift, "<i4"),
                    "slot": (125 + shift, "<u8"),
                },
            )
        },
    )
    for shift in (1, 0)
)

_PYTH_LAZER = Layout(
    discriminator=bytes.fromhex("9f07a1f922517985"),
    revisions={
        48: record(48, {"price": (8, "<i8"), "slot": (24, "<u8"), "exponent": (32, "<i4"), "confidence": (40, "<u8")})
    },
)

_PRELAUNCH = Layout(
    discriminator=bytes.fromhex("5c0e8bea48f4441a"),
    revisions={120: record(120, {"price": (8, "<i8"), "confidence": (24, "<u8"), "slot": (32, "<u8")})},
)

_SUBMISSION = record(64, {"slot": (32, "<u8"), "landed_at": (40, "<u8"), "value": (48, I128)})
_SWITCHBOARD_ON_DEMAND = Layout(
    discriminator=bytes.fromhex("c41b6cc40ad7db28"),
    revisions={3208: record(3208, {"submissions": (8, (_SUBMISSION, (32,))), "range": (2312, I128)})},
)

FEED_LAYOUTS: Mapping[OracleKind, Sequence[Layout]] = {
    OracleKind.PYTH_LEGACY: (_PYTH_LEGACY,),
    OracleKind.PYTH_PULL: _PYTH_PULL,  # by verification level: 0 partial, 1 full
    OracleKind.PYTH_LAZER: (_PYTH_LAZER,),
    OracleKind.PRELAUNCH: (_PRELAUNCH,),
    OracleKind.SWITCHBOARD_ON_DEMAND: (_SWITCHBOARD_ON_DEMAND,),
}
