"""Who may see and do what with which account, and how people like to read.

An account id that is empty stands for all accounts. A table with new constraints takes the place of its elder under the
elder's name; keys that point at it follow the name.
"""

_PERSONS = (
    """
    CREATE TABLE people_2 (
        person_id TEXT PRIMARY KEY,
        display_name TEXT NOT NULL,
        owner INTEGER NOT NULL,
        linked_at INTEGER NOT NULL,
        revoked_at INTEGER
    ) STRICT
    """,
    "INSERT INTO people_2 SELECT person_id, display_name, owner, linked_at, revoked_at FROM people",
    """
    CREATE TABLE identities (
        platform TEXT NOT NULL,
        user_id TEXT NOT NULL,
        person_id TEXT NOT NULL REFERENCES people_2 (person_id),
        display_name TEXT NOT NULL,
        linked_at INTEGER NOT NULL,
        PRIMARY KEY (platform, user_id)
    ) STRICT
    """,
    "INSERT INTO identities SELECT transport, user_id, person_id, display_name, linked_at FROM people",
    """
    CREATE INDEX identities_by_person ON identities (person_id, linked_at)
    """,
    """
    CREATE TABLE grants (
        person_id TEXT NOT NULL REFERENCES people_2 (person_id),
        account_id TEXT NOT NULL,
        role TEXT NOT NULL,
        PRIMARY KEY (person_id, account_id)
    ) STRICT
    """,
    "INSERT INTO grants SELECT person_id, '', role FROM people",
)

_CHATS = (
    """
    CREATE TABLE chats_2 (
        transport TEXT NOT NULL,
        chat TEXT NOT NULL,
        thread TEXT NOT NULL,
        person_id TEXT NOT NULL REFERENCES people_2 (person_id),
        private INTEGER NOT NULL,
        linked_at INTEGER NOT NULL,
        removed_at INTEGER,
        PRIMARY KEY (transport, chat, thread)
    ) STRICT
    """,
    "INSERT INTO chats_2 SELECT transport, chat, thread, person_id, private, linked_at, NULL FROM chats",
    """
    CREATE TABLE chat_accounts (
        transport TEXT NOT NULL,
        chat TEXT NOT NULL,
        thread TEXT NOT NULL,
        account_id TEXT NOT NULL,
        PRIMARY KEY (transport, chat, thread, account_id),
        FOREIGN KEY (transport, chat, thread) REFERENCES chats_2 (transport, chat, thread)
            ON DELETE CASCADE ON UPDATE CASCADE
    ) STRICT
    """,
    # A group that was linked so far has heard of everything.
    "INSERT INTO chat_accounts SELECT transport, chat, thread, '' FROM chats WHERE private = 0",
    # Groups the bot is in and nobody has linked: when it leaves them. inside are the ids of their chats, with blanks
    # between, where a group is made of several.
    """
    CREATE TABLE unlinked_groups (
        transport TEXT NOT NULL,
        chat TEXT NOT NULL,
        inside TEXT NOT NULL,
        leave_at INTEGER NOT NULL,
        PRIMARY KEY (transport, chat)
    ) STRICT
    """,
)

_CODES = (
    # kind is 'invitation' for somebody new and 'identity' for person_id on one more platform. issued_by is empty for
    # the code of the console.
    """
    CREATE TABLE link_codes_2 (
        digest BLOB PRIMARY KEY,
        kind TEXT NOT NULL,
        owner INTEGER NOT NULL,
        person_id TEXT NOT NULL,
        called TEXT NOT NULL,
        issued_by TEXT NOT NULL,
        expires_at INTEGER NOT NULL,
        used_by TEXT REFERENCES people_2 (person_id),
        used_at INTEGER,
        withdrawn_at INTEGER
    ) STRICT
    """,
    """
    INSERT INTO link_codes_2
        SELECT digest, 'invitation', owner, '', '', '', expires_at, used_by, used_at, NULL FROM link_codes
    """,
    """
    CREATE TABLE link_code_grants (
        digest BLOB NOT NULL REFERENCES link_codes_2 (digest) ON DELETE CASCADE,
        account_id TEXT NOT NULL,
        role TEXT NOT NULL,
        PRIMARY KEY (digest, account_id)
    ) STRICT
    """,
    "INSERT INTO link_code_grants SELECT digest, '', role FROM link_codes",
)

_IN_PLACE_OF_THE_ELDER = (
    "DROP TABLE link_codes",
    "DROP TABLE chats",
    "DROP TABLE people",
    "ALTER TABLE people_2 RENAME TO people",
    "ALTER TABLE chats_2 RENAME TO chats",
    "ALTER TABLE link_codes_2 RENAME TO link_codes",
)

_OWN = (
    """
    CREATE TABLE nicknames (
        person_id TEXT NOT NULL,
        account_id TEXT NOT NULL,
        nickname TEXT NOT NULL COLLATE NOCASE,
        PRIMARY KEY (person_id, account_id),
        UNIQUE (person_id, nickname)
    ) STRICT
    """,
    """
    CREATE TABLE person_settings (
        person_id TEXT NOT NULL,
        key TEXT NOT NULL,
        value TEXT NOT NULL,
        changed_at INTEGER NOT NULL,
        PRIMARY KEY (person_id, key)
    ) STRICT
    """,
    # told_day is the last local day whose digest was told, trying_day the one under way: what it says after a restart
    # is that nobody knows whether that one arrived.
    """
    CREATE TABLE digests (
        person_id TEXT PRIMARY KEY,
        transport TEXT NOT NULL,
        chat TEXT NOT NULL,
        thread TEXT NOT NULL,
        told_day TEXT NOT NULL,
        trying_day TEXT NOT NULL
    ) STRICT
    """,
    # Cards that ask before something is done, where a button cannot hold all of it.
    """
    CREATE TABLE cards (
        handle TEXT PRIMARY KEY,
        body_json TEXT NOT NULL,
        expires_at INTEGER NOT NULL
    ) STRICT
    """,
)

_ACCOUNTS = (
    "ALTER TABLE accounts ADD COLUMN source TEXT NOT NULL DEFAULT 'file'",
    # Running totals of the account's life, where the venue states them.
    "ALTER TABLE equity ADD COLUMN funding_usd REAL",
    "ALTER TABLE equity ADD COLUMN fees_usd REAL",
)

PEOPLE: tuple[str, ...] = (*_PERSONS, *_CHATS, *_CODES, *_IN_PLACE_OF_THE_ELDER, *_OWN, *_ACCOUNTS)
