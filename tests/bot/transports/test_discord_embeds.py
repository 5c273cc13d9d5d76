"""Alerts in their colour on the wire, and what becomes of them where boxes are not allowed."""

from dataclasses import replace

import pytest

from bot.messages import Accent, Button, Message, Picture, Refused, TryAgain, Unreachable, lines
from bot.transports.discord import DiscordTransport
from bot.transports.discord.render import layouts
from tests.bot.transports.conftest import ANN, Time, at, discord_of, heard_command
from tests.support.discord_server import Channel, DiscordServer, Drop, Fault
from tests.support.png import tiny_png

ALERT = Message(
    blocks=lines("HIGH main: 4.1%", "Deposit $820."), buttons=((Button("Ack", "ack:1"),),), accent=Accent.DANGER
)
SAID = "HIGH main: 4.1%\nDeposit $820."
LONG = replace(ALERT, blocks=lines("HIGH main: 4.1%", *(letter * 1_900 for letter in "abcde")))


async def test_an_alert_has_a_headline_a_box_and_buttons(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    await discord.send(at(desk), ALERT)
    (message,) = discord_server.messages(desk)
    assert (message.headline, [embed.text for embed in message.embeds]) == ("HIGH main: 4.1%", ["Deposit $820."])
    assert message.embeds[0].colour == 0xE2572B
    assert message.labels == ("Ack",)


async def test_an_edit_changes_the_colour_and_what_was_plain_can_become_a_box(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    ref = await discord.send(at(desk), replace(ALERT, accent=Accent.NONE))
    await discord.edit(ref, replace(ALERT, accent=Accent.GOOD))
    (message,) = discord_server.messages(desk)
    assert [embed.colour for embed in message.embeds] == [0x2FA86B]
    await discord.edit(ref, Message(blocks=lines("Over")))
    assert (message.text, message.embeds) == ("Over", ())


async def test_a_long_alert_is_several_boxes_in_order_with_the_buttons_at_the_end(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    ref = await discord.send(at(desk), LONG)
    messages = discord_server.messages(desk)
    assert [message.headline for message in messages] == ["HIGH main: 4.1%", "", ""]
    assert "".join(message.text for message in messages).replace("\n", "").endswith("e" * 1_900)
    assert [message.labels for message in messages] == [(), (), ("Ack",)]
    assert ref.message_id == str(messages[-1].message_id)


async def test_a_picture_of_an_alert_is_under_its_last_box(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    await discord.send(at(desk), replace(ALERT, blocks=(*ALERT.blocks, Picture(tiny_png(), alt="It fell."))))
    (message,) = discord_server.messages(desk)
    assert (message.files, len(message.embeds)) == ((tiny_png(),), 1)


async def test_where_boxes_are_left_out_without_a_word_the_text_comes_in_plain(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel, time: Time
) -> None:
    desk.may_embed = False
    ref = await discord.send(at(desk), ALERT)
    (message,) = discord_server.messages(desk)
    assert (message.text, message.labels) == (SAID, ("Ack",))
    calls = len(discord_server.calls)
    await discord.edit(ref, replace(ALERT, accent=Accent.GOOD))
    await discord.send(at(desk), ALERT)
    assert len(discord_server.calls) == calls + 2  # known by now
    assert [one.text for one in discord_server.messages(desk)] == [SAID, SAID]
    desk.may_embed = True
    time.pass_by(3_601)
    await discord.send(at(desk), ALERT)
    assert len(discord_server.messages(desk)[-1].embeds) == 1


async def test_a_long_alert_without_boxes_loses_nothing(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    desk.may_embed = False
    await discord.send(at(desk), LONG)
    text = "".join(message.text for message in discord_server.messages(desk)).replace("\n", "")
    assert text == "HIGH main: 4.1%" + "".join(letter * 1_900 for letter in "abcde")
    assert discord_server.messages(desk)[-1].labels == ("Ack",)


@pytest.mark.parametrize("fault", [Fault(status=403, code=50013), Fault(status=400, code=50035)])
@pytest.mark.parametrize("doing", ["POST", "PATCH"])
async def test_a_box_that_is_refused_becomes_plain_text(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel, fault: Fault, doing: str
) -> None:
    ref = await discord.send(at(desk), Message(blocks=lines("first")))
    discord_server.inject(replace(fault, method=doing, path="/messages", times=2))  # with its buttons and without
    if doing == "POST":
        await discord.send(at(desk), ALERT)
    else:
        await discord.edit(ref, ALERT)
    message = discord_server.messages(desk)[-1]
    assert (message.text, message.embeds, message.labels) == (SAID, (), ("Ack",))


async def test_an_edit_where_boxes_are_left_out_is_plain(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    ref = await discord.send(at(desk), ALERT)
    desk.may_embed = False
    await discord.edit(ref, replace(ALERT, accent=Accent.GOOD))
    assert discord_server.messages(desk)[0].text == SAID


async def test_a_channel_that_takes_nothing_is_not_asked_in_every_form(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    desk.forbidden = True
    calls = len(discord_server.calls)
    with pytest.raises(Unreachable, match="let the bot view it"):
        await discord.send(at(desk), ALERT)
    assert len(discord_server.calls) == calls + 1


async def test_an_answer_can_be_a_box_that_one_person_sees(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    for allowed in (True, False):
        desk.may_embed = allowed
        await discord_server.slash(ANN, "details", channel=desk)
        await discord.send((await heard_command(discord)).address, ALERT)
        answer = discord_server.messages(desk, seen_by=ANN)[-1]
        assert (answer.text, len(answer.embeds), answer.only_for) == (SAID, allowed, ANN)
    assert discord_server.messages(desk) == []


async def test_nothing_at_all_is_refused_for_good(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel, time: Time
) -> None:
    discord_server.inject(Fault(path="/messages", times=None, status=400, code=50035, words="No such luck"))
    with pytest.raises(Refused, match="No such luck"):
        await discord.send(at(desk), ALERT)


async def test_one_key_is_one_message_however_often_and_by_whom_it_is_sent(
    discord_server: DiscordServer, desk: Channel, time: Time
) -> None:
    refs = []
    for _ in range(2):  # the second one is another process
        async with discord_of(discord_server, time) as bot:
            refs += [await bot.send(at(desk), LONG, key="outbox-1") for _ in range(2)]
            await bot.send(at(desk), ALERT, key="")
            await bot.send(at(desk), ALERT, key="outbox-2")
    assert len(set(refs)) == 1
    assert len(discord_server.messages(desk)) == 3 + 1 + 2
    assert all(len(message.nonce) <= 25 for message in discord_server.messages(desk))


async def test_an_unknown_outcome_sent_again_is_one_message(
    discord_server: DiscordServer, desk: Channel, time: Time
) -> None:
    async with discord_of(discord_server, time) as bot:
        for message in (ALERT, LONG):
            for part in range(3):
                for fault in [Fault(path="/messages")] * part:  # the parts before it pass
                    discord_server.inject(fault)
                discord_server.inject(Fault(path="/messages", drop=Drop.AFTER))
                key = f"{len(message.blocks)}-{part}"
                if part < len(layouts(message)[0]):
                    with pytest.raises(TryAgain):
                        await bot.send(at(desk), message, key=key)
                await bot.send(at(desk), message, key=key)
                discord_server.heal()
    assert len(discord_server.messages(desk)) == 3 * 1 + 3 * 3
