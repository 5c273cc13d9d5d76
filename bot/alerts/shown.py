"""The last look at a message before it leaves: nothing in it may be what this process must never show.

What others wrote, such as a node's own words, is without secrets before it gets this far. This is for what was not.
"""

from dataclasses import replace

from bot import redaction
from bot.messages import Block, File, Line, Message, Picture, Table


def shown(message: Message) -> Message:
    """The message as it may be shown; itself where there is nothing to hide. Pictures are made of figures alone."""
    blocks = tuple(_block(block) for block in message.blocks)
    topics = tuple(replace(one, title=redaction.clean(one.title)) for one in message.topics)
    buttons = tuple(
        tuple(replace(button, label=redaction.clean(button.label)) for button in row) for row in message.buttons
    )
    if (blocks, topics, buttons) == (message.blocks, message.topics, message.buttons):
        return message
    return replace(message, blocks=blocks, topics=topics, buttons=buttons)


def _block(block: Block) -> Block:
    if isinstance(block, Line):
        return replace(block, text=redaction.clean(block.text))
    if isinstance(block, Table):
        return replace(
            block, rows=tuple(tuple(map(redaction.clean, row)) for row in block.rows),
            header=tuple(map(redaction.clean, block.header)),
        )  # fmt: skip
    if isinstance(block, Picture | File):
        return replace(block, alt=redaction.clean(block.alt))
    return block
