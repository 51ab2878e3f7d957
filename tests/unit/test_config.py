"""The configuration: what is read, what wins, and how every broken rule is told."""

import os
import pwd
import socket
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from leader.config import Config, from_document, load
from leader.config.show import render
from leader.errors import ConfigurationError
from leader.protocol.calls import Configuration
from leader.protocol.quorum import Voters

THREE = ["redis://10.0.0.11:6379", "redis://10.0.1.11:6379", "rediss://10.0.2.11:6379"]
NOBODY = 65_534
LOADING = import_module("leader.config.load")
GOOD = {"cluster": "prod", "node": {"name": "web-1"}, "quorum": {"instances": THREE}}


def read(toml: str = "", environ: dict[str, str] | None = None, **quorum: object) -> Config:
    """The configuration of a good document with some TOML after it, and some keys of [quorum]."""
    document: dict[str, Any] = GOOD | tomllib.loads(toml)
    return from_document(document | {"quorum": document["quorum"] | quorum}, "leader.toml", environ)


def problems(toml: str = "", environ: dict[str, str] | None = None, **quorum: object) -> str:
    """What `read` finds wrong, one to a line."""
    with pytest.raises(ConfigurationError) as refusal:
        read(toml, environ, **quorum)
    return str(refusal.value)


class TestWhatIsRead:
    """Values, defaults, and what wins over what."""

    def test_a_minimal_file_has_defaults_for_the_rest(self) -> None:
        """Ten seconds of lease, generation 1, one election called `default`."""
        config = read()
        assert (config.cluster, config.node.name, config.quorum.lease_ms) == ("prod", "web-1", 10_000)
        assert [instance.name for instance in config.quorum.instances] == [
            "10.0.0.11:6379/0",
            "10.0.1.11:6379/0",
            "10.0.2.11:6379/0",
        ]
        assert config.quorum.majority == 2
        assert [instance.tls for instance in config.quorum.instances] == [False, False, True]
        assert list(config.elections) == ["default"]
        assert config.elections["default"].priority == 100
        assert config.api.socket_mode == 0o666
        assert config.notes == ()

    def test_every_key_of_the_documentation_is_read(self) -> None:
        """And those without effect in this version are named as such."""
        config = read(
            """
            [elections.default]
            [elections.reports]
            priority = 0
            preempt = true
            preempt_delay = "45s"
            on_gained = ["/usr/local/bin/gained"]
            on_lost = ["/usr/local/bin/lost"]
            hook_timeout = "5s"
            [fitness]
            command = ["/usr/local/bin/fit"]
            interval = "3s"
            timeout = "1s"
            rise = 1
            fall = 2
            max_load_per_cpu = 8
            max_memory = "95%"
            min_free_disk = { "/" = "2%" }
            required_mounts = ["/srv"]
            required_processes = ["nginx"]
            [api]
            listen = "127.0.0.1:8009"
            group = "ops"
            socket_mode = "0660"
            """
        )
        assert list(config.elections) == ["default", "reports"]
        assert config.elections["reports"].observes
        assert config.elections["reports"].hook_timeout_ms == 5_000
        assert config.elections["reports"].preempt_delay_ms == 45_000
        assert config.fitness.min_free_disk_percent == {"/": 2.0}
        assert config.api.socket_mode == 0o660
        told = "\n".join(config.notes)
        assert "preempt" not in told
        assert "on_gained" not in told
        assert "api.group" not in told
        assert "api.listen" not in told

    def test_a_better_node_is_waited_for_three_leases_unless_a_file_says_how_long(self) -> None:
        """The wait follows the lease; it is shown where it matters."""
        text = "[elections.a]\npreempt = true\n[elections.b]"
        config = read(text, lease="20s")
        assert {election.preempt_delay_ms for election in config.elections.values()} == {60_000}
        assert render(config).count("preempt_delay") == 1
        assert "elections.a.preempt_delay" in problems('[elections.a]\npreempt_delay = "10ms"')

    def test_instances_can_have_names_of_their_own(self) -> None:
        """A table gives the names; they do not change the fingerprint, and neither does the order."""
        named = read(instances={"c": THREE[2], "a": THREE[0], "b": THREE[1]})
        assert [instance.name for instance in named.quorum.instances] == ["c", "a", "b"]
        assert named.quorum.fingerprint == read().quorum.fingerprint

    def test_the_fingerprint_is_of_the_servers(self) -> None:
        """Another host, port or database is another list; another user or spelling is not."""
        base = read().quorum.fingerprint
        assert len(base) == 16
        assert read(instances=[*THREE[:2], "redis://10.0.2.11:6380"]).quorum.fingerprint != base
        assert read(instances=[*THREE[:2], "redis://10.0.2.11/1"]).quorum.fingerprint != base
        assert read(instances=[*THREE[:2], "redis://u@10.0.2.11"]).quorum.fingerprint == base

    def test_agents_compare_generation_fingerprint_and_lease(self) -> None:
        """What rule R10 needs comes out of the file."""
        config = read(lease="1m", generation=7)
        assert config.configuration() == Configuration(7, config.quorum.fingerprint, 60_000, "")

    def test_while_the_quorum_changes_the_list_before_votes_too(self) -> None:
        """A server of both lists is one instance, whatever it is called before; what is left out, stays."""
        five = [*THREE, "redis://10.0.3.11", "redis://10.0.4.11"]
        grown = read(generation=2, instances=five, lease="20s", previous={"instances": THREE, "lease": "10s"})
        names = tuple(instance.name for instance in grown.quorum.all_instances)
        assert grown.quorum.voters() == Voters((names, names[:3]))
        assert grown.configuration() == Configuration(
            2, grown.quorum.fingerprint, 20_000, read().quorum.fingerprint, 10_000
        )
        assert grown.configuration().follows(read().configuration())
        assert read(generation=3, instances=five, lease="20s").configuration().follows(grown.configuration())
        assert grown.quorum.changes == ("with 10.0.3.11:6379/0, with 10.0.4.11:6379/0, lease 10s to 20s")
        longer = read(generation=2, previous={"lease": "5s"}).quorum
        assert longer.voters().lists[0] == longer.voters().lists[1]

    def test_the_environment_wins_over_the_file(self, tmp_path: Path) -> None:
        """Each of the five variables; an empty one counts as not set."""
        (tmp_path / "password").write_text("from the variable\n")
        environ = {
            "LEADER_CLUSTER": "test",
            "LEADER_NODE": "web-9",
            "LEADER_QUORUM": "redis://10.9.0.1  redis://10.9.0.2 redis://10.9.0.3",
            "LEADER_LEASE": "2s",
            "LEADER_PASSWORD_FILE": str(tmp_path / "password"),
        }
        config = read(environ=environ)
        assert (config.cluster, config.node.name, config.quorum.lease_ms) == ("test", "web-9", 2_000)
        assert [instance.host for instance in config.quorum.instances] == ["10.9.0.1", "10.9.0.2", "10.9.0.3"]
        assert {instance.password for instance in config.quorum.instances} == {"from the variable"}
        assert read(environ=dict.fromkeys(environ, "")) == read()

    def test_the_option_wins_over_the_environment(self, tmp_path: Path) -> None:
        """`--node` is what was typed last."""
        file = tmp_path / "leader.toml"
        file.write_text('cluster = "c"\nnode.name = "f"\nquorum.instances = ["redis://10.0.0.1"]')
        assert load(str(file), {"LEADER_NODE": "e"}, node="o").node.name == "o"
        assert load(str(file), {"LEADER_NODE": "e"}).node.name == "e"
        assert load(str(file), {}).node.name == "f"
        assert load(None, {"LEADER_CONFIG": str(file)}).node.name == "f"

    def test_without_a_name_the_node_is_called_as_its_host(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A host name that does not fit is told with the ways to give another."""
        monkeypatch.setattr(socket, "gethostname", lambda: "box-7.example")
        assert read("[node]").node.name == "box-7.example"
        monkeypatch.setattr(socket, "gethostname", lambda: "büro")
        told = problems("[node]")
        assert 'the host name, = "büro": must be 1 to 64 letters' in told
        assert "set node.name, LEADER_NODE or --node" in told

    def test_the_environment_alone_can_be_enough(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As containers like it; the default file need not be there."""
        monkeypatch.setattr(LOADING, "DEFAULT_PATH", str(tmp_path / "leader.toml"))
        environ = {"LEADER_CLUSTER": "c", "LEADER_QUORUM": "redis://10.0.0.1", "LEADER_NODE": "n"}
        assert load(None, environ).source == "environment"
        with pytest.raises(ConfigurationError, match=r"environment: quorum\.instances: is missing"):
            load(None, {"LEADER_CLUSTER": "c"})

    def test_a_user_of_a_url_wins_over_that_of_the_quorum(self, tmp_path: Path) -> None:
        """User and password go together: none is taken from elsewhere."""
        (tmp_path / "password").write_text("common")
        (tmp_path / "password").chmod(0o600)
        config = read(
            instances=["redis://10.0.0.1", "redis://own:secret@10.0.0.2", "redis://:alone@10.0.0.3"],
            username="leader",
            password_file=str(tmp_path / "password"),
        )
        assert [(instance.username, instance.password) for instance in config.quorum.instances] == [
            ("leader", "common"),
            ("own", "secret"),
            ("", "alone"),
        ]
        assert "secret" not in repr(config)
        assert "common" not in repr(config)


class TestWhatIsRefused:
    """Each broken rule is one sentence that names file, key, value and rule."""

    @pytest.mark.parametrize(
        ("toml", "told"),
        [
            ('cluster = "a b"', 'leader.toml: cluster = "a b": must be 1 to 64 letters'),
            ('cluster = ""', 'cluster = "": must be'),
            ("cluster = 3", "cluster = 3: must be 1 to 64 letters"),
            ('clutser = "x"', 'clutser = "x": no such key; did you mean "cluster"?'),
            ("zzz = 1", "zzz = 1: no such key; known are api, cluster, elections"),
            ("node = 3", "node = 3: must be a table: [node]"),
            ('[node]\nname = ".."', 'node.name = "..": must be'),
            ('[node]\nnmae = "x"', 'node.nmae = "x": no such key; did you mean "name"?'),
            ('[elections."a/b"]', 'elections = "a/b": an election\'s name must be 1 to 64'),
            ("[elections]\nx = 3", "elections.x = 3: must be a table: [elections.x]"),
            (
                "[elections.x]\npriority = -1",
                "elections.x.priority = -1: must be a whole number from 0 to 10000",
            ),
            ("[elections.x]\npriority = true", "elections.x.priority = true: must be a whole number"),
            ("[elections.x]\npreempt = 1", "elections.x.preempt = 1: must be true or false"),
            ('[elections.x]\non_gained = "x"', 'on_gained = "x": must be a list of texts'),
            ('[elections.x]\non_gian = ["x"]', 'no such key; did you mean "on_gained"?'),
            ('[elections.x]\nhook_timeout = "1ms"', "must be from 100ms to 1h"),
            ('[fitness]\nmax_memory = "101%"', 'fitness.max_memory = "101%": must be a percentage'),
            ('[fitness]\nmax_memory = "nan%"', "must be a percentage"),
            ('[fitness]\nmax_load_per_cpu = "x"', "must be a number greater than 0"),
            ('[fitness]\nmin_free_disk = { "x" = "2%" }', "must be an absolute path"),
            ('[fitness]\nmin_free_disk = { "/\\u0000" = "2%" }', "must be an absolute path, without NUL"),
            (
                '[fitness]\ncommand = ["/fit", "\\u0000"]',
                "must be a list of texts that are not empty, without",
            ),
            ('[elections.x]\non_lost = ["\\u0000"]', "must be a list of texts that are not empty, without"),
            ('[api]\ngroup = "\\u0000"', "must be a text that is not empty, without NUL"),
            ('[api]\nlisten = "8009"', 'api.listen = "8009": must be host and port'),
            ('[api]\nsocket_mode = "0888"', "must be octal permissions"),
            ("[api]\nsocket_mode = 438", "must be octal permissions in quotes"),
        ],
    )
    def test_a_value_or_a_key_outside_the_quorum(self, toml: str, told: str) -> None:
        """Names, types, ranges, and keys that do not exist."""
        assert told in problems(toml)

    @pytest.mark.parametrize(
        ("quorum", "told"),
        [
            ({"lease": "500ms"}, 'leader.toml: quorum.lease = "500ms": must be from 1s to 1h'),
            ({"lease": "2h"}, 'quorum.lease = "2h": must be from 1s to 1h'),
            ({"lease": "soon"}, 'quorum.lease = "soon": must be a duration such as 500ms, 10s'),
            ({"lease": 10}, "quorum.lease = 10: must be a duration in quotes"),
            ({"generation": 0}, "quorum.generation = 0: must be a whole number from 1"),
            ({"instances": []}, "quorum.instances = []: must list the URL of at least one"),
            ({"instances": "redis://h"}, 'quorum.instances = "redis://h": must be a list'),
            ({"instances": [3]}, "quorum.instances[0] = 3: must be a text"),
            (
                {"instances": ["10.0.0.1"]},
                'quorum.instances[0] = "10.0.0.1": must begin with one of redis://',
            ),
            ({"instances": {"a b": THREE[0]}}, f'quorum.instances.a b = "{THREE[0]}": must be 1 to 64'),
            ({"instances": [f"redis://10.0.0.{n}" for n in range(16)]}, "must be at most 15 instances"),
            (
                {"generation": 2, "previous": {"instances": THREE}},
                "quorum.previous: says the same list",
            ),
            ({"generation": 2, "previous": {}}, "quorum.previous: says the same list"),
            ({"previos": {}}, 'quorum.previos = …: no such key; did you mean "previous"?'),
            (
                {"previous": {"lease": "5s"}},
                "quorum.generation = 1: must be 2 or more",
            ),
            (
                {"generation": 2, "previous": {"instances": []}},
                "quorum.previous.instances = []: must list the URL",
            ),
            ({"generation": 2, "previous": {"list": THREE}}, "quorum.previous.list = …: no such key"),
            (
                {
                    "generation": 2,
                    "instances": {"a": THREE[0], "b": THREE[1], "c": THREE[2]},
                    "previous": {"instances": {"a": THREE[0], "b": THREE[1], "c": "redis://10.0.9.9"}},
                },
                'quorum.previous.instances.c = "c": must have another name',
            ),
            ({"password_file": "secret"}, "; it is the path of a file that holds the password"),
            ({"password_file": "/nowhere/p"}, "must be a file that user "),
            ({"tls": {"ca_file": "/nowhere/ca"}}, 'tls.ca_file = "/nowhere/ca": must be a file'),
            ({"tls": {"cafile": "/ca"}}, 'quorum.tls.cafile = "/ca": no such key; did you mean "ca_file"?'),
            ({"instaces": THREE}, 'quorum.instaces = …: no such key; did you mean "instances"?'),
        ],
    )
    def test_a_value_or_a_key_of_the_quorum(self, quorum: dict[str, object], told: str) -> None:
        """Leases, lists, files, and what this version cannot do."""
        assert told in problems("", None, **quorum)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("redis://10.0.0.1", "redis://10.0.0.1:6379/0"),
            ("redis://10.0.0.1", "redis://user:word@10.0.0.1"),
            ("redis://localhost", "redis://127.0.0.1"),
        ],
    )
    def test_the_same_server_twice(self, one: str, other: str) -> None:
        """Rule R7: one server, one vote, whatever the spelling."""
        told = problems(instances=[one, "redis://10.0.0.2", other])
        assert "quorum.instances[2]" in told
        assert "must not be the same server as quorum.instances[0]" in told

    def test_an_address_of_this_machine_in_a_list_with_others(self) -> None:
        """Rule R7: it would be another server on every node; a list all on this machine is for trying out."""
        told = problems(instances=["redis://10.0.0.1", "redis://127.0.0.1", "unix:///run/redis.sock"])
        assert "quorum.instances[1]" in told
        assert "quorum.instances[2]" in told
        assert "must be an address that means the same server on every node" in told
        local = read(instances=["unix:///a", "unix:///b", "redis://127.0.0.1"])
        assert "no other machine can share this quorum" in local.notes[0]

    def test_a_key_without_its_certificate(self, tmp_path: Path) -> None:
        """TLS files come in pairs."""
        (tmp_path / "key").touch()
        assert "must have a cert_file beside it" in problems(tls={"key_file": str(tmp_path / "key")})

    def test_a_password_file_that_says_nothing(self, tmp_path: Path) -> None:
        """An empty file is a mistake, and so is one that is no text."""
        empty, binary = tmp_path / "empty", tmp_path / "binary"
        empty.write_text("\n")
        binary.write_bytes(b"\xff")
        assert "must hold a password, and is empty" in problems(password_file=str(empty))
        assert "must be a text file in UTF-8" in problems(password_file=str(binary))

    def test_what_is_missing(self) -> None:
        """A cluster's name and a list have no default."""
        with pytest.raises(ConfigurationError) as refusal:
            from_document({}, "leader.toml")
        assert "leader.toml: cluster: is missing" in str(refusal.value)
        assert "leader.toml: quorum.instances: is missing" in str(refusal.value)

    def test_a_variable_is_named_as_what_is_wrong(self) -> None:
        """Not the key that it stands for: nobody would find it in the file."""
        told = problems(
            environ={"LEADER_LEASE": "1", "LEADER_CLUSTER": "a b", "LEADER_QUORUM": "h redis://h"}
        )
        assert 'environment: LEADER_LEASE = "1": must be a duration' in told
        assert 'environment: LEADER_CLUSTER = "a b": must be 1 to 64' in told
        assert 'environment: LEADER_QUORUM[0] = "h": must begin with' in told

    def test_all_that_is_wrong_at_once(self) -> None:
        """One sentence for each, so that nobody mends a file ten times."""
        told = problems('cluster = "!"\nzzz = 1\n[node]\nname = "?"', lease="1", generation=0)
        assert len(told.splitlines()) == 5

    @pytest.mark.parametrize(
        "url", ["redis://u:topsecret@", "redis://:topsecret@h:x", "rdis://u:topsecret@h"]
    )
    def test_no_secret_is_quoted(self, url: str) -> None:
        """Errors end up in logs and tickets."""
        assert "topsecret" not in problems(instances=[url])
        assert "topsecret" not in problems(environ={"LEADER_QUORUM": url})
        assert "topsecret" not in problems(password="topsecret", urls=[url], url=url)


