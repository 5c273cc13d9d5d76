"""The key: whose file it is read from, and that it never shows itself."""

import copy
import json
import logging
import os
import pickle
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.signer import key as keys
from bot.signer.errors import Unfit
from bot.signer.key import SigningKey
from tests.support import addresses

KEYPAIR = addresses.keypair("key tests")
SECRET = str(KEYPAIR)
NUMBERS = json.dumps(list(bytes(KEYPAIR)))


def written(folder: Path, text: str = NUMBERS, mode: int = 0o400, name: str = "signer.key") -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(mode)
    folder.chmod(0o700)
    return path


@pytest.mark.parametrize("text", [NUMBERS, SECRET, f"{SECRET}\n"])
def test_a_key_is_read_as_solana_keygen_writes_it_or_in_base58(tmp_path: Path, text: str) -> None:
    key = keys.from_file(written(tmp_path, text))

    assert str(key.public_key) == str(KEYPAIR.pubkey())
    assert key.sign(b"message") == bytes(KEYPAIR.sign_message(b"message"))


@pytest.mark.parametrize("mode", [0o600, 0o440, 0o444, 0o404, 0o500, 0o644, 0o000, 0o700, 0o4400])
def test_any_mode_of_the_file_but_0400_is_refused(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path, mode=mode)
    with pytest.raises(Unfit, match="chmod 0400" if mode or os.geteuid() == 0 else "opened"):
        keys.from_file(path)


@pytest.mark.parametrize(
    ("mode", "fits"), [(0o700, True), (0o755, True), (0o500, True), (0o770, False), (0o702, False), (0o1777, False)]
)
def test_a_folder_others_can_write_into_is_refused(tmp_path: Path, mode: int, fits: bool) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    path = written(folder)
    folder.chmod(mode)
    if fits:
        keys.from_file(path)
    else:
        with pytest.raises(Unfit, match="others can write"):
            keys.from_file(path)


def _link(folder: Path) -> Path:
    path = folder / "link"
    path.symlink_to(written(folder))
    return path


def _folder_link(folder: Path) -> Path:
    inner = folder / "inner"
    inner.mkdir()
    written(inner)
    (folder / "link").symlink_to(inner)
    return folder / "link" / "signer.key"


def _folder(folder: Path) -> Path:
    path = folder / "d"
    path.mkdir()
    return path


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe", 0o400)
    return folder / "pipe"


@pytest.mark.parametrize(
    ("place", "says"),
    [
        (_link, "symbolic link"),
        (_folder_link, "symbolic link"),
        (_folder, "no ordinary file"),
        (_pipe, "no ordinary file"),
        (lambda folder: folder / "missing", "cannot be opened"),
    ],
    ids=["a link", "a link to its folder", "a folder", "a pipe", "nothing"],
)
def test_what_is_no_file_of_its_own_is_refused(tmp_path: Path, place: Callable[[Path], Path], says: str) -> None:
    with pytest.raises(Unfit, match=says):
        keys.from_file(place(tmp_path))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_somebody_else_s_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    os.chown(path, 12_345, -1)
    with pytest.raises(Unfit, match="belongs to somebody else"):
        keys.from_file(path)


@pytest.mark.parametrize(
    "text", ["", "[", "[1, 2]", SECRET[:-3], f"{NUMBERS[:-1]}, 1]", "é" * 64, f"{SECRET}{SECRET}", "1" * 5_000, '["a"]']
)
def test_a_file_without_a_key_is_refused_without_a_word_of_what_is_in_it(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(Unfit, match="holds no key") as caught:
        keys.from_file(path)
    told = "".join(traceback.format_exception(caught.value))

    assert caught.value.__cause__ is None
    assert not any(part and part in told for part in (text, SECRET, SECRET[:-3], NUMBERS[1:30]) if len(part) > 6)


def test_a_credential_of_the_service_manager_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, name="keel-signer-key", mode=0o440)  # as systemd's access list shows itself
    tmp_path.chmod(0o500)

    key = keys.from_credential("keel-signer-key", {"CREDENTIALS_DIRECTORY": str(tmp_path)})

    assert str(key.public_key) == str(KEYPAIR.pubkey())
    assert path.exists()
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("mode", [0o444, 0o460, 0o404, 0o644])
def test_a_credential_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    written(tmp_path, name="k", mode=mode)
    with pytest.raises(Unfit, match="LoadCredential"):
        keys.from_credential("k", {"CREDENTIALS_DIRECTORY": str(tmp_path)})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize(
    ("folder_mode", "group", "fits"),
    [(0o500, 12_345, True), (0o700, 12_345, True), (0o550, 12_345, False), (0o755, 12_345, False), (0o755, 0, True)],
)
def test_a_credential_its_group_can_read_is_behind_a_closed_folder_or_root_s(
    tmp_path: Path, folder_mode: int, group: int, fits: bool
) -> None:
    os.chown(written(tmp_path, name="k", mode=0o440), -1, group)
    tmp_path.chmod(folder_mode)
    if fits:
        keys.from_credential("k", {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    else:
        with pytest.raises(Unfit, match="by its group"):
            keys.from_credential("k", {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("name", ["../k", "a/b", "..", ".", "", "a\0b", "k" * 101])
def test_a_credential_never_leads_out_of_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unfit, match="is named in letters"):
        keys.from_credential(name, {"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_without_a_service_manager_there_is_no_credential() -> None:
    with pytest.raises(Unfit, match="as the unit does"):
        keys.from_credential("k", {})


def test_a_key_shows_itself_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    key = keys.from_file(written(tmp_path))
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("t").warning("%s %r %s", key, key, {"key": key})
    shown = f"{key} {key!r} {key:>10}" if False else f"{key} {key!r} {caplog.text} {[key]} {vars(SigningKey)}"

    assert SECRET not in shown
    assert str(list(bytes(KEYPAIR)))[1:40] not in shown


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps])
def test_a_key_is_never_copied(tmp_path: Path, copied: Callable[[object], object]) -> None:
    key = keys.from_file(written(tmp_path))
    with pytest.raises(TypeError):
        copied(key)


def test_a_new_key_is_for_its_owner_alone_and_never_replaces_one(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    path = tmp_path / "signer.key"
    before = os.umask(0)
    try:
        public_key = keys.make_file(path)
    finally:
        os.umask(before)

    assert path.stat().st_mode & 0o777 == 0o400
    assert keys.from_file(path).public_key == public_key
    with pytest.raises(Unfit, match="there already"):
        keys.make_file(path)
    assert keys.from_file(path).public_key == public_key
