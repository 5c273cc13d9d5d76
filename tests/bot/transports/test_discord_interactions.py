"""Commands and presses: acknowledged at once, answered to whoever asked, edited where everybody reads them."""

import asyncio
from dataclasses import replace

import pytest

from bot.messages import (
    Address,
    ArgumentHint,
    Button,
    Command,
    CommandHint,
    Line,
    Message,
    MessageRef,
    Person,
    Picture,
    Refused,
    Suggestion,
    TryAgain,
    Typing,
    lines,
)
from bot.transports.discord import DiscordTransport
from tests.bot.transports.conftest import (
    ANN,
    TRADERS,
    Time,
    at,
    discord_of,
    heard,
    heard_command,
    heard_press,
)
from tests.faults import Measure
from tests.faults.figures import Gauge
from tests.support.discord_server import Channel, DiscordServer, Drop, Fault, Interaction
from tests.support.png import tiny_png

BOB = 1002
ACK = Button("Ack", "ack:17")
CARD = Message(blocks=lines("HIGH main", "Deposit $820."), buttons=((ACK,),))
ANSWER = Message(blocks=lines("main: health 61%"))
DONE = Message(blocks=lines("Acknowledged by Ann"))
LATER_REPLY, LATER_EDIT = 5, 6


async def acknowledged(server: DiscordServer, interaction: Interaction) -> None:
    await server.wait_for(lambda: interaction.acknowledged is not None)


async def test_a_slash_command_is_what_would_be_typed_elsewhere(
    discord: DiscordTransport, discord_server: DiscordServer, direct: Address, time: Time
) -> None:
    await discord_server.slash(ANN, "stress", "  main 20 ")
    command = await heard_command(discord)
    assert (command.text, command.private, command.sent_at) == ("/stress main 20", True, time.now())
    assert command.address == direct
    assert command.sender == Person(transport="discord", user_id=str(ANN), display_name="ann")


async def test_it_is_acknowledged_before_anybody_has_looked_at_it(
    discord: DiscordTransport, discord_server: DiscordServer
) -> None:
    interaction = await discord_server.slash(ANN, "health")
    await acknowledged(discord_server, interaction)
    assert interaction.acknowledged == LATER_REPLY
    assert interaction.loading


async def test_the_first_answer_takes_the_place_of_thinking_and_the_next_ones_follow(
    discord: DiscordTransport, discord_server: DiscordServer, direct: Address
) -> None:
    interaction = await discord_server.slash(ANN, "health")
    command = await heard_command(discord)
    ref = await discord.send(command.address, ANSWER)
    await discord.send(command.address, DONE)
    assert not interaction.loading
    assert [message.text for message in discord_server.messages()] == ["main: health 61%", "Acknowledged by Ann"]
    assert ref.message_id == str(interaction.original)
    await discord.edit(ref, CARD)
    assert discord_server.messages()[0].labels == ("Ack",)
    assert discord_server.calls[-1].path.startswith("/channels/")  # not by the token, which ends


async def test_a_long_answer_with_a_picture_is_one_reply_and_what_follows_it(
    discord: DiscordTransport, discord_server: DiscordServer
) -> None:
    await discord_server.slash(ANN, "chart")
    command = await heard_command(discord)
    blocks = (Line("x" * 1900), Line("y" * 1900), Picture(tiny_png(), alt="Equity."))
    ref = await discord.send(command.address, Message(blocks=blocks, buttons=((ACK,),)))
    first, last = discord_server.messages()
    assert (first.text[0], first.files, last.text[0], last.files, last.labels) == (
        "x",
        (),
        "y",
        (tiny_png(),),
        ("Ack",),
    )
    assert ref.message_id == str(last.message_id)


