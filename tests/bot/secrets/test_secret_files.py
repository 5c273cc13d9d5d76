"""Secrets in files of their own, and the file of settings itself: what is read, what is refused, in which words."""

import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.config import BadSettings, Settings, load_settings
from bot.env_file import write_env
from bot.private_files import NotPrivate, require_private_env, secret_in
from bot.secret_settings import secret_lists, secret_names, secret_values, secrets_of
from tests.bot.secrets.canaries import CANARIES, LISTS
from tests.faults import Measure
from tests.faults.figures import Gauge

posix = pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
needs_root = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives files away")
NAMES = secret_names(Settings)
# What a name of a setting looks like that is as good as a key. Those that only look like it are named below.
SECRET_LOOKING = re.compile(r"token|secret|password|pin\b|webhook|(^|_)urls?$|key|credential|seed")
NO_SECRETS = {
    "telegram_base_url": "an official host, or a loopback one in tests",
    "discord_api_url": "the same",
    "discord_gateway_url": "the same",
    "data_url": "a host and a path; a query is refused",
    "allow_owner_key": "a switch",
    "trading_pin_above_usd": "an amount",
}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Whoever runs the tests may have settings of their own."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)
    tmp_path.chmod(0o700)
    mask = os.umask(0o022)
    yield
    os.umask(mask)


def secret_file(folder: Path, text: str, mode: int = 0o600, name: str = "secret") -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(mode)
    return path


# Which settings are secret.


def test_every_setting_that_looks_like_a_secret_is_one() -> None:
    looking = {name for name in Settings.model_fields if SECRET_LOOKING.search(name)}

    assert looking - set(NO_SECRETS) <= set(NAMES)
    assert not set(NO_SECRETS) & set(NAMES)


def test_every_secret_setting_has_a_canary() -> None:
    assert set(CANARIES) == set(NAMES)
    assert set(LISTS) == set(secret_lists(Settings))


def test_no_file_of_a_secret_is_called_as_a_setting_is() -> None:
    assert not {f"{name}_file" for name in NAMES} & set(Settings.model_fields)


