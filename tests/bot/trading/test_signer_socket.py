"""One connection to a signer: what it said before it hung up is heard."""

import asyncio
import shutil
import tempfile
from pathlib import Path

import pytest

from bot.signer.intent import Answer, AskIdentity, Refusal, RefusalCode
from bot.signer.wire import framed
from bot.trading.signer_socket import Lost, SignerSocket
from tests.support.scripted_signer import WELL

REFUSAL = Refusal(code=RefusalCode.STRANGER, why="user 17 may not ask")


async def asked_of_one_that_hung_up(last_words: Answer | None) -> Answer:
    folder, hung_up = Path(tempfile.mkdtemp(prefix="keel-")), asyncio.Event()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if last_words is not None:
            writer.write(framed(last_words))
        writer.close()
        await writer.wait_closed()
        hung_up.set()

    server = await asyncio.start_unix_server(serve, folder / "signer.sock")
    connection = SignerSocket(folder / "signer.sock", answer_s=30.0)
    try:
        await connection.open()
        await hung_up.wait()
        return await connection.ask(AskIdentity())
    finally:
        connection.drop()
        server.close()
        shutil.rmtree(folder)


async def test_why_it_hung_up_is_heard_although_the_question_cannot_be_put_any_more() -> None:
    assert await asked_of_one_that_hung_up(REFUSAL) == REFUSAL


@pytest.mark.parametrize("last_words", [None, WELL])
async def test_whatever_else_it_said_is_the_answer_to_nothing(last_words: Answer | None) -> None:
    with pytest.raises(Lost):
        await asked_of_one_that_hung_up(last_words)