async def test_in_a_guilds_channel_only_whoever_asked_sees_the_answer(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    await discord_server.slash(ANN, "health", channel=desk)
    command = await heard_command(discord)
    assert (command.private, command.address) == (False, at(desk))
    ref = await discord.send(command.address, ANSWER)
    await discord.send(command.address, CARD)
    assert discord_server.messages(desk, seen_by=BOB) == []
    assert len(discord_server.messages(desk, seen_by=ANN)) == 2
    await discord.edit(ref, DONE)
    assert discord_server.messages(desk, seen_by=ANN)[0].text == "Acknowledged by Ann"
    assert discord_server.messages(desk, seen_by=BOB) == []


async def test_commands_named_public_are_answered_to_everybody(
    discord_server: DiscordServer, time: Time, desk: Channel
) -> None:
    async with discord_of(discord_server, time, public_commands=("hedge",)) as discord:
        await discord_server.slash(ANN, "hedge", channel=desk)
        command = await heard_command(discord)
        ref = await discord.send(command.address, CARD)
        assert len(discord_server.messages(desk, seen_by=BOB)) == 1
        await discord.edit(ref, DONE)
        assert discord_server.calls[-1].path.startswith("/channels/")


@pytest.mark.parametrize(
    ("answer", "seen"), [(True, True), (False, False), (None, False)], ids=["may", "may not", "nobody knows in time"]
)
async def test_whether_a_public_answer_may_be_one_is_asked_before_discord_is_told(
    discord_server: DiscordServer,
    time: Time,
    desk: Channel,
    monkeypatch: pytest.MonkeyPatch,
    answer: bool | None,
    seen: bool,
) -> None:
    if answer is None:
        monkeypatch.setattr("bot.transports.discord.hearing._AUDIENCE_S", 0.05)
    asked: list[tuple[Person, Address]] = []

    async def may_be_public(person: Person, address: Address) -> bool:
        asked.append((person, address))
        if answer is None:
            await asyncio.Event().wait()
        return bool(answer)

    async with discord_of(discord_server, time, public_commands=("hedge",), may_be_public=may_be_public) as discord:
        await discord_server.slash(ANN, "hedge", channel=desk)
        command = await heard_command(discord)
        await discord.send(command.address, ANSWER)
        assert bool(discord_server.messages(desk, seen_by=BOB)) is seen
        assert command.address.shared is seen
        assert len(discord_server.messages(desk, seen_by=ANN)) == 1
        assert [(person.user_id, address) for person, address in asked] == [(str(ANN), at(desk))]
        await discord_server.slash(ANN, "health", channel=desk)
        await discord.send((await heard_command(discord)).address, ANSWER)
        assert len(asked) == 1  # what is never public needs no asking


async def test_an_interaction_that_is_said_twice_is_heard_once(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    await discord_server.slash(ANN, "health", channel=desk)
    session = discord_server.gateway.live
    assert session is not None
    await discord_server.gateway.say_raw(session.log[-1])
    await discord_server.slash(ANN, "status", channel=desk)
    commands = await heard(discord, 2)
    assert [one.text for one in commands if isinstance(one, Command)] == ["/health", "/status"]


async def test_who_asks_comes_with_the_roles_discord_vouches_for(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    await discord_server.slash(ANN, "health", channel=desk)
    await discord_server.slash(BOB, "health", channel=desk)
    commands = await heard(discord, 2)
    assert [command.sender.roles for command in commands] == [frozenset({str(TRADERS)}), frozenset()]
    assert [command.sender.user_id for command in commands] == [str(ANN), str(BOB)]


async def test_a_role_taken_away_is_gone_at_the_next_press(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    await discord.send(at(desk), CARD)
    await discord_server.press(ANN, discord_server.messages()[0], "Ack")
    assert (await heard_press(discord)).sender.roles == {str(TRADERS)}
    discord_server.api.guilds[desk.guild or 0].roles[ANN] = ()
    await discord_server.press(ANN, discord_server.messages()[0], "Ack")
    assert (await heard_press(discord)).sender.roles == frozenset()


async def test_a_thread_is_part_of_the_address(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    thread = discord_server.add_thread(desk)
    await discord_server.slash(ANN, "health", channel=thread)
    command = await heard_command(discord)
    assert command.address == at(thread)
    assert (command.address.chat, command.address.thread) == (str(desk.channel_id), str(thread.channel_id))


async def test_in_private_plain_text_is_heard_and_answered_as_well(
    discord: DiscordTransport, discord_server: DiscordServer, direct: Address
) -> None:
    await discord_server.say(ANN, "I am a bot", bot=True)
    await discord_server.say(ANN, "/start ABCD-1234")
    command = await heard_command(discord)
    assert (command.text, command.private, command.address) == ("/start ABCD-1234", True, direct)
    await discord.send(command.address, ANSWER)
    assert discord_server.messages()[-1].text == "main: health 61%"


async def test_a_press_is_acknowledged_without_changing_the_card_until_it_is_edited(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    ref = await discord.send(at(desk), CARD)
    (message,) = discord_server.messages()
    interaction = await discord_server.press(ANN, message, "Ack")
    press = await heard_press(discord)
    await acknowledged(discord_server, interaction)
    assert interaction.acknowledged == LATER_EDIT
    assert (press.message, press.data, press.press_id) == (ref, "ack:17", str(interaction.interaction_id))
    assert message.edits == []
    await discord.answer(press, "Acknowledged")
    await discord.edit(press.message, DONE)
    assert (message.text, message.labels) == ("Acknowledged by Ann", ())
    assert discord_server.calls[-1].path.startswith("/channels/")


async def test_a_press_says_whether_others_see_the_card_it_was_on(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel, direct: Address
) -> None:
    await discord.send(at(desk), CARD)
    await discord_server.slash(ANN, "health", channel=desk)
    command = await heard_command(discord)
    assert (command.address.shared, command.private) == (False, False)
    await discord.send(command.address, CARD)
    await discord.send(direct, CARD)
    aloud, hidden, alone = discord_server.messages(seen_by=ANN)
    for message, shared, private in ((aloud, True, False), (hidden, False, False), (alone, False, True)):
        await discord_server.press(ANN, message, "Ack")
        press = await heard_press(discord)
        assert (press.message.address.shared, press.private) == (shared, private)


async def test_the_notice_of_a_press_is_seen_by_whoever_pressed(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    await discord.send(at(desk), CARD)
    await discord_server.press(ANN, discord_server.messages()[0], "Ack")
    press = await heard_press(discord)
    await discord.answer(press, "This needs the role *trader*.")
    assert [message.text for message in discord_server.messages(seen_by=BOB)] == ["HIGH main\nDeposit $820."]
    assert discord_server.messages(seen_by=ANN)[-1].text == "This needs the role *trader*."


async def test_a_press_without_a_notice_says_nothing_more(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    await discord.send(at(desk), CARD)
    interaction = await discord_server.press(ANN, discord_server.messages()[0], "Ack")
    await discord.answer(await heard_press(discord))
    await acknowledged(discord_server, interaction)
    assert len(discord_server.messages(seen_by=ANN)) == 1


async def test_what_a_press_in_a_guild_is_told_more_is_for_whoever_pressed_and_in_private_a_message(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel, direct: Address
) -> None:
    for place in (at(desk), direct):
        await discord.send(place, CARD)
        await discord_server.press(ANN, discord_server.messages()[-1], "Ack")
        press = await heard_press(discord)
        await discord.send(press.message.address, ANSWER)
    assert [message.channel for message in discord_server.messages(seen_by=BOB)] == [
        desk.channel_id,
        int(direct.chat),
        int(direct.chat),
    ]
    assert discord_server.messages(desk, seen_by=ANN)[-1].text == "main: health 61%"


async def test_buttons_of_before_a_restart_still_work(
    discord_server: DiscordServer, time: Time, desk: Channel, direct: Address
) -> None:
    async with discord_of(discord_server, time) as before:
        ref = await before.send(at(desk), CARD)
    async with discord_of(discord_server, time) as after:
        await discord_server.press(ANN, discord_server.messages()[0], "Ack")
        press = await heard_press(after)
        assert (press.message, press.data) == (ref, "ack:17")
        await after.answer(press, "Acknowledged")
        await after.edit(MessageRef(address=at(desk), message_id=ref.message_id), DONE)
    assert discord_server.messages()[0].text == "Acknowledged by Ann"


async def test_a_hidden_answers_button_works_after_a_restart_too(
    discord_server: DiscordServer, time: Time, desk: Channel
) -> None:
    async with discord_of(discord_server, time) as before:
        await discord_server.slash(ANN, "health", channel=desk)
        await before.send((await heard_command(before)).address, CARD)
    (hidden,) = discord_server.messages(desk, seen_by=ANN)
    async with discord_of(discord_server, time) as after:
        await discord_server.press(ANN, hidden, "Ack")
        press = await heard_press(after)
        await after.edit(press.message, DONE)
    assert hidden.text == "Acknowledged by Ann"
    assert discord_server.messages(desk, seen_by=BOB) == []


async def test_a_button_somebody_else_made_is_a_press_nobody_understands(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    await discord.send(at(desk), CARD)
    (message,) = discord_server.messages()
    message.keyboard = ((replace(message.keys[0], custom_id="other:1"),),)
    await discord_server.press(ANN, message, "Ack")
    assert (await heard_press(discord)).data == "other:1"


async def test_an_acknowledgement_that_fails_once_is_tried_again_in_time(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    for fault in (Fault(path="/callback", status=503), Fault(path="/callback", drop=Drop.AFTER)):
        discord_server.inject(fault)
        await discord_server.slash(ANN, "health", channel=desk)
        command = await heard_command(discord)
        await discord.send(command.address, ANSWER)
    assert len(discord_server.messages(desk, seen_by=ANN)) == 2


async def test_acknowledged_too_late_an_answer_in_private_comes_as_a_message(
    discord: DiscordTransport, discord_server: DiscordServer, direct: Address
) -> None:
    discord_server.inject(Fault(path="/callback", status=404, code=10062, words="Unknown interaction"))
    await discord_server.slash(ANN, "health")
    command = await heard_command(discord)
    ref = await discord.send(command.address, ANSWER)
    assert [message.text for message in discord_server.messages(seen_by=BOB)] == ["main: health 61%"]
    assert ref.address == direct


async def test_acknowledged_too_late_nobody_else_gets_the_answer(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel, figure: Gauge
) -> None:
    discord_server.inject(Fault(path="/callback", status=404, code=10062, words="Unknown interaction"))
    await discord_server.slash(ANN, "health", channel=desk)
    command = await heard_command(discord)
    with pytest.raises(Refused, match="ask again"):
        await discord.send(command.address, ANSWER)
    figure(Measure.OVERHEARD, len(discord_server.messages()))


async def test_a_press_acknowledged_too_late_counts_and_its_card_is_edited(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel, figure: Gauge
) -> None:
    await discord.send(at(desk), CARD)
    discord_server.inject(Fault(path="/callback", status=404, code=10062, words="Unknown interaction"))
    await discord_server.press(ANN, discord_server.messages()[0], "Ack")
    press = await heard_press(discord)
    await discord.answer(press, "Acknowledged")  # nobody can hear it
    await discord.edit(press.message, DONE)
    shown = [message.text for message in discord_server.messages(seen_by=ANN)]
    figure(Measure.LOST, "Acknowledged by Ann" not in shown)
    assert shown == ["Acknowledged by Ann"]


@pytest.mark.parametrize("place", ["private", "guild"])
async def test_after_a_quarter_of_an_hour_only_a_private_answer_can_still_be_given(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel, time: Time, place: str
) -> None:
    channel = desk if place == "guild" else discord_server.direct(ANN)
    interaction = await discord_server.slash(ANN, "health", channel=channel)
    command = await heard_command(discord)
    await acknowledged(discord_server, interaction)
    time.pass_by(15 * 60)
    interaction.over = True
    if place == "private":
        await discord.send(command.address, ANSWER)
        assert len(discord_server.messages(channel, seen_by=BOB)) == 1
    else:
        with pytest.raises(Refused, match="ask again"):
            await discord.send(command.address, ANSWER)
        assert discord_server.messages(channel) == []


async def test_a_token_that_ends_between_two_parts_does_not_swallow_the_rest(
    discord: DiscordTransport, discord_server: DiscordServer
) -> None:
    await discord_server.slash(ANN, "health")
    command = await heard_command(discord)
    discord_server.inject(Fault(path="/webhooks/"))  # the first part passes
    discord_server.inject(Fault(path="/webhooks/", status=401, code=50027, words="Invalid Webhook Token"))
    await discord.send(command.address, Message(blocks=(Line("x" * 1900), Line("y" * 1900))))
    assert [message.text[0] for message in discord_server.messages()] == ["x", "y"]


async def test_a_hidden_answer_that_cannot_be_edited_any_more_says_so(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel, time: Time
) -> None:
    await discord_server.slash(ANN, "health", channel=desk)
    ref = await discord.send((await heard_command(discord)).address, CARD)
    time.pass_by(15 * 60)
    with pytest.raises(Refused, match="edited any more"):
        await discord.edit(ref, DONE)


async def test_an_answer_whose_sending_failed_can_be_sent_again_to_the_same_place(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    interaction = await discord_server.slash(ANN, "health", channel=desk)
    command = await heard_command(discord)
    discord_server.inject(Fault(path="/webhooks/", status=500))
    with pytest.raises(TryAgain):
        await discord.send(command.address, ANSWER)
    assert interaction.loading
    await discord.send(command.address, ANSWER)
    assert not interaction.loading


async def test_many_commands_at_once_are_heard_in_order_however_slow_the_acknowledgements(
    discord: DiscordTransport, discord_server: DiscordServer
) -> None:
    discord_server.latency_s = 0.02
    sent = [await discord_server.slash(ANN, "ack", str(number)) for number in range(20)]
    commands = await heard(discord, 20)
    assert [command.text for command in commands] == [f"/ack {number}" for number in range(20)]  # type: ignore[union-attr]
    await discord_server.wait_for(lambda: all(one.acknowledged for one in sent))


HEALTH = CommandHint(
    name="stress",
    summary="s",
    arguments=tuple(ArgumentHint(name=name, summary=name) for name in ("account", "market", "move")),
)


async def test_options_are_words_in_the_order_in_which_they_are_typed_elsewhere(
    discord: DiscordTransport, discord_server: DiscordServer, desk: Channel
) -> None:
    await discord.announce((HEALTH,))
    for options, text in (
        ({"move": " 20 ", "account": "main"}, "/stress main 20"),
        ({"market": "SOL-PERP"}, "/stress SOL-PERP"),
        ({"account": "my  hedge\n2", "unknown": "x"}, "/stress my hedge 2 x"),
        ({"account": "   "}, "/stress"),
    ):
        await discord_server.slash(ANN, "stress", channel=desk, **options)
        assert (await heard_command(discord)).text == text


async def test_what_an_earlier_version_registered_is_understood(
    discord: DiscordTransport, discord_server: DiscordServer
) -> None:
    await discord_server.slash(ANN, "stress", args="main 20")
    assert (await heard_command(discord)).text == "/stress main 20"


async def test_ways_to_go_on_typing_are_offered(discord_server: DiscordServer, time: Time, desk: Channel) -> None:
    asked: list[tuple[Person, Typing]] = []

    async def suggest(person: Person, typing: Typing) -> list[Suggestion]:
        asked.append((person, typing))
        texts = ["main", "main", "", "x" * 101, *(f"account {number}" for number in range(40))]
        return [Suggestion(text=text, label=f"{text} HIGH\n" + "y" * 120) for text in texts]

    async with discord_of(discord_server, time, suggest=suggest) as discord:
        await discord.announce((HEALTH,))
        interaction = await discord_server.typing(ANN, "stress", "ma", option="market", account="main", channel=desk)
        await acknowledged(discord_server, interaction)
    assert interaction.choices[:2] == ("main", "account 0")
    assert len(interaction.choices) == 25
    ((person, typing),) = asked
    assert (person.user_id, person.roles) == (str(ANN), frozenset({str(TRADERS)}))
    assert typing == Typing(command="stress", argument="market", typed="ma", others={"account": "main"})


async def test_suggestions_that_fail_or_take_long_are_none_and_in_time(
    discord_server: DiscordServer, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.transports.discord.hearing._SUGGEST_S", 0.05)

    async def suggest(person: Person, typing: Typing) -> list[Suggestion]:
        if typing.typed == "slow":
            await asyncio.Event().wait()
        raise LookupError("broken")

    async with discord_of(discord_server, time, suggest=suggest) as discord:
        for typed in ("slow", "broken"):
            interaction = await discord_server.typing(ANN, "health", typed)
            await acknowledged(discord_server, interaction)
            assert interaction.choices == ()
        await discord_server.slash(ANN, "health")
        assert (await heard_command(discord)).text == "/health"


async def test_without_suggestions_none_are_offered(discord: DiscordTransport, discord_server: DiscordServer) -> None:
    interaction = await discord_server.typing(ANN, "health", "ma")
    await acknowledged(discord_server, interaction)
    assert interaction.choices == ()


async def test_what_was_not_taken_ends_with_the_transport(
    discord_idle: DiscordTransport, discord_server: DiscordServer
) -> None:
    async with discord_idle:
        await discord_server.slash(ANN, "health")
        await discord_server.slash(ANN, "status")
    taken = [incoming async for incoming in discord_idle.incoming()]
    assert len(taken) <= 2
    async with asyncio.timeout(30):
        assert [incoming async for incoming in discord_idle.incoming()] == []