@pytest.mark.parametrize("name", NAMES)
def test_neither_repr_nor_str_nor_a_dump_of_the_settings_shows_a_secret(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one, value in CANARIES.items():
        monkeypatch.setenv(one.upper(), value)
    monkeypatch.setenv("ALLOW_LOOPBACK_PLATFORMS", "true")
    settings = load_settings(None)
    held = getattr(settings, name)

    assert secret_values(settings)[name]
    for shown in (
        repr(settings),
        str(settings),
        str(settings.model_dump()),
        settings.model_dump_json(),
        f"{held!r}{held}",
    ):
        assert "canary" not in shown.lower()


def test_whatever_is_secret_is_known_to_be_so_once_the_settings_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    from bot import redaction

    for one, value in CANARIES.items():
        monkeypatch.setenv(one.upper(), value)
    monkeypatch.setenv("ALLOW_LOOPBACK_PLATFORMS", "true")
    settings = load_settings(None)

    for value in CANARIES.values():
        assert "canary" not in redaction.clean(f"a {value} b").lower()
    assert len(secrets_of(settings)) > len(CANARIES)


# X_FILE.


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_every_secret_may_stand_in_a_file_of_its_own(
    name: str, mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one, value in CANARIES.items():
        monkeypatch.setenv(one.upper(), value)
    monkeypatch.setenv("ALLOW_LOOPBACK_PLATFORMS", "true")
    directly = secret_values(load_settings(None))
    monkeypatch.delenv(name.upper())
    monkeypatch.setenv(f"{name.upper()}_FILE", str(secret_file(tmp_path, f"{CANARIES[name]}\n", mode)))

    assert secret_values(load_settings(None)) == directly


@pytest.mark.parametrize("name", NAMES)
def test_a_secret_given_in_both_ways_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name.upper(), CANARIES[name])
    monkeypatch.setenv(f"{name.upper()}_FILE", str(secret_file(tmp_path, CANARIES[name])))

    with pytest.raises(BadSettings, match=f"{name.upper()} and {name.upper()}_FILE are both set; take one of them out"):
        load_settings(None)


def test_a_list_may_have_a_line_for_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = secret_file(tmp_path, "https://a.example/k\r\n\n  https://b.example/k  \n")
    monkeypatch.setenv("RPC_URLS_FILE", str(file))

    assert secret_values(load_settings(None))["rpc_urls"] == ("https://a.example/k", "https://b.example/k")


def test_the_env_file_may_name_files_rather_than_hold_secrets(tmp_path: Path) -> None:
    env = secret_file(
        tmp_path, f"TELEGRAM_TOKEN_FILE={secret_file(tmp_path, CANARIES['telegram_token'])}\n", name=".env"
    )

    assert load_settings(env).telegram_token.get_secret_value() == CANARIES["telegram_token"]


def test_what_the_setup_writes_takes_the_place_of_a_file_that_was_named(tmp_path: Path) -> None:
    env = secret_file(tmp_path, "TELEGRAM_TOKEN_FILE=/somewhere\nROUTES_FILE=routes.toml\n", name=".env")
    write_env(env, {"TELEGRAM_TOKEN": "123456:x"})

    assert env.read_text() == "ROUTES_FILE=routes.toml\nTELEGRAM_TOKEN=123456:x\n"


def no_file(folder: Path) -> Path:
    return folder / "missing"


def a_link(folder: Path) -> Path:
    (folder / "link").symlink_to(secret_file(folder, "canary"))
    return folder / "link"


def a_dangling_link(folder: Path) -> Path:
    (folder / "link").symlink_to(folder / "nowhere")
    return folder / "link"


def a_folder(folder: Path) -> Path:
    return folder


def a_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe", 0o600)
    return folder / "pipe"


def bytes_of(raw: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = secret_file(folder, "")
        path.write_bytes(raw)
        return path

    return make


def with_mode(mode: int) -> Callable[[Path], Path]:
    return lambda folder: secret_file(folder, "canary-canary", mode)


def in_an_open_folder(folder: Path) -> Path:
    inside = folder / "inside"
    inside.mkdir()
    path = secret_file(inside, "canary-canary")
    inside.chmod(0o770)
    return path


def of_somebody_else(folder: Path) -> Path:
    path = secret_file(folder, "canary-canary")
    os.chown(path, 12_345, 12_345)
    return path


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "no file": (no_file, "cannot be opened (No such file or directory); check its path"),
    "a link": (a_link, "is a symbolic link; name the file itself"),
    "a link to nowhere": (a_dangling_link, "is a symbolic link; name the file itself"),
    "a folder": (a_folder, "is no ordinary file; name one that is"),
    "a pipe": (a_pipe, "is no ordinary file; name one that is"),
    "an empty file": (bytes_of(b" \n"), "is empty; write the secret into it"),
    "no text": (bytes_of(b"\xff\xfecanary"), "is not UTF-8 text"),
    "two lines": (bytes_of(b"canary\ncanary\n"), "holds something else than a secret"),
    "a control character": (bytes_of(b"cana\x00ry"), "holds something else than a secret"),
    "an invisible character": (bytes_of("cana\u200bry".encode()), "holds something else than a secret"),
    "a whole disk": (bytes_of(b"canary" * 2_000), "holds something else than a secret"),
    "a folder others can write to": (in_an_open_folder, "others can write into the folder of"),
    **{
        f"mode {mode:04o}": (with_mode(mode), f"has mode {mode:04o}: others can read the secret; run chmod 600 ")
        for mode in (0o640, 0o604, 0o660, 0o622, 0o644, 0o666, 0o777, 0o440, 0o404, 0o610, 0o601)
    },
}  # fmt: skip


@posix
@pytest.mark.parametrize(("make", "sentence"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_others_can_get_at_or_that_holds_no_secret_is_refused(
    make: Callable[[Path], Path], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(tmp_path)
    monkeypatch.setenv("TELEGRAM_TOKEN_FILE", str(path))

    with pytest.raises(BadSettings, match=re.escape(sentence)) as refused:
        load_settings(None)
    assert str(refused.value).startswith(f"TELEGRAM_TOKEN_FILE: {'others' if 'folder of' in sentence else path}")
    assert "canary" not in str(refused.value)
    assert refused.value.__cause__ is None


@needs_root
def test_a_file_of_another_user_is_refused_to_whoever_is_not_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = of_somebody_else(tmp_path)
    assert secret_in(path) == "canary-canary"
    monkeypatch.setattr(os, "geteuid", lambda: 54_321)

    with pytest.raises(NotPrivate, match=r"belongs to another user; run chown 54321"):
        secret_in(path)


@needs_root
def test_a_file_of_root_is_taken_as_service_managers_hand_them_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = secret_file(tmp_path, "canary-canary", 0o400)
    monkeypatch.setattr(os, "geteuid", lambda: 54_321)

    assert secret_in(path) == "canary-canary"


@posix
def test_of_all_modes_a_file_can_have_only_private_ones_are_used(tmp_path: Path, figure: Gauge) -> None:
    """An env file without secrets may be read by others, which is tried below."""
    secret = secret_file(tmp_path, "canary-canary")
    env = secret_file(tmp_path, SECRETS, name=".env")
    accepted = wrong = tried = 0
    for mode in range(0o1000):
        private = not mode & 0o077
        for path, used in (
            (secret, lambda: secret_in(secret)),
            (env, lambda: require_private_env(env, ["TELEGRAM_TOKEN"])),
        ):
            path.chmod(mode)
            tried += 1
            try:
                used()
            except NotPrivate as refusal:
                # Nobody reads a file that its owner may not read, but root.
                wrong += private and bool(mode & stat.S_IRUSR)
                wrong += not private and "run chmod 600" not in str(refusal) and "cannot be opened" not in str(refusal)
            else:
                accepted += not private
    figure(Measure.TRIED, tried)
    figure(Measure.ACCEPTED, accepted)
    figure(Measure.WRONG, wrong)


# The env file itself.

SECRETS = "TELEGRAM_TOKEN=123456:canary\nVENUE=paper\n"
HARMLESS = "VENUE=paper\nTELEGRAM_TOKEN=\nTELEGRAM_TOKEN_FILE=\n"


@posix
@pytest.mark.parametrize(
    ("text", "mode", "sentence"),
    [
        (SECRETS, 0o600, ""),
        (SECRETS, 0o400, ""),
        (SECRETS, 0o640, "others can read TELEGRAM_TOKEN in it; run chmod 600"),
        (SECRETS, 0o604, "others can read TELEGRAM_TOKEN in it; run chmod 600"),
        (SECRETS.lower(), 0o644, "others can read telegram_token in it; run chmod 600"),
        (SECRETS, 0o620, "others can change the settings; look it through, then run chmod 600"),
        (HARMLESS, 0o644, ""),
        (HARMLESS, 0o664, "others can change the settings"),
        (HARMLESS, 0o602, "others can change the settings"),
    ],
)
def test_an_env_file_that_others_can_change_or_read_secrets_in_does_not_start_a_bot(
    text: str, mode: int, sentence: str, tmp_path: Path
) -> None:
    env = secret_file(tmp_path, text, mode, ".env")
    if not sentence:
        load_settings(env, guarded=True)
        return

    with pytest.raises(BadSettings, match=sentence) as refused:
        load_settings(env, guarded=True)
    assert f"{stat.S_IMODE(mode):04o}" in str(refused.value)
    assert "canary" not in str(refused.value)
    load_settings(env)  # what only looks, such as keel check, says so in its own way


def test_without_an_env_file_there_is_nothing_to_guard(tmp_path: Path) -> None:
    assert load_settings(tmp_path / ".env", guarded=True) == load_settings(None)


@needs_root
def test_an_env_file_of_another_user_does_not_start_a_bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env = secret_file(tmp_path, HARMLESS, 0o600, ".env")
    os.chown(env, 12_345, 12_345)
    monkeypatch.setattr(os, "geteuid", lambda: 54_321)

    with pytest.raises(BadSettings, match="belongs to another user"):
        load_settings(env, guarded=True)
