"""docs/mutation.md: a block for each target between markers; what stands outside is written by hand and stays."""

from benchmarks.machine import Machine
from benchmarks.mutation.outcome import Excuse, Outcome, Survivor

LEAST_FRAC = 0.90


def markers(name: str) -> tuple[str, str]:
    return f"<!-- measured: {name} -->", f"<!-- end: {name} -->"


def block(outcome: Outcome, machine: Machine) -> str:
    """What stands between the markers of a target."""
    target = outcome.target
    verdict = "" if outcome.noticed_frac >= LEAST_FRAC else f" **Below {LEAST_FRAC:.0%}.**"
    left = f" {outcome.untried} are not tried yet." if outcome.untried else ""
    head = (
        f"Made by `python -m benchmarks.mutation {target.name}` on {machine}.{left}\n\n"
        f"{_files('Changed', target.sources)} {_files('Run', target.tests)}\n"
    )
    table = [
        "| changes | killed | took too long | survived | equivalent | accepted | unexplained | noticed | core |",
        "|---|---|---|---|---|---|---|---|---|",
        f"| {outcome.tried} | {outcome.killed} | {outcome.too_long} | {len(outcome.survivors)}"
        f" | {outcome.excused(Excuse.EQUIVALENT)} | {outcome.excused(Excuse.ACCEPTED)} | {outcome.unexplained}"
        f" | {outcome.noticed_frac:.1%} | {outcome.cpu_s / 60:.0f} min |",
    ]
    stillborn = f"{outcome.stillborn} more gave no program that can be imported, and are not counted.{verdict}"
    return "\n".join([head, *table, "", stillborn, *_survivors(outcome)])


def replaced(page: str, name: str, text: str) -> str:
    """The page with another text between the markers. Raises: ValueError, where it lacks them."""
    begin, end = markers(name)
    before, found, rest = page.partition(f"{begin}\n")
    _, ended, after = rest.partition(f"{end}\n")
    if not found or not ended:
        raise ValueError(f"the page lacks {begin} or {end}; write both where the block of {name} shall stand")
    return f"{before}{begin}\n{text}\n{end}\n{after}"


def _files(verb: str, names: tuple[str, ...]) -> str:
    return f"{verb}: {', '.join(f'`{name}`' for name in names)}."


def _survivors(outcome: Outcome) -> list[str]:
    if not outcome.survivors:
        return ["", "Nothing survived."]
    lines = ["", "Survivors:", ""]
    by_reason: dict[str, list[Survivor]] = {}
    for one in outcome.survivors:
        reason = "**unexplained**" if one.why is None else f"{one.why.excuse}: {one.why.reason}"
        by_reason.setdefault(reason, []).append(one)
    for reason, ones in by_reason.items():
        lines.append(f"- {reason}")
        for one in ones:
            where = one.change.where or one.change.statement
            lines.append(f"    - `{one.change.path}`, `{_code(where)}`: `{_code(one.change.text)}`")
    return lines


def _code(text: str) -> str:
    return text.replace("`", "'").replace("\n", " ")
