"""A lake may hold signals of several streams: those of other weirs, and of this one before its streams were made anew."""
import json

from blackbox import Weir, case, run
from webhook import one

COUNTS = "SELECT (SELECT count(*) FROM raw) AS shown, (SELECT count(*) FROM raw_history) AS held, " \
         "(SELECT count(DISTINCT raw) FROM raw) AS places"
PROGRAM = """{model: "ticket", source: "desk", id: (.id | tostring), title: (.title | %s), at: "2026-03-07T12:00:00Z"}"""


class Desk(Weir):
    """A weir in a folder of its own, over the lake beside it that others write, too."""

    def __init__(self, folder):
        folder.mkdir()
        (folder / "desk.jq").write_text(PROGRAM % ".")
        super().__init__(folder, lake={"path": str(folder.parent / "lake")},
                         agents={"desk": {"type": "webhook", "token": "t", "id": "/id", "mapping": "./desk.jq"}})

    def tell(self, number):
        body = json.dumps({"id": number, "title": "Broken"}).encode()
        status, answer = self.post("/hooks/desk", body, {"Authorization": "Bearer t"})
        assert status == 202, answer


@case
def signals_of_two_weirs_at_the_same_position_are_two(folder):
    with Desk(folder / "one") as first, Desk(folder / "other") as second:
        for i in range(3):
            first.tell(10 + i)
            second.tell(20 + i)
        first.command("flush")
        second.command("flush")
        for weir in (first, second):
            found = one(weir, COUNTS)
            assert (found["shown"], found["held"]) == (6, 6) and found["places"] < 6, found
            assert one(weir, "SELECT count(DISTINCT bus) AS n FROM raw") == {"n": 2}


run()
