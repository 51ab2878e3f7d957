"""Crontabs that break a rule, each with one that comes near and keeps it, and their machine."""

from dataclasses import dataclass, replace

from leader.doctor.cron_sheet import Host

PROGRAM = "/opt/leader/bin/leader"
FOLDERS = {"/usr/bin", "/usr/local/bin"}
USERS = {"root", "www-data"}


def finds(program: str, path: str) -> bool:
    """A machine with `leader` and `job` in two folders."""
    if "/" in program:
        return program == PROGRAM or program.rpartition("/")[0] in FOLDERS
    return program in {"leader", "job"} and bool(FOLDERS & set(path.split(":")))


HOST = Host(finds, USERS.__contains__, PROGRAM, is_debian=True)
BARE = Host(
    lambda program, path: program == PROGRAM or "/usr/local/bin" in path.split(":"),
    *(USERS.__contains__, PROGRAM, True),
)
"""The same machine without `leader` in the folders that cron searches by itself."""
NAMESAKE = replace(HOST, is_user=(USERS | {"leader"}).__contains__)
"""A machine on which a user is called `leader`, as the agent's own may be."""


@dataclass(frozen=True)
class Case:
    """A rule, a text that breaks it, and one that comes near and keeps it."""

    code: str
    broken: str
    sound: str
    name: str = "stdin"
    host: Host = HOST
    elections: tuple[str, ...] = ()


