"""Exit with a message unless bills of materials say what their locks say: python check_sbom.py build/sbom py311"""

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
Wanted = dict[tuple[str, str], set[str]]


def locked(text: str) -> Wanted:
    """(name, version) -> its hashes, of a lock."""
    entries = text.replace("\\\n", " ").splitlines()
    found: Wanted = {}
    for entry in entries:
        if pin := re.match(r"([\w.-]+)==(\S+)", entry):
            found[_normal(pin[1]), pin[2]] = set(re.findall(r"--hash=sha256:([0-9a-f]{64})", entry))
    return found


def listed(bill: dict[str, Any]) -> Wanted:
    """(name, version) -> its hashes, of a bill of materials."""
    return {
        (_normal(part["name"]), part["version"]): {
            one["content"] for link in part.get("externalReferences", ()) for one in link.get("hashes", ())
        }
        for part in bill["components"]
    }


def problems(text: str, bill: dict[str, Any]) -> list[str]:
    """How a bill of materials differs from its lock, in words; empty when it does not."""
    wanted, found = locked(text), listed(bill)
    lines = [f"{name} {version} is missing" for name, version in sorted(wanted.keys() - found.keys())]
    lines += [f"{name} {version} is not in the lock" for name, version in sorted(found.keys() - wanted.keys())]
    both = sorted(wanted.keys() & found.keys())
    lines += [f"the hashes of {pin[0]} {pin[1]} differ" for pin in both if wanted[pin] != found[pin]]
    lines += [] if bill.get("bomFormat") == "CycloneDX" else ["it is not of the CycloneDX format"]
    return lines + ([] if wanted else ["the lock is empty"])


def main(directory: str, tag: str) -> str | None:
    wrong: list[str] = []
    locks = sorted((ROOT / "locks").glob(f"{tag}/*.txt"))
    for lock in locks:
        bill = Path(directory) / f"{tag}-{lock.stem}.cdx.json"
        if not bill.is_file():
            wrong.append(f"{bill.name} is missing; run make sbom")
            continue
        found = problems(lock.read_text(encoding="utf-8"), json.loads(bill.read_text(encoding="utf-8")))
        wrong += [f"{bill.name}: {line}" for line in found]
    if wrong or not locks:
        return "\n".join(wrong) or f"locks/{tag} has no lock"
    print(f"{directory}: {len(locks)} bills of materials agree with their locks")
    return None


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
