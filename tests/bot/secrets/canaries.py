"""A secret of its own for every secret setting, each of the shape its setting asks for.

A setting without one fails ``test_every_secret_setting_has_a_canary``: whoever adds a secret adds its canary here.
"""

CANARIES = {
    "rpc_urls": "https://rpc.example/v2/canary-rpc-path-6c1f0a93?api-key=canary-rpc-query-51b7",
    "ws_url": "wss://ws.example/canary-ws-path-0d9e44b1/",
    "telegram_token": "7100000001:AAcanaryTelegramToken0123456789abcdef",
    "discord_token": "MTUwMDAwMDAwMDAwMDAwMDAwMg.GcanrA.canaryDiscordToken0123456789abcdefghij",
    "discord_webhook_url": "https://discord.com/api/webhooks/1500000000000000007/canaryWebhookToken0123456789abcdefghijkl",
    "heartbeat_urls": "https://beats.example/ping/canary-heartbeat-2f7c81aa,post+https://beats.example/canary-post-77aa01cd",
    "heartbeat_secret": "canary-heartbeat-secret-8b1d",
    "standby_telegram_token": "7100000002:AAcanaryStandbyTelegram0123456789abcd",
    "standby_discord_token": "MTUwMDAwMDAwMDAwMDAwMDAwMw.GcanrB.canaryStandbyDiscord0123456789abcdefgh",
    "standby_heartbeat_urls": "https://beats.example/ping/canary-standby-beat-90ee12bb",
}
LISTS = ("rpc_urls", "heartbeat_urls", "standby_heartbeat_urls")