EVERY = "* * * * * "
CASES = [
    Case(
        "not-found", EVERY + "leader is-leader && job\n", EVERY + f"{PROGRAM} is-leader && job\n", host=BARE
    ),
    Case(
        "not-found",
        EVERY + "leader is-leader && leader run --timeout 9s -- job\nPATH=/usr/local/bin\n",
        'PATH = "/usr/local/bin:/bin" \n' + EVERY + "leader is-leader && leader run --timeout 9s -- job\n",
        host=BARE,
    ),
    Case(
        "not-found", EVERY + "/gone/leader is-leader && job\n", EVERY + "/usr/bin/leader is-leader && job\n"
    ),
    Case(
        "percent",
        EVERY + "leader is-leader && job $(date +%F)\n",
        EVERY + r"leader is-leader && job +\%F" + "\n",
    ),
    Case(
        "percent",
        EVERY + "job '%F' && leader is-leader && job\n",
        EVERY + "date +%F; x\n@daily leader jobs\n",
    ),
    Case(
        "run-unbounded", EVERY + "leader run -- job --timeout 1\n", EVERY + "leader run --timeout=5s -- job\n"
    ),
    Case("run-unbounded", "@daily leader run -- job\n", "@reboot leader run --forever -- job\n"),
    Case("guard-not-joined", EVERY + "leader is-leader; job\n", EVERY + "leader is-leader && job\n"),
    Case("guard-not-joined", EVERY + "leader is-leader|job\n", EVERY + "leader is-leader || exit 0; job\n"),
    Case(
        "guard-not-joined",
        EVERY + "leader is-leader batch --for 9s & job\n",
        EVERY + "if leader is-leader; then job; fi\n",
    ),
    Case(
        "guard-not-joined", EVERY + "leader is-leader; job\n", EVERY + "leader is-leader; [ $? = 0 ] && job\n"
    ),
    Case(
        "guard-ends",
        EVERY + "leader is-leader && job; job2\n",
        EVERY + "leader is-leader && { job; job2; }\n",
    ),
    Case(
        "guard-ends", EVERY + "leader is-leader && (a; b); c\n", EVERY + "leader is-leader && (a; b) | c;\n"
    ),
    Case("guard-ends", EVERY + "leader is-leader && a || b &\n", EVERY + "leader is-leader && a || true\n"),
    Case(
        "guard-ends",
        EVERY + "leader is-leader && a & b\n",
        EVERY + "leader is-leader && find -exec a {} \\;\n",
    ),
    Case(
        "guard-ends",
        EVERY + "leader is-leader && echo 'a;b' ; b\n",
        EVERY + "leader is-leader && echo 'a;b' \";\" && b; leader is-leader x && c\n",
    ),
    Case("gap", "*/5 * * * * leader once a --gap 5m -- job\n", "*/5 * * * * leader once a --gap 4m -- job\n"),
    Case("gap", "@hourly leader once a --gap=2h -- job\n", "@reboot leader once a --gap=2h -- job\n"),
    Case("gap", "0,10 6 * * * leader once a --gap 15m -- job\n", "0 6 1 * * leader once a --gap 2d -- job\n"),
    Case(
        "same-job",
        EVERY + "leader once a -- job\n@daily leader once --gap 1m a -- job2\n",
        EVERY + "leader once a -- job\n@daily leader once b -- leader once a\n",
    ),
    Case(
        "election",
        EVERY + "leader once a --election batsh -- job\n",
        EVERY + "leader once a -- job\n" + EVERY + "leader is-leader batch && leader status --timeout 2s\n",
        elections=("batch", "default"),
    ),
    Case(
        "election",
        EVERY + "leader is-leader x && job\n",
        EVERY + "leader is-leader $X\n",
        elections=("batch",),
    ),
    Case(
        "election", EVERY + "leader run -- job\n", EVERY + "leader run batch -- job\n", elections=("batch",)
    ),
    Case(
        "zone-ignored", "CRON_TZ=UTC\n@daily leader once a -- job\n", "TZ=UTC\n@daily leader once a -- job\n"
    ),
    Case("no-newline", EVERY + "leader is-leader && job", EVERY + "leader is-leader && job\n"),
    Case(
        "path-unexpanded",
        "PATH=$PATH:/usr/local/bin\n" + EVERY + "leader is-leader && job\n",
        "PATH=/usr/bin:/bin\nX=$PATH\n" + EVERY + "leader is-leader && job\n",
    ),
    Case(
        "unguarded",
        EVERY + "leader is-leader && job\n\t@daily\tjob2\n",
        EVERY + "leader is-leader && job\n# @daily job2\n\n  \n@daily leader once a -- job2\n",
    ),
    Case("mailed", EVERY + "leader is-leader && job\n", EVERY + "leader is-leader && job >/dev/null 2>&1\n"),
    Case(
        "mailed", EVERY + "leader is-leader && job 2>x\n", "MAILTO=\n" + EVERY + "leader is-leader && job\n"
    ),
    Case(
        "mailed",
        "MAILTO=me\n" + EVERY + "leader run job\n",
        EVERY + "leader is-leader && job | mail -s x me\n",
    ),
    Case("mailed", EVERY + "leader is-leader && { a; }\n", EVERY + "leader is-leader && { a; b; } >>log\n"),
    Case(
        "user-missing",
        EVERY + "leader is-leader && job\n",
        EVERY + "root leader is-leader && job\n",
        name="/etc/cron.d/jobs",
    ),
    Case(
        "user-missing",
        EVERY + "/usr/bin/leader is-leader && job\n",
        "\t*/5 * * * *\twww-data\tleader is-leader && job\n",
        name="/etc/crontab",
    ),
    Case(
        "user-missing",
        EVERY + "root leader is-leader && job\n@daily job -x\n",
        EVERY + "root leader is-leader && job\n@daily root job -x\n",
        name="/etc/crontab",
    ),
    Case(
        "user-missing",
        EVERY + "leader is-leader && job\n",
        EVERY + "leader leader is-leader && job\n",
        name="/etc/crontab",
        host=NAMESAKE,
    ),
    Case(
        "user-missing",
        EVERY + "root leader is-leader && a\n@daily job -x\n",
        EVERY + "leader is-leader && a\n@daily job -x\n",
        name="jobs",
        host=NAMESAKE,
    ),
    Case("guard-ends", EVERY + "leader is-leader && a; (b)\n", EVERY + "(leader is-leader && a) ; (b; c)\n"),
    Case(
        "guard-ends",
        EVERY + "(leader is-leader && a; b)\n",
        EVERY + "leader is-leader && for i in 1 2; do a; done\n",
    ),
    Case(
        "election",
        EVERY + "leader is-leader 2>batch x && job\n",
        EVERY + "leader is-leader 2>err batch && job\n",
        elections=("batch",),
    ),
    Case(
        "same-job",
        EVERY + "leader once a -- job; leader once b -- job\n@daily leader once b -- job\n",
        EVERY + "leader is-leader batch && job\n@daily leader is-leader batch && leader once batch -- job\n",
    ),
    Case("user-extra", EVERY + "root leader is-leader && job\n", EVERY + "job leader is-leader && job\n"),
    Case(
        "too-long",
        EVERY + "leader is-leader && job\n@daily " + "x" * 999 + "\n",
        EVERY + "leader is-leader && job\n@daily " + "x" * 998 + "\n",
    ),
    Case(
        "user-unknown",
        EVERY + "www-dta leader is-leader && job\n",
        EVERY + "www-data leader is-leader && job\n",
        name="/etc/cron.d/jobs",
    ),
    Case(
        "user-missing",
        EVERY + "root leader is-leader && a\n" + EVERY + "job && leader is-leader && b\n",
        EVERY + "leader is-leader && a\n" + EVERY + "job && leader is-leader && b\n",
        name="jobs",
    ),
]
