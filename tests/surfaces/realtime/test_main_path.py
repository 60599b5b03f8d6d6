"""Sign in, follow, send, hear, come back: the way of every client."""

import pytest

from tests.surfaces.realtime.talking import dm, say
from tests.surfaces.realtime.wires import signed_in
from tests.world import World


@pytest.mark.rule("afrochat:R18", "afrochat:D9")
def test_a_message_reaches_both_sides_and_waits_for_who_is_away(world: World) -> None:
    amina, bilal = world.person("Amina"), world.person("Bilal")
    stream = dm(world, amina, bilal)

    async def main() -> None:
        async with signed_in(world, amina) as a:
            async with signed_in(world, bilal) as b:
                for wire in (a, b):
                    answer = await wire.ask("subscribe", streams={stream: {}})
                    assert answer["streams"] == {stream: {"status": "live", "seq": 0}}, answer
                sent = await say(a, stream, "salaam")
                assert sent["t"] == "sent" and sent["seq"] == 1 and not sent["duplicate"], sent
                for wire in (a, b):
                    event = await wire.event("message.created")
                    assert (event["seq"], event["data"]["message"]["text"]) == (1, "salaam")
            again = await say(a, stream, "are you there?")
            assert again["seq"] == 2
            async with signed_in(world, bilal) as b:
                answer = await b.ask("subscribe", streams={stream: {"after_seq": 1}})
                assert answer["streams"] == {stream: {"status": "resumed", "seq": 2, "replay": 1}}
                event = await b.event("message.created")
                assert (event["seq"], event["data"]["message"]["text"]) == (2, "are you there?")
                await say(a, stream, "good")
                assert (await b.event("message.created"))["seq"] == 3

    world.go(main())
