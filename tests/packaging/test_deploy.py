"""The service units and the container file: what they grant, and that they start what there is."""

import re
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from bot.cli import main

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = {"keel.service": "run", "keel-standby.service": "standby"}
MOST_EXPOSED = 2.0

# What a service that only talks to the net and writes one folder can do without.
HARDENED = {
    "Type": "notify",
    "Restart": "always",
    "WatchdogSec": "15",
    "StateDirectory": "keel",
    "StateDirectoryMode": "0700",
    "UMask": "0077",
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "AmbientCapabilities": "",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "PrivateUsers": "yes",
    "PrivateMounts": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "ProtectProc": "invisible",
    "ProcSubset": "pid",
    "ProtectClock": "yes",
    "ProtectHostname": "yes",
    "ProtectControlGroups": "yes",
    "ProtectKernelLogs": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "RestrictNamespaces": "yes",
    "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes",
    "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes",
    "SystemCallArchitectures": "native",
    "LimitCORE": "0",
}


def options(unit: str) -> dict[str, dict[str, list[str]]]:
    """Values by section and name; a name may stand there more than once."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    section = ""
    for line in (DEPLOY / unit).read_text(encoding="utf-8").splitlines():
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif line and not line.startswith("#"):
            name, equals, value = line.partition("=")
            assert equals, line
            found[section][name].append(value)
    return found


@pytest.mark.parametrize("unit", UNITS)
def test_a_service_gets_what_it_needs_and_nothing_else(unit: str) -> None:
    service = options(unit)["Service"]

    assert {name: service.get(name) for name in HARDENED} == {name: [value] for name, value in HARDENED.items()}
    assert service["SystemCallFilter"] == ["@system-service", "~@privileged @resources"]
    assert service["User"] == ["keel"]
    assert options(unit)["Unit"]["StartLimitIntervalSec"] == ["0"]


@pytest.mark.parametrize(("unit", "command"), UNITS.items())
def test_a_service_starts_a_command_that_exists_with_a_memory_of_its_own(unit: str, command: str) -> None:
    service = options(unit)["Service"]

    assert service["ExecStart"] == [f"/opt/keel/.venv/bin/keel {command}"]
    assert command in main.commands
    assert "DATABASE_PATH=/var/lib/keel/keel.sqlite3" in service["Environment"]
    assert service["EnvironmentFile"] == ["/etc/keel/keel.env"]


def test_a_dead_process_runs_again_in_less_than_35_seconds() -> None:
    service = options("keel.service")["Service"]
    silence_of_checks_s = 15  # see bot.vitals.Patience

    assert silence_of_checks_s + float(service["WatchdogSec"][0]) + float(service["RestartSec"][0]) < 35
    assert service["WatchdogSignal"] == ["SIGKILL"]  # what hangs does not have to agree


def test_the_two_units_differ_in_what_they_start_alone() -> None:
    first, second = (options(unit) for unit in UNITS)
    for found in (first, second):
        found["Service"].pop("ExecStart")
        found["Unit"].pop("Description")

    assert first == second


@pytest.mark.parametrize("unit", [*UNITS, "keel-signer.service"])
def test_the_service_manager_finds_little_to_object_to(unit: str) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("there is no systemd-analyze here")
    done = subprocess.run(
        [program, "security", "--offline=yes", "--no-pager", str(DEPLOY / unit)], capture_output=True, text=True,
        check=False, timeout=240,
    )  # fmt: skip
    level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    if level is None:
        pytest.skip(f"systemd-analyze cannot look at files here: {done.stderr.strip()[:200]}")

    assert float(level[1]) <= MOST_EXPOSED


def test_the_signer_is_a_user_of_its_own_without_a_network_or_the_bot_s_settings() -> None:
    service, bot = options("keel-signer.service")["Service"], options("keel.service")["Service"]
    differ = {"Type", "Restart", "WatchdogSec", "StateDirectory", "PrivateUsers", "RestrictAddressFamilies"}
    same = set(HARDENED) - differ

    assert {name: service.get(name) for name in same} == {name: [HARDENED[name]] for name in same}
    assert service["User"] == ["keel-signer"] != bot["User"]
    assert service["Group"] == bot["Group"]  # who may connect
    assert (service["StateDirectory"], service["RuntimeDirectoryMode"]) == (["keel-signer"], ["0750"])
    assert service["PrivateNetwork"] == ["yes"]
    assert service["RestrictAddressFamilies"] == ["AF_UNIX"]
    assert "PrivateUsers" not in service  # SO_PEERCRED would name nobody
    assert "EnvironmentFile" not in service
    assert service["LoadCredential"] == ["keel-signer-key:/etc/keel-signer/key"]
    assert service["MemorySwapMax"] == ["0"]


def test_a_signer_that_ended_is_started_again_and_not_for_ever_where_nothing_changes() -> None:
    found = options("keel-signer.service")
    (burst,), (interval_s,) = found["Unit"]["StartLimitBurst"], found["Unit"]["StartLimitIntervalSec"]

    assert found["Service"]["Restart"] == ["on-failure"]
    assert int(burst) * (int(found["Service"]["RestartSec"][0]) + 2) < int(interval_s)


def test_the_signer_s_service_starts_a_command_that_exists_in_an_environment_of_its_own() -> None:
    service = options("keel-signer.service")["Service"]

    program, *rest = service["ExecStart"][0].split()
    assert program == "/opt/keel-signer/bin/keel-signer"  # never from a folder of the bot's
    assert rest == ["run", "--config", "/etc/keel-signer/signer.toml"]
    assert "signer" in main.commands


def test_the_signer_s_service_finds_everything_where_its_first_file_says_it_is() -> None:
    pytest.importorskip("solders", reason="the signer needs solders; install keel[solana]")
    from bot.signer.template import of_the_service

    service, found = options("keel-signer.service")["Service"], of_the_service(Path("/etc/keel-signer"))
    (state,), (run,), (credential,) = service["StateDirectory"], service["RuntimeDirectory"], service["LoadCredential"]

    assert found.state == Path("/var/lib") / state
    assert found.socket.parent == Path("/run") / run
    assert f'socket_group = "{service["Group"][0]}"' == found.group
    name, key = credential.split(":")
    assert found.key_file == Path(key)
    assert f'credential = "{name}"' in found.key


def test_the_page_that_says_how_to_set_the_signer_up_speaks_of_the_service_as_it_is() -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8").split("\n### On Drift, step by step\n", 1)[1]
    page = page.split("\n## ", 1)[0]
    service = options("keel-signer.service")["Service"]
    program, _, _, config = service["ExecStart"][0].split()

    assert f"make signer SIGNER_VENV={Path(program).parents[1]}" in page
    assert set(re.findall(r"\S+/keel-signer (?:init|begin|check|unlock)", page)) >= {
        f"{program} {command}" for command in ("init", "begin", "check")
    }
    assert f"--config {config}" in page
    assert f"--gid {service['Group'][0]} {service['User'][0]}" in page
    assert f"install -d -o {service['User'][0]} -g {service['Group'][0]} -m 0700 /var/lib/keel-signer" in page
    assert "SIGNER_SOCKET=/run/keel-signer/signer.sock" in page


def container() -> list[tuple[str, str]]:
    """Instructions and what follows them, continued lines joined."""
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
    lines = (line for line in text.replace("\\\n", " ").splitlines() if line.strip() and not line.startswith("#"))
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines]


def test_the_container_installs_by_hash_and_runs_as_nobody_in_particular() -> None:
    steps = container()
    last_stage = steps[max(at for at, (word, _) in enumerate(steps) if word == "FROM") :]
    installs = [rest for word, rest in steps if word == "RUN" and "pip install" in rest]

    assert "--require-hashes" in installs[0]
    assert "--only-binary :all:" in installs[0]
    assert "--no-index" in installs[1]
    assert ("USER", "10001:10001") in last_stage
    assert ("HEALTHCHECK", '--interval=15s --timeout=10s --start-period=60s --retries=2 CMD ["keel", "alive"]') in steps
    assert ("CMD", '["run"]') in last_stage
    assert not [rest for word, rest in steps if word in ("ADD", "EXPOSE")]
    assert not [rest for _, rest in steps if re.search(r"TOKEN|SECRET|RPC_URL", rest)]


def test_the_container_copies_what_there_is_and_all_that_is_needed() -> None:
    copied = {rest.split()[0] for word, rest in container() if word == "COPY" and not rest.startswith("--from")}

    assert {"risk", "venues", "storage", "bot", "pyproject.toml"} <= copied
    for one in copied | {rest.split()[0] for word, rest in container() if word == "COPY" and "README" in rest}:
        assert (ROOT / one).exists(), one
    assert "alive" in main.commands


def test_the_composition_takes_away_what_a_container_can_do_without() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")

    for wanted in ("read_only: true", "cap_drop: [ALL]", "no-new-privileges:true", "restart: always", "core: 0"):
        assert wanted in text
    assert "privileged: true" not in text
    assert "ports:" not in text
