"""Files of ours that are open to others, damaged, full, held or gone."""

from __future__ import annotations

from docs.errors.scene import Says, Scene

_STATE = "cd ~/.local/state/sophia-secrets"
_GET = "sophia-secrets get OPENAI_API_KEY"
_SET = "sophia-secrets set NEW_API_KEY --backend local --generate uuid"
_ROTATE = "sophia-secrets rotate OPENAI_API_KEY --generate uuid --yes"
_ROTATION = "mkdir -p ~/.local/state/sophia-secrets/pending"
_INTERRUPTED = _ROTATE
_OTHER = "SOPHIA_SECRETS_HOME=~/other sophia-secrets set A_KEY --backend local --generate uuid"
_KEYS = (
    "MINE=$(sophia-secrets doctor | grep -o 'age1[a-z0-9]*'); "
    "THEIRS=$(SOPHIA_SECRETS_HOME=~/other sophia-secrets doctor | grep -o 'age1[a-z0-9]*')"
)
_RECIPIENTS = (
    "mkdir -p ~/.config/sophia-secrets; "
    """printf '[local]\\nrecipients = ["%s"]\\n' "${MINE:+$MINE\\", \\"}$THEIRS" > ~/.config/sophia-secrets/config.toml"""
)
_LISTED = {"SOPHIA_SECRETS_FLY_DEPLOY": "false"}
_FLY = Says(
    "fly",
    "Error: server returned a non-200 status code: 503",
    1,
    """case "$*" in *version*) echo '{"Version":"0.4.11"}'; exit 0;;
*list*) echo '[{"Name":"OPENAI_API_KEY","Digest":"ab12cd34ef56ab78","CreatedAt":"2026-05-04T10:00:00Z"}]'; exit 0;;
esac
""",
)

_NO_SECRET = """case "$*" in *version*) echo '{"Version":"0.4.14"}'; exit 0;; *list*) echo '[]'; exit 0;; esac
"""
_FACTS = (
    "for lock in ~/.local/state/sophia-secrets/audit/*/facts/*.lock; do exec {fd}<> $lock; flock $fd; done"
)

