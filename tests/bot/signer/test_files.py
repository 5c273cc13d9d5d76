"""Folders above a file: none of them lets somebody else put another file in its place."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.signer import config as configuration
from bot.signer import key as keys
from bot.signer.errors import Unfit
from bot.signer.files import require_safe_way
from bot.signer.journal import Journal
from bot.signer.listening import listener
from tests.bot.signer.asking import make_config
from tests.bot.signer.test_config import text_of

SOMEBODY = 12_345


@pytest.fixture
def above(tmp_path: Path) -> Path:
    """A folder that holds a folder of the signer's."""
    tmp_path.chmod(0o755)
    folder = tmp_path / "above"
    (folder / "signer").mkdir(parents=True)
    folder.chmod(0o755)
    (folder / "signer").chmod(0o700)
    return folder


@pytest.mark.parametrize(
    ("mode", "fits"), [(0o755, True), (0o700, True), (0o1777, True), (0o775, False), (0o777, False), (0o757, False)]
)
def test_only_a_folder_in_which_nothing_can_be_moved_may_be_above(above: Path, mode: int, fits: bool) -> None:
    above.chmod(mode)
    if fits:
        require_safe_way(above / "signer", "it")
    else:
        with pytest.raises(Unfit, match="others can move"):
            require_safe_way(above / "signer", "it")
    above.chmod(0o755)


def _key(folder: Path) -> object:
    keys.make_file(folder / "key")
    return keys.from_file(folder / "key")


def _config(folder: Path) -> object:
    path = folder / "signer.toml"
    path.write_text(text_of())
    path.chmod(0o600)
    return configuration.load(path)


def _credential(folder: Path) -> object:
    keys.make_file(folder / "k")
    return keys.from_credential("k", {"CREDENTIALS_DIRECTORY": str(folder)})


USES: dict[str, Callable[[Path], object]] = {
    "key": _key,
    "file": _config,
    "credential": _credential,
    "state": lambda folder: Journal(folder).close(),
    "socket": lambda folder: listener(make_config(folder)).close(),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_whatever_the_signer_trusts_is_nowhere_others_could_move_it(above: Path, use: Callable[[Path], object]) -> None:
    (above / "signer" / "run").mkdir(mode=0o700)
    above.chmod(0o777)
    with pytest.raises(Unfit, match="others can move"):
        use(above / "signer")
    above.chmod(0o755)
    for one in (above / "signer").iterdir():
        if one.is_file():
            one.unlink()
    use(above / "signer")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_never_above(above: Path) -> None:
    os.chown(above, SOMEBODY, -1)
    with pytest.raises(Unfit, match="is theirs"):
        require_safe_way(above / "signer", "it")


def test_a_link_above_leads_to_nothing_that_others_can_move(above: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(above)
    require_safe_way(tmp_path / "link" / "signer", "it")
    above.chmod(0o777)
    with pytest.raises(Unfit, match="others can move"):
        require_safe_way(tmp_path / "link" / "signer", "it")
    above.chmod(0o755)


def test_a_way_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unfit, match="check the path"):
        require_safe_way(tmp_path / "missing" / "signer", "it")
