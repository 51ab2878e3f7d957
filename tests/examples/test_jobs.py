"""The six classic jobs of a cluster, each by the line of its header, on real agents and real servers."""

import tarfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path

import pytest

from tests.examples.as_told import as_told, directly
from tests.examples.site import DAY, LETTER, Site
from tests.support.agents import Cluster, Ended, Node, term_of
from tests.support.ports import free_port

pytestmark = [
    pytest.mark.xdist_group("examples"),
    pytest.mark.needs("initdb", "postgres", "psql", "setpriv", "import:aiosmtpd"),
]


def on_each(agents: Cluster, path: str, words: Mapping[str, object]) -> list[Ended]:
    """The line of the header, on every node at once."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda node: as_told(node, path, words), agents.nodes.values()))


def runs(node: Node, job: str) -> list[tuple[str, str]]:
    """Where the job ran, and with which result."""
    entries = node.client(5).jobs(job)
    return [(run["node"], run["state"]) for entry in entries for run in entry["runs"]]  # type: ignore[attr-defined]


def test_the_report_is_written_once_and_the_same_when_it_is_written_again(
    agents: Cluster, leader: Node, place: Site
) -> None:
    """Every node has the line; a day without logs is a complaint, and no empty report."""
    reports = place.shared / "reports"
    words = {"LOGS": place.shared / "logs", "REPORTS": reports, "[YYYY-MM-DD]": DAY}
    assert on_each(agents, "jobs/report.sh", words) == [Ended(0, "")] * 2
    assert runs(leader, "report") == [(leader.name, "done")]
    written = (reports / f"{DAY}.txt").read_text()
    assert [line.split() for line in written.splitlines()[1:]] == [
        ["web-1", "3", "1", "failed"],
        ["web-2", "1", "0", "failed"],
    ]
    assert directly(leader, "jobs/report.sh", *words.values(), term=1) == Ended(0, "")
    assert {file.name: file.read_text() for file in reports.iterdir()} == {f"{DAY}.txt": written}
    done = directly(leader, "jobs/report.sh", place.shared / "logs", reports, "2026-03-01", term=1)
    assert done == Ended(
        1, "", f"report.sh: there is no log of 2026-03-01 under {place.shared}/logs: is it mounted?\n"
    )
    assert [file.name for file in reports.iterdir()] == [f"{DAY}.txt"]


def test_each_waiting_message_is_sent_once(agents: Cluster, leader: Node, place: Site) -> None:
    """What the server is not there for, or what is no message, stays and is named; the rest is sent."""
    outbox = place.shared / "outbox"
    for to in ("ada", "bob"):
        place.put_letter(to)
    broken = place.put_letter("broken", "Subject: to nobody\n\n")
    words = {"mail.example.org:25": place.mailbox.address, "OUTBOX": outbox}
    first, second = on_each(agents, "jobs/send-mail.py", words)
    assert sorted((first.code, second.code)) == [0, 1]
    assert first.complaint + second.complaint == (
        f"send-mail.py: broken.eml was not sent, and stays: {broken} has no From or no To\n"
    )
    assert [place.letters_to(to) for to in ("ada", "bob")] == [1, 1]
    assert sorted(file.name for file in (outbox / "sent").iterdir()) == ["ada.eml", "bob.eml"]
    broken.unlink()
    assert directly(leader, "jobs/send-mail.py", outbox, term=1) == Ended(0, "")
    assert [place.letters_to(to) for to in ("ada", "bob")] == [1, 1]


def test_a_message_that_is_sent_again_is_told_by_its_message_id(leader: Node, place: Site) -> None:
    """As when the machine dies after it was sent, and before it was moved."""
    outbox = place.shared / "outbox"
    place.put_letter("eve")
    assert directly(leader, "jobs/send-mail.py", outbox, term=1).code == 0
    (outbox / "sent" / "eve.eml").rename(outbox / "eve.eml")
    assert directly(leader, "jobs/send-mail.py", outbox, term=1).code == 0
    ids = [letter["Message-ID"] for letter in place.mailbox.letters() if letter["To"] == "eve@example.org"]
    assert ids == ["<eve@127.0.0.1>"] * 2


def test_a_mail_server_that_is_down_loses_no_message(leader: Node, place: Site, tmp_path: Path) -> None:
    """It stays for the next tick, and the complaint is one sentence."""
    (tmp_path / "zoe.eml").write_text(LETTER.format(to="zoe"))
    leader.environment = place.environment | {"SMTP_SERVER": f"127.0.0.1:{free_port()}"}
    done = directly(leader, "jobs/send-mail.py", tmp_path, term=1)
    leader.environment = place.environment
    assert (done.code, done.output) == (1, "")
    assert done.complaint.startswith("send-mail.py: zoe.eml was not sent, and stays: ")
    assert done.complaint.count("\n") == 1
    assert (tmp_path / "zoe.eml").exists()


def test_a_directory_is_published_whole_and_never_by_a_leader_of_yesterday(
    agents: Cluster, leader: Node, place: Site
) -> None:
    """What has not changed stays; the last three versions are kept; a lower term changes nothing."""
    source, shared = place.srv / "catalogue", place.shared / "catalogue"
    words = {"SOURCE": source, "SHARED": shared}
    published = "jobs/publish.sh"
    assert as_told(leader, published, words) == Ended(0, "")
    first = shared.resolve()
    assert place.prices == "first"
    assert as_told(leader, published, words) == Ended(0, "")
    assert shared.resolve() == first
    term = term_of(leader)
    for later in range(1, 5):
        place.publish_next(f"later {later}")
        assert directly(leader, published, source, shared, term=term + later) == Ended(0, "")
        assert place.prices == f"later {later}"
    versions = sorted((place.shared / "catalogue.versions").iterdir())
    assert len(versions) == 3
    assert versions[-1] == shared.resolve()
    place.publish_next("stale")
    done = as_told(leader, published, words)
    assert done.code == 1
    assert f"has seen term {term + 4}" in done.complaint
    assert place.prices == "later 4"
    assert as_told(agents.others(leader)[0], published, words) == Ended(1, "")


def test_an_archive_is_made_once_a_day_and_again_if_it_is_damaged(
    agents: Cluster, leader: Node, place: Site
) -> None:
    """It holds what was archived; the oldest goes only when a new one is there."""
    contracts, archives = place.srv / "contracts", place.shared / "archives"
    for month in range(10, 13):
        (archives / f"contracts-2025-{month}-01.tar.gz").write_text("old")
    words = {"DIRECTORY": contracts, "ARCHIVES": archives, "[COUNT]": 3}
    assert on_each(agents, "jobs/archive.sh", words) == [Ended(0, "")] * 2
    assert runs(leader, "archive") == [(leader.name, "done")]
    kept = sorted(file.name for file in archives.glob("contracts-*.tar.gz"))
    assert kept[:-1] == ["contracts-2025-11-01.tar.gz", "contracts-2025-12-01.tar.gz"]
    archive = archives / kept[-1]
    assert content(archive, "contracts/one") == "signed\n"
    made = archive.stat().st_ino
    assert directly(leader, "jobs/archive.sh", contracts, archives, 3, term=1) == Ended(0, "")
    assert archive.stat().st_ino == made
    archive.write_bytes(b"damaged")
    assert directly(leader, "jobs/archive.sh", contracts, archives, 3, term=1) == Ended(0, "")
    assert content(archive, "contracts/one") == "signed\n"
    assert sorted(file.name for file in archives.iterdir()) == sorted([*kept, f"{kept[-1]}.sha256"])


def content(archive: Path, name: str) -> str:
    """What an archive has under a name."""
    with tarfile.open(archive) as file:
        member = file.extractfile(name)
        assert member is not None
        return member.read().decode()


def test_a_month_is_rolled_up_in_one_transaction_and_not_by_a_leader_of_yesterday(
    agents: Cluster, leader: Node, place: Site
) -> None:
    """From its first moment to its last in UTC; again it counts anew, and a lower term changes nothing."""
    rolled_up, month = "jobs/roll-up.sh", "2026-02"
    assert on_each(agents, rolled_up, {"[YYYY-MM]": month}) == [Ended(0, "")] * 2
    assert runs(leader, "roll-up") == [(leader.name, "done")]
    assert place.rolled_up() == ["/|2|15.0", "/order|1|5.0"]
    assert place.database.ask("-c", "SELECT count(*) FROM visits_by_month") == "2"
    place.database.ask("-c", "INSERT INTO visit VALUES ('2026-02-20 00:00Z', '/late', 7)")
    term = term_of(leader)
    stale = directly(leader, rolled_up, month, term=term - 1)
    refusal = (
        f"roll-up.sh: {month} was rolled up by term {term}, and ours is {term - 1}: nothing was changed\n"
    )
    assert stale == Ended(1, "", refusal)
    assert place.rolled_up() == ["/|2|15.0", "/order|1|5.0"]
    assert directly(leader, rolled_up, month, term=term) == Ended(0, "")
    assert place.rolled_up() == ["/|2|15.0", "/late|1|7.0", "/order|1|5.0"]


def test_a_roll_up_that_fails_half_way_leaves_what_was_there(leader: Node, place: Site) -> None:
    """Neither the rows nor the term are changed."""
    ask = place.database.ask
    ask("-c", "ALTER TABLE visits_by_month ADD CONSTRAINT few CHECK (visits < 1000)")
    ask("-c", "INSERT INTO visit SELECT '2025-06-01Z', '/', 1 FROM generate_series(1, 1000)")
    ask("-c", "INSERT INTO visits_by_month VALUES ('2025-06-01', '/', 1, 1)")
    before = ask("-c", "SELECT term FROM fence")
    done = directly(leader, "jobs/roll-up.sh", "2025-06", term=int(before) + 1)
    assert done.code != 0
    assert "few" in done.complaint
    assert ask("-c", "SELECT visits FROM visits_by_month WHERE month = '2025-06-01'") == "1"
    assert ask("-c", "SELECT term FROM fence") == before


def test_a_service_is_told_of_when_it_goes_down_and_when_it_comes_back(
    agents: Cluster, leader: Node, place: Site
) -> None:
    """Once each, by the leader's node alone; the next leader knows what was told."""
    words = {"STATE": place.shared / "health.json", "URL…": place.web.url}
    told = "jobs/health-check.py"
    follower = agents.others(leader)[0]
    assert as_told(leader, told, words) == Ended(0, "")
    place.web.status = HTTPStatus.SERVICE_UNAVAILABLE
    down = Ended(1, f"DOWN {place.web.url}: HTTP Error 503: Service Unavailable\n")
    assert as_told(follower, told, words) == Ended(1, "")
    assert as_told(leader, told, words) == down
    assert directly(follower, told, *words.values(), term=1) == Ended(1, "")
    place.web.status = HTTPStatus.OK
    assert as_told(leader, told, words) == Ended(0, f"UP {place.web.url}\n")
    assert as_told(leader, told, words) == Ended(0, "")
