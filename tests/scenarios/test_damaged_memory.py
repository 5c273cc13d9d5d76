"""The file under a running bot is damaged, as by a bad disk: people hear of it, and the bot goes on without them."""

from pathlib import Path

from storage.backup import back_up
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.scenarios.conftest import Stage, Start, fall_to
from tests.support.damage import spoil_pages
from tests.support.phone import Phone
from tests.support.scenarios import OnePosition
from tests.support.solana_rpc import SolanaRpc


async def test_a_memory_damaged_while_it_is_used_is_told_set_aside_and_replaced_by_the_last_backup(
    start: Start, stage: Stage, phone: Phone, scene: OnePosition, rpc: SolanaRpc, figure: Gauge
) -> None:
    backups = stage.folder / "backups"
    backups.mkdir()
    bot = await start(BACKUP_DIR=str(backups), BACKUP_KEEP="5")
    await phone.link(await bot.link_code())
    database = Path(stage.env["DATABASE_PATH"])
    back_up(database, backups / "keel-20990101T000000Z.sqlite3")
    await phone.quiet()

    spoil_pages(database)

    with figure.timing(Measure.TOLD_AFTER):
        await phone.until(lambda: any("its memory is damaged" in one.text for one in phone.messages), "the alert", 30.0)
    await bot.until(lambda: len(bot.logged("app.started")) == 2, "a second beginning", 60.0)
    await phone.until(lambda: any("took its place" in one.text for one in phone.messages), "what took its place", 30.0)
    assert len(list(stage.folder.glob("keel.sqlite3.damaged-*Z"))) == 1
    fall_to("CRITICAL", scene, rpc)
    await phone.alert("CRITICAL")
    figure(Measure.LOST, 0)
