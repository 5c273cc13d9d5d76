"""The key file, and what its key signs."""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer

from tests.support import addresses
from tests.support.drift_trading import key_file
from tests.support.order_terms import agreed, make_terms
from tests.venues.solana.reading import DRIFT
from venues.errors import VenueRejected
from venues.solana.orders_read import BudgetCaps
from venues.solana.signing import KeyFileSigner

KEYPAIR = addresses.keypair("signing tests")
SECRET = str(KEYPAIR)
CAPS = BudgetCaps(units=1_000_000, price_micro=200_000)


def written(folder: Path, text: str, mode: int = 0o400) -> Path:
    path = folder / "key.json"
    path.write_text(text)
    path.chmod(mode)
    folder.chmod(0o700)
    return path


@pytest.mark.parametrize("text", [json.dumps(list(bytes(KEYPAIR))), SECRET, SECRET + "\n"])
def test_a_key_is_read_as_solana_keygen_writes_it_or_in_base58(tmp_path: Path, text: str) -> None:
    assert KeyFileSigner(written(tmp_path, text), DRIFT, CAPS).public_key == str(KEYPAIR.pubkey())


@pytest.mark.parametrize("mode", [0o600, 0o440, 0o444, 0o404, 0o500, 0o644, 0o000, 0o700, 0o4400])
def test_any_mode_but_0400_is_refused(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path, SECRET, mode)
    with pytest.raises(VenueRejected, match="chmod 0400" if mode or os.geteuid() == 0 else "opened"):
        KeyFileSigner(path, DRIFT, CAPS)


@pytest.mark.parametrize(
    ("mode", "fits"), [(0o700, True), (0o755, True), (0o770, False), (0o777, False), (0o1777, False)]
)
def test_a_folder_others_can_write_into_is_refused(tmp_path: Path, mode: int, fits: bool) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    path = written(folder, SECRET)
    folder.chmod(mode)
    if fits:
        KeyFileSigner(path, DRIFT, CAPS)
    else:
        with pytest.raises(VenueRejected, match="chmod 0700"):
            KeyFileSigner(path, DRIFT, CAPS)


def _linked_file(folder: Path) -> Path:
    (folder / "link").symlink_to(written(folder, SECRET))
    return folder / "link"


def _linked_folder(folder: Path) -> Path:
    (folder / "real").mkdir()
    written(folder / "real", SECRET)
    (folder / "keys").symlink_to(folder / "real")
    return folder / "keys" / "key.json"


def _directory(folder: Path) -> Path:
    (folder / "key.json").mkdir()
    return folder / "key.json"


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "key.json", 0o400)
    return folder / "key.json"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_linked_file, "symbolic link"),
        (_linked_folder, "symbolic link"),
        (_directory, "no ordinary file"),
        (_pipe, "no ordinary file"),
        (lambda folder: folder / "nothing", "cannot be opened"),
    ],
)
def test_what_is_no_plain_file_is_refused(tmp_path: Path, make: Callable[[Path], Path], words: str) -> None:
    with pytest.raises(VenueRejected, match=words):
        KeyFileSigner(make(tmp_path), DRIFT, CAPS)


def test_a_file_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, SECRET)
    monkeypatch.setattr(os, "geteuid", lambda: 4_711)
    with pytest.raises(VenueRejected, match="somebody else"):
        KeyFileSigner(path, DRIFT, CAPS)


@pytest.mark.parametrize(
    "text", ["", "[]", "[1,2,3]", SECRET[:-4], SECRET + "AAAA", json.dumps([300] * 64), "nonsense", SECRET * 40, "ä"]
)
def test_a_file_without_a_key_is_refused_without_its_contents(tmp_path: Path, text: str) -> None:
    with pytest.raises(VenueRejected) as caught:
        KeyFileSigner(written(tmp_path, text), DRIFT, CAPS)
    told = f"{caught.value!r} {caught.value.__cause__!r}"
    assert text[:8] not in told or len(text) < 8
    assert "solana-keygen" in told


def test_the_secret_is_in_no_repr_and_no_copy(tmp_path: Path) -> None:
    signer = KeyFileSigner(key_file(tmp_path), DRIFT, CAPS)
    secret = addresses.keypair("ann's bot")
    assert repr(signer) == f"KeyFileSigner({signer.public_key})"
    assert str(secret) not in f"{signer!r} {signer!s}"
    with pytest.raises(TypeError):
        pickle.dumps(signer)


async def test_only_what_was_agreed_on_is_signed(tmp_path: Path) -> None:
    signer = KeyFileSigner(key_file(tmp_path), DRIFT, CAPS)
    own = Pubkey.from_string(signer.public_key)
    theft = transfer(TransferParams(from_pubkey=own, to_pubkey=Keypair().pubkey(), lamports=10**9))
    message = Message([theft], own)
    account = addresses.user_address(addresses.address("ann"))
    with pytest.raises(VenueRejected, match="not signed"):
        await signer.sign(bytes(message), agreed(account, make_terms(account)))
