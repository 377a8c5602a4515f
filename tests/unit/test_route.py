"""The compiled route: what it belongs to, what it depends on, and that nobody else can write one."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sophia_secrets import settings as layered
from sophia_secrets.backends.pulumi.variables import CREDENTIALS
from sophia_secrets.core.resolve import Answer
from sophia_secrets.operations import recording, routing
from sophia_secrets.operations.fetch import ChainQuery, gather
from sophia_secrets.operations.opening import open_session
from sophia_secrets.operations.session import Session
from sophia_secrets.operations.snapshots import identity_of
from sophia_secrets.settings.table import ROWS, SPECIAL_VARIABLES
from sophia_secrets.state import route, route_form
from sophia_secrets.state.route_form import Member, Route, Vault, VerbatimValue

KEY = bytes(range(32))

text = st.text(st.characters(exclude_characters="\0"), max_size=12)
raw = st.binary(max_size=12)
paths = text.filter(
    lambda name: all((not 0xD800 <= ord(c) < 0xDC80 and not ord(c) > 0xDCFF) or ord(c) < 0xD800 for c in name)
).map(lambda name: "/" + name.encode("utf-8", "replace").decode())
kept = st.none() | st.builds(VerbatimValue, st.integers(0, 10**9), st.integers(0, 10**9), raw)
vaults = st.builds(Vault, paths, paths, st.booleans(), st.dictionaries(text, kept, max_size=3))
members = st.builds(
    Member,
    st.sampled_from([b"v", b"w", b"l", b"e", b"f"]),
    st.sampled_from(["github", "pulumi", "local"]),
    text,
    identity=st.lists(raw, max_size=4),
    vault=st.none() | vaults,
)
routes = st.builds(
    Route,
    st.lists(st.tuples(st.sampled_from([b"f", b"l", b"e", b"d"]), paths, raw), max_size=4),
    st.lists(members, max_size=4),
    audit=paths | st.just(""),
    sync=st.booleans(),
    ttl=st.floats(0, 1e9),
    stale_for=st.floats(0, 1e9),
    user=text,
    ci=text,
    profile=text,
    declared=st.lists(text, max_size=3),
)


def simple(*looks: tuple[bytes, str, bytes], user: str = "me") -> Route:
    return Route(looks, [], audit="", sync=True, ttl=300, stale_for=86400, user=user, ci="", profile="")


def plain(thing: object) -> object:
    """A route and its parts as nested tuples, to compare."""
    if isinstance(thing, Route | Member | Vault | VerbatimValue):
        return tuple(plain(getattr(thing, name)) for name in thing.__slots__)
    if isinstance(thing, Mapping):
        return tuple((name, plain(value)) for name, value in thing.items())
    if isinstance(thing, tuple | list):
        return tuple(plain(each) for each in thing)
    return thing


@given(routes)
@example(simple(user="\udce9"))
def test_a_route_comes_back_from_its_bytes_as_it_was(one: Route) -> None:
    assert plain(route_form.decode(route_form.encode(one))) == plain(one)


def test_a_route_belongs_to_its_directory_and_to_the_variables_that_matter() -> None:
    environ = {b"HOME": b"/h", b"PULUMI_ACCESS_TOKEN": b"one", b"TERM": b"xterm"}
    own = route.tag(KEY, "/project", environ)
    assert own == route.tag(KEY, "/project", environ | {b"TERM": b"dumb", b"API_KEY": b"exported"})
    others = [
        route.tag(KEY, "/project/deep", environ),
        route.tag(KEY, "/project", environ | {b"PULUMI_ACCESS_TOKEN": b"two"}),
        route.tag(KEY, "/project", environ | {b"GH_TOKEN": b""}),
        route.tag(KEY, "/project", {b"HOME": b"/h"}),
        route.tag(bytes(32), "/project", environ),
    ]
    assert len({own, *others}) == 6


@given(st.dictionaries(st.sampled_from([b"HOME", b"GH_TOKEN", b"FLY_APP_NAME"]), raw), st.binary(max_size=8))
def test_C1_no_two_sets_of_variables_give_one_tag(environ: dict[bytes, bytes], more: bytes) -> None:
    other = environ | {b"FLY_API_TOKEN": more}
    assert route.tag(KEY, "/", environ) != route.tag(KEY, "/", other)
    assert route.tag(KEY, "/", other) == route.tag(KEY, "/", dict(reversed(other.items())))


def test_a_stored_route_is_found_under_its_tag_and_no_other(tmp_path: Path) -> None:
    mine, other = b"m" * 32, b"o" * 32
    route.store(str(tmp_path), KEY, mine, simple())
    found = route.load(str(tmp_path), KEY, mine)
    assert found is not None
    assert found.user == "me"
    assert route.load(str(tmp_path), KEY, other) is None
    assert route.load(str(tmp_path / "nowhere"), KEY, mine) is None
    (stored,) = (tmp_path / "routes").iterdir()
    stored.rename(stored.with_name(other.hex() + ".route"))
    assert route.load(str(tmp_path), KEY, other) is None, "a route put in another one's place"


def test_K2_a_route_with_any_byte_changed_or_cut_off_is_none(tmp_path: Path) -> None:
    mine = b"m" * 32
    route.store(str(tmp_path), KEY, mine, simple((route.FILE, "/x", b"1 2 3 4 5")))
    (stored,) = (tmp_path / "routes").iterdir()
    whole = stored.read_bytes()
    for at in range(len(whole)):
        stored.write_bytes(whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :])
        assert route.load(str(tmp_path), KEY, mine) is None
        stored.write_bytes(whole[:at])
        assert route.load(str(tmp_path), KEY, mine) is None
    stored.write_bytes(whole)
    assert route.load(str(tmp_path), KEY, mine) is not None
    assert route.load(str(tmp_path), bytes(32), mine) is None, "another key"


def test_the_same_route_is_not_written_twice(tmp_path: Path) -> None:
    mine = b"m" * 32
    route.store(str(tmp_path), KEY, mine, simple())
    (stored,) = (tmp_path / "routes").iterdir()
    before = stored.stat()
    route.store(str(tmp_path), KEY, mine, simple())
    assert stored.stat().st_ino == before.st_ino
    route.store(str(tmp_path), KEY, mine, simple(user="you"))
    found = route.load(str(tmp_path), KEY, mine)
    assert found is not None
    assert found.user == "you"


def test_a_route_too_large_to_be_read_back_is_not_kept(tmp_path: Path) -> None:
    one = simple(user="x" * route.LIMIT)
    route.store(str(tmp_path), KEY, b"t" * 32, one)
    assert list(tmp_path.rglob("*")) == []


def test_F1_what_cannot_be_a_route_gives_way_to_one(tmp_path: Path) -> None:
    route.store(str(tmp_path), KEY, b"t" * 32, simple(user="before"))
    (kept,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    for spoil in ("link", "size"):
        if spoil == "link":
            kept.unlink()
            kept.symlink_to(tmp_path / "elsewhere")
        else:
            kept.write_bytes(b"x" * (route.LIMIT + 1))
        route.store(str(tmp_path), KEY, b"t" * 32, simple(user=spoil))
        found = route.load(str(tmp_path), KEY, b"t" * 32)
        assert found is not None
        assert found.user == spoil
    assert not (tmp_path / "elsewhere").exists()


def test_routes_do_not_pile_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "MOST", 8)
    for number in range(40):
        route.store(str(tmp_path), KEY, number.to_bytes(32, "big"), simple())
    assert len(list((tmp_path / "routes").iterdir())) <= 8
    assert route.load(str(tmp_path), KEY, (39).to_bytes(32, "big")) is not None


def _changes(path: Path) -> Iterator[str]:
    path.write_text("other text")
    yield "edited"
    path.chmod(0o644)
    yield "opened to others"
    os.link(path, path.with_name("second"))
    yield "given a second name"
    path.with_name("second").replace(path)
    path.unlink()
    yield "removed"
    path.mkdir()
    yield "made a directory"


def test_a_route_holds_until_a_file_that_it_depends_on_changes_in_any_way(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("text")
    path.chmod(0o600)
    kinds = (route.FILE, route.LINK)
    for change in _changes(path):
        looks = [(kind, str(path), route.look(kind, str(path))) for kind in kinds]
        assert route.holds(simple(*looks)), change
    path.rmdir()
    absent = simple((route.FILE, str(path), b""), (route.PRESENCE, str(path), b""))
    assert route.holds(absent)
    path.write_text("")
    assert not route.holds(absent)


@pytest.mark.parametrize("kind", [route.FILE, route.LINK])
def test_each_change_of_a_file_is_seen(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_text("text")
    path.chmod(0o600)
    seen = [route.look(kind, str(path))]
    for _ in _changes(path):
        seen.append(route.look(kind, str(path)))
        time.sleep(0.012)  # more than a tick of the file system's clock
    assert len(set(seen)) == len(seen)


def test_a_link_in_the_place_of_a_file_is_seen_as_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    before = route.look(route.LINK, str(path))
    path.rename(tmp_path / "moved")
    path.symlink_to(tmp_path / "moved")
    assert route.look(route.LINK, str(path)) != before


def test_a_directory_is_known_by_who_may_write_to_it_and_not_by_what_is_in_it(tmp_path: Path) -> None:
    before = route.look(route.PLACE, str(tmp_path))
    (tmp_path / "new").write_text("x")
    assert route.look(route.PLACE, str(tmp_path)) == before
    tmp_path.chmod(0o777)
    assert route.look(route.PLACE, str(tmp_path)) != before


places = st.sampled_from(["", " ", "/h", "/h/../x/", "relative", "/ü"])


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(("HOME", "SOPHIA_SECRETS_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"), places),
    )
)
def test_the_hot_path_looks_where_the_settings_say(environ: dict[str, str]) -> None:
    found = route.directories({os.fsencode(name): os.fsencode(value) for name, value in environ.items()})
    if found is not None:
        where = layered.locate(environ)
        assert found == (where.state, where.cache)
    elif os.path.isabs(environ.get("HOME", "")):
        assert environ["SOPHIA_SECRETS_HOME"].strip(), "it is unusual that there is none"


def test_the_hot_path_looks_where_the_settings_say_on_macos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    where = layered.locate({"HOME": "/Users/me"}, platform="darwin")
    assert route.directories({b"HOME": b"/Users/me"}) == (where.state, where.cache)


def is_watched(name: str) -> bool:
    return (
        name.startswith(tuple(prefix.decode() for prefix in route.PREFIXES)) or name.encode() in route.NAMES
    )


def test_every_variable_of_the_settings_and_the_credentials_is_watched() -> None:
    names = {variable for row in ROWS for variable in row.variables} | set(SPECIAL_VARIABLES) | CREDENTIALS
    assert [name for name in sorted(names) if not is_watched(name)] == []


class Watcher(Mapping[str, str]):
    """An environment that remembers which variables were looked up by name."""

    def __init__(self, environ: dict[str, str]) -> None:
        self._environ = environ
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._environ[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._environ)

    def __len__(self) -> int:
        return len(self._environ)


ONLY_FOR_THE_VENDORS_PROGRAM = {
    "DBUS_SESSION_BUS_ADDRESS", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy",
    "PATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR",
}  # fmt: skip
TOKENS = {"GH_TOKEN": "one", "FLY_API_TOKEN": "two", "PULUMI_ACCESS_TOKEN": "three"}
TARGETS = {"GITHUB_REPOSITORY": "octo/app", "FLY_APP_NAME": "app", "PULUMI_ENVIRONMENT": "acme/app/dev"}


@pytest.mark.parametrize("tokens", [{}, TOKENS])
@pytest.mark.parametrize("targets", [{}, TARGETS])
@pytest.mark.parametrize("more", [{}, {"CI": "1"}, {"GITHUB_REPOSITORY": "ghe.io/octo/app"}])
def test_whatever_decides_a_target_a_credential_or_the_actor_is_watched(
    tmp_path: Path, tokens: dict[str, str], targets: dict[str, str], more: dict[str, str]
) -> None:
    environ = Watcher({"HOME": str(tmp_path), **tokens, **targets, **more})
    session = open_session("get", environ=environ, cwd=str(tmp_path))
    for member in session.chain():
        if hasattr(member, "credential"):
            identity_of(member, session.credential_key)
    recording.actor(session)
    asked = {name for name in environ.asked if not is_watched(name)}
    assert asked <= ONLY_FOR_THE_VENDORS_PROGRAM


def asked_all(session: Session) -> list[Answer]:
    return gather(session, ChainQuery(("API_KEY",)))


def compiled(environ: dict[str, str], cwd: Path, *, began: float | None = None) -> bool:
    """Whether a run in this world leaves a route that holds."""
    session = open_session("get", environ=environ, cwd=str(cwd))
    began = session.clock() + 60 if began is None else began
    routing.remember(session, asked_all(session), began)
    return bool(list(Path(session.paths.cache).glob("routes/*")))


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "SOPHIA_SECRETS_HOME": str(tmp_path / "sophia"), "API_KEY": "v"}


def test_a_usual_run_leaves_a_route(environ: dict[str, str], tmp_path: Path) -> None:
    assert compiled(environ, tmp_path)


def test_a_file_that_was_changed_a_moment_ago_is_not_compiled_in(
    environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "sophia-secrets.toml").write_text("strict = true\n")
    assert not compiled(environ, tmp_path, began=time.time() + 1)
    assert compiled(environ, tmp_path, began=time.time() + routing.RACY + 1)


@pytest.mark.parametrize(
    "more",
    [
        {"GITHUB_ACTIONS": "true"},
        {"SOPHIA_SECRETS_CACHE_TLL": "5m"},
        {"FLY_MACHINE_ID": "4d8", "FLY_APP_NAME": "app"},
        {"SOPHIA_SECRETS_ENV_FILE": ".env"},
        {"SOPHIA_SECRETS_LOCAL_FILE": "broken.age"},
        {"PULUMI_STACK": "dev", "SOPHIA_SECRETS_PULUMI_DIRECTORY": "infra"},
    ],
)
def test_an_unusual_run_leaves_none(environ: dict[str, str], tmp_path: Path, more: dict[str, str]) -> None:
    (tmp_path / "broken.age").write_text("not an age file")
    (tmp_path / "broken.age").chmod(0o600)
    assert not compiled({**environ, **more}, tmp_path)


def test_a_route_holds_no_value_and_no_unkeyed_hash_of_one(environ: dict[str, str], tmp_path: Path) -> None:
    from tests.canary import kept_files, leaks
    from tests.hot_states import keep_in_vault

    value = "canary-5f1d0c8e9b2a"
    keep_in_vault(environ, tmp_path, {"API_KEY": value})
    assert compiled({**environ, "PULUMI_ACCESS_TOKEN": value}, tmp_path)
    assert leaks(value, kept_files(tmp_path / "sophia" / "cache")) == []