SCENES = (
    Scene("unsafe_state", f"chmod 755 ~/.local/state/sophia-secrets\n{_GET}"),
    Scene("unsafe_state", f"chmod 644 ~/.local/state/sophia-secrets/key\n{_GET}"),
    Scene("not_permitted", f"chmod 644 ~/.local/state/sophia-secrets/identity.txt\n{_GET}"),
    Scene("unsafe_state", f"{_STATE}; mv key k; ln -s k key\n{_GET}"),
    Scene("unsafe_state", f"{_STATE}; ln key second\n{_GET}"),
    Scene(
        "unsafe_state", f"rm -r ~/.local/state/sophia-secrets; touch ~/.local/state/sophia-secrets\n{_GET}"
    ),
    Scene(
        "unsafe_state",
        f"mkdir -p ~/.config/sophia-secrets; touch ~/.config/sophia-secrets/config.toml; chmod 666 ~/.config/sophia-secrets/config.toml\necho 'strict = true' > ~/.config/sophia-secrets/config.toml; {_GET}",
    ),
    Scene("integrity_failed", f"printf short > ~/.local/state/sophia-secrets/key\n{_GET}"),
    Scene("audit_failed", f"XDG_STATE_HOME=/dev/null {_GET}"),
    Scene("audit_failed", "SOPHIA_SECRETS_AUDIT=off sophia-secrets info OPENAI_API_KEY"),
    Scene("audit_failed", "SOPHIA_SECRETS_AUDIT=off sophia-secrets rotation status"),
    Scene(
        "integrity_failed",
        "sed -i 1s/set/get/ ~/.local/state/sophia-secrets/audit/*/audit.jsonl\nsophia-secrets audit verify",
    ),
    Scene("usage", "sophia-secrets audit verify --expect-head 12:zz"),
    Scene("audit_failed", f"ulimit -f 0; {_GET}"),
    Scene("audit_failed", f"exec 9< ~/.local/state/sophia-secrets/audit/*/audit.head; flock 9\n{_GET}"),
    Scene(
        "audit_failed",
        "exec 9< ~/.local/state/sophia-secrets/audit/*/audit.head; flock 9\nsophia-secrets audit verify",
    ),
    Scene(
        "audit_failed",
        "cd ~/.local/state/sophia-secrets/audit/*; rm audit.jsonl; mkdir audit.jsonl; cd ~/app\nsophia-secrets audit log",
    ),
    Scene("integrity_failed", "rm ~/.local/state/sophia-secrets/key\nsophia-secrets audit verify"),
    Scene(
        "timed_out",
        f"{_SET}\nfor lock in ~/.local/state/sophia-secrets/local-*.lock; do exec {{fd}}< $lock; flock $fd; done\n{_SET} --timeout 1",
    ),
    Scene("bad_output", f"truncate -s 26000000 ~/.local/state/sophia-secrets/secrets.env.age\n{_GET}"),
    Scene("not_permitted", f"{_OTHER}; cp ~/other/state/identity.txt ~/.local/state/sophia-secrets\n{_GET}"),
    Scene(
        "not_permitted",
        f"""mkdir -p ~/.config/sophia-secrets; cat > ~/.config/sophia-secrets/config.toml <<'END'
[local]
identity = "~/none.txt"
file = "~/app/secrets.env.age"
END
{_SET}""",
    ),
    Scene(
        "not_permitted",
        f"{_OTHER}; {_KEYS}; {_RECIPIENTS}; {_SET}; rm ~/.config/sophia-secrets/config.toml\n{_SET}",
    ),
    Scene("not_permitted", f"{_OTHER}; {_KEYS}; MINE=; {_RECIPIENTS}\n{_SET}"),
    Scene(
        "unsafe_state",
        f"{_ROTATION}; rm -rf ~/.local/state/sophia-secrets/pending; touch ~/.local/state/sophia-secrets/pending\n{_ROTATE}",
    ),
    Scene(
        "integrity_failed",
        f"{_INTERRUPTED}\nfor f in ~/.local/state/sophia-secrets/pending/*[0-9a-f]; do echo x > $f; done\n{_ROTATE}",
        _FLY,
        _LISTED,
    ),
    Scene("usage", f"{_INTERRUPTED}\n{_ROTATE} --backend local", _FLY, _LISTED),
    Scene("usage", f"{_INTERRUPTED}\nFLY_APP_NAME=other-app {_ROTATE}", _FLY, _LISTED),
    Scene("unreachable", _ROTATE, _FLY, _LISTED),
    Scene(
        "busy",
        f"{_INTERRUPTED}\nexec 9< ~/.local/state/sophia-secrets/pending/*.lock; flock 9\n{_ROTATE}",
        _FLY,
        _LISTED,
    ),
    Scene("bad_output", f"printf broken > ~/.local/state/sophia-secrets/secrets.env.age\n{_GET}"),
    Scene("not_permitted", f"rm ~/.local/state/sophia-secrets/identity.txt\n{_GET}"),
    Scene("not_permitted", f"rm ~/.local/state/sophia-secrets/identity.txt\n{_SET}"),
    Scene("not_permitted", f"SOPHIA_SECRETS_IDENTITY=hunter2 {_GET}"),
    Scene(
        "bad_output",
        f"rm ~/.local/state/sophia-secrets/secrets.env.age; mkdir ~/.local/state/sophia-secrets/secrets.env.age\n{_GET}",
    ),
    Scene(
        "bad_output",
        "printf 'KEY' > .env\nSOPHIA_SECRETS_CHAIN=env sophia-secrets list",
        more={"SOPHIA_SECRETS_ENV_FILE": ".env"},
    ),
    Scene(
        "bad_output",
        f"""python3 - <<'END'
import pathlib, pyrage
home = pathlib.Path.home() / ".local/state/sophia-secrets"
text = (home / "identity.txt").read_text()
mine = pyrage.x25519.Identity.from_str(next(l for l in text.splitlines() if l.startswith("AGE-")))
(home / "secrets.env.age").write_bytes(pyrage.encrypt(b"KEY", [mine.to_public()], armored=True))
END
{_GET}""",
    ),
    Scene("bad_output", f"export SOPHIA_SECRETS_AUDIT=off; ulimit -f 0\n{_SET}"),
    Scene("audit_failed", f"{_FACTS}\nsophia-secrets info OPENAI_API_KEY"),
    Scene(
        "audit_failed",
        "sophia-secrets set A_KEY --backend fly --generate uuid",
        Says(
            "fly",
            "",
            0,
            out=f"""{_NO_SECRET}cd "$(dirname "$0")"/../.local/state/sophia-secrets/audit/*; rm audit.jsonl; mkdir audit.jsonl
""",
        ),
    ),
    Scene("integrity_failed", f"export SOPHIA_SECRETS_AUDIT=off; ulimit -f 0\n{_ROTATE}"),
    Scene(
        "timed_out",
        """sophia-secrets list --backend fly > /dev/null; sleep 1.1
for lock in ~/.cache/sophia-secrets/*.lock; do exec {fd}<> $lock; flock $fd; done
sophia-secrets list --backend fly --timeout 0.5""",
        Says("fly", "", 0, out="echo '[]'\n"),
        more={"SOPHIA_SECRETS_CACHE_TTL": "1", "SOPHIA_SECRETS_STALE_FOR": "0"},
    ),
)