class TestFiles:
    """Files that are missing, unreadable, or not TOML."""

    def test_without_file_and_environment_the_way_on_is_shown(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The first thing that a new user meets."""
        monkeypatch.setattr(LOADING, "DEFAULT_PATH", str(tmp_path / "leader.toml"))
        with pytest.raises(ConfigurationError, match=r"leader config init.*leader agent --dev"):
            load(None, {})

    def test_a_file_that_was_asked_for_must_be_there(self, tmp_path: Path) -> None:
        """By option or by variable, whatever else the environment says."""
        missing = str(tmp_path / "missing.toml")
        with pytest.raises(ConfigurationError, match=r"missing\.toml is not there: write it with"):
            load(missing, {"LEADER_QUORUM": "redis://10.0.0.1"})
        with pytest.raises(ConfigurationError, match=r"missing\.toml is not there"):
            load(None, {"LEADER_CONFIG": missing})

    @pytest.mark.parametrize(
        ("content", "told"),
        [
            (b'cluster = "x\n', "line 1, column 13: illegal character"),
            (b"cluster = ", "end of document: invalid value"),
            (b"a = 1\na = 2\n", "line 2, column 6: cannot overwrite a value"),
            (b"cluster = '\xff'", "is not text in UTF-8, from byte 11 on"),
        ],
    )
    def test_a_syntax_error_is_one_sentence_with_its_place(
        self, tmp_path: Path, content: bytes, told: str
    ) -> None:
        """Line and column, as tomllib knows them."""
        file = tmp_path / "leader.toml"
        file.write_bytes(content)
        with pytest.raises(ConfigurationError) as refusal:
            load(str(file), {})
        assert told in str(refusal.value)
        assert len(refusal.value.problems) == 1

    def test_a_folder_is_no_file(self, tmp_path: Path) -> None:
        """What the system says is passed on in the sentence."""
        with pytest.raises(ConfigurationError, match=r"cannot be read \(Is a directory\)"):
            load(str(tmp_path), {})


class TestNotes:
    """What is allowed and unwise."""

    def test_the_number_of_instances(self) -> None:
        """One is a single point of failure; an even number is one too many."""
        assert "nobody leads while it is down" in read(instances=THREE[:1]).notes[0]
        assert "one fewer would survive the loss of as many (0)" in read(instances=THREE[:2]).notes[0]
        four = [f"redis://10.0.0.{n}" for n in range(4)]
        assert "are 4: one fewer would survive the loss of as many (1)" in read(instances=four).notes[0]

    def test_passwords_that_others_can_see(self, tmp_path: Path) -> None:
        """In the file itself, or in one that everybody can read."""
        note = read(instances=["redis://:topsecret@10.0.0.1", *THREE[1:]]).notes[0]
        assert "quorum.instances[0]: holds a password in clear" in note
        assert "topsecret" not in note
        file = tmp_path / "password"
        file.write_text("secret")
        file.chmod(0o644)
        assert (
            f"every user can read {file}; chmod o-r {file} keeps it secret"
            in read(password_file=str(file)).warnings[0]
        )
        file.chmod(0o600)
        assert read(password_file=str(file)).warnings == ()

    def test_tls_without_any_use(self, tmp_path: Path) -> None:
        """Files for TLS and no instance that uses it."""
        (tmp_path / "ca").touch()
        tls = {"ca_file": str(tmp_path / "ca")}
        assert read(tls=tls).notes == ()
        assert "no instance is rediss://" in read(tls=tls, instances=["redis://10.0.0.1"] * 1).notes[-1]


class TestShow:
    """The effective configuration as TOML."""

    def test_what_is_shown_can_be_read_back(self, tmp_path: Path) -> None:
        """Nothing is lost but where the values came from."""
        (tmp_path / "ca").touch()
        (tmp_path / "password").write_text("topsecret")
        config = read(
            """
            [elections.default]
            [elections."a.b"]
            priority = 3
            on_lost = ["/bin/lost"]
            [fitness]
            command = ["/bin/fit"]
            max_load_per_cpu = 2.5
            max_memory = "95%"
            min_free_disk = { "/" = "2.5%" }
            required_mounts = ["/srv"]
            required_processes = ["nginx"]
            [api]
            listen = "127.0.0.1:8009"
            """,
            instances={"a": THREE[0], "b": THREE[1], "c-3": THREE[2]},
            username="leader",
            password_file=str(tmp_path / "password"),
            tls={"ca_file": str(tmp_path / "ca")},
        )
        shown = render(config)
        again = from_document(tomllib.loads(shown), "leader.toml")
        assert again.quorum == config.quorum
        assert (again.elections, again.fitness, again.api) == (config.elections, config.fitness, config.api)
        assert "topsecret" not in shown

    def test_unnamed_instances_are_shown_as_a_list(self) -> None:
        """Default names are no names that could be written."""
        config = read(instances=["redis://10.0.0.1", "redis://u:topsecret@10.0.0.2/3", "redis://[fd00::1]:7"])
        shown = render(config)
        assert tomllib.loads(shown)["quorum"]["instances"] == [
            "redis://10.0.0.1:6379/0",
            "redis://u:***@10.0.0.2:6379/3",
            "redis://[fd00::1]:7/0",
        ]
        assert "topsecret" not in shown

    def test_each_value_tells_where_it_came_from(self) -> None:
        """The file, a variable, the host name, or a default."""
        lines = render(read(environ={"LEADER_LEASE": "2s"})).splitlines()
        origin = {line.split(" = ")[0]: line.rpartition("# ")[2] for line in lines if " = " in line}
        assert origin["cluster"] == "leader.toml"
        assert origin["lease"] == "LEADER_LEASE"
        assert origin["generation"] == "default"
        assert origin["instances"] == "leader.toml"


def test_a_password_file_of_somebody_else_is_told(tmp_path: Path) -> None:
    """By the name of who cannot read it; root, who may read everything, becomes nobody for a while."""
    file = tmp_path / "password"
    file.write_text("secret")
    file.chmod(0)
    user = os.geteuid()
    os.seteuid(user or NOBODY)
    reader = pwd.getpwuid(os.geteuid()).pw_name
    try:
        told = problems(password_file=str(file))
    finally:
        os.seteuid(user)
    assert f"must be a file that user {reader} can read (Permission denied)" in told


def test_a_user_without_a_name_is_told_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs under a number of its own."""
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000_000)
    told = problems("", None, password_file="/nowhere/p")
    assert "must be a file that user 4000000000 can read" in told
