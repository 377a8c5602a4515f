"""Command lines that cannot be meant, and what a person answers."""

from __future__ import annotations

from docs.errors.scene import PROGRAM, Says, Scene

_NO_SECRET = """case "$*" in *version*) echo '{"Version":"0.4.14"}'; exit 0;; *list*) echo '[]'; exit 0;; esac
"""

SCENES = (
    Scene("usage", "sophia-secrets lst"),
    Scene("usage", "sophia-secrets frobnicate"),
    Scene("usage", "sophia-secrets list --nams"),
    Scene("usage", "sophia-secrets get"),
    Scene("usage", "sophia-secrets get OPENAI_API_KEY STRIPE_API_KEY"),
    Scene("usage", "sophia-secrets list --backend"),
    Scene("usage", "sophia-secrets list --timeout"),
    Scene("usage", "sophia-secrets list --json=1"),
    Scene("usage", "sophia-secrets get OPENAI_API_KEY --backend vault"),
    Scene("usage", "sophia-secrets set OPENAI_API_KEY sk-typed --backend local"),
    Scene("usage", "sophia-secrets rotate OPENAI_API_KEY sk-typed"),
    Scene("usage", "sophia-secrets set OPENAI_API_KEY"),
    Scene("usage", "sophia-secrets set OPENAI_API_KEY=sk-typed --backend local"),
    Scene("usage", "sophia-secrets get OPENAI_API_KEY --clip --json"),
    Scene("usage", "mkdir gone; cd gone; rmdir ../gone; sophia-secrets trust"),
    Scene("usage", "sophia-secrets audit"),
    Scene("usage", "sophia-secrets audit verfy"),
    Scene("usage", "sophia-secrets audit log --outcome fnd"),
    Scene("usage", "sophia-secrets audit log --last 0"),
    Scene("usage", "sophia-secrets config init --config other.toml"),
    Scene("usage", "touch a.toml b.toml; sophia-secrets trust a.toml --config b.toml"),
    Scene("usage", "sophia-secrets set OPENAI_API_KEY --backend local --from-file key.txt"),
    Scene("usage", "sophia-secrets set OPENAI_API_KEY --backend local --from-file key.txt --generate uuid"),
    Scene("usage", "sophia-secrets set OPENAI_API_KEY --backend local --generate words:4"),
    Scene("usage", "sophia-secrets set OPENAI_API_KEY --backend local <&-"),
    Scene(
        "usage",
        "head -c 1100000 /dev/zero > big.txt\nsophia-secrets set BIG_KEY --backend local --from-file big.txt",
    ),
    Scene("bad_value", "head -c 1100000 /dev/zero | sophia-secrets set BIG_KEY --backend local"),
    Scene("usage", "sophia-secrets delete OPENAI_API_KEY"),
    Scene("usage", "sophia-secrets delete OPENAI_API_KEY --backend local"),
    Scene("not_found", "sophia-secrets delete OLD_API_KEY --backend local --yes"),
    Scene("usage", "sophia-secrets copy OPENAI_API_KEY --from local --to local --dry-run"),
    Scene(
        "usage", "sophia-secrets copy OPENAI_API_KEY --from local --to fly", more={"FLY_APP_NAME": "my-app"}
    ),
    Scene("usage", "sophia-secrets diff local local"),
    Scene("usage", "sophia-secrets sync --from env --to local --delete --dry-run"),
    Scene("usage", "sophia-secrets import missing.env --backend local --yes"),
    Scene("usage", "sophia-secrets import . --backend local --yes"),
    Scene("usage", "sophia-secrets import --format xml - --backend local --yes < /dev/null"),
    Scene("usage", "printf 'KEY' | sophia-secrets import - --format dotenv --backend local --yes"),
    Scene("usage", "printf '\\xff=1' | sophia-secrets import - --format dotenv --backend local --yes"),
    Scene("usage", "printf '{' | sophia-secrets import - --format json --backend local --yes"),
    Scene(
        "usage",
        'printf \'{"A_KEY": "x", "A_KEY": "y"}\' | sophia-secrets import - --format json --backend local --yes',
    ),
    Scene("usage", "printf '[1]' | sophia-secrets import - --format json --backend local --yes"),
    Scene(
        "usage", "printf '{\"A_KEY\": true}' | sophia-secrets import - --format json --backend local --yes"
    ),
    Scene("usage", "printf 'A_KEY: [1]' | sophia-secrets import - --format yaml --backend local --yes"),
    Scene("usage", "printf 'A_KEY: {' | sophia-secrets import - --format yaml --backend local --yes"),
    Scene(
        "usage",
        "head -c 25200000 /dev/zero > big.env\nsophia-secrets import big.env --backend local --yes",
    ),
    Scene(
        "usage",
        "head -c 1100000 /dev/zero > big.yaml\nsophia-secrets import big.yaml --backend local --yes",
    ),
    Scene("bad_name", "printf 'api-key: x' | sophia-secrets import - --format yaml --backend local --yes"),
    Scene("usage", "sophia-secrets export --format toml"),
    Scene("usage", "sophia-secrets export --format shell --json"),
    Scene("usage", "sophia-secrets export --format dotenv --name app"),
    Scene("usage", "sophia-secrets export --format github-env --output env.txt"),
    Scene("usage", "sophia-secrets export --format github-env"),
    Scene(
        "usage",
        "sophia-secrets export --format github-env",
        more={"GITHUB_ENV": "/no/such/file", "GITHUB_ACTIONS": "true"},
    ),
    Scene("usage", "sophia-secrets export --format json --output missing/secrets.json"),
    Scene(
        "output_failed",
        "export SOPHIA_SECRETS_AUDIT=off; ulimit -f 0\nsophia-secrets export --format json --output secrets.json",
    ),
    Scene("usage", "mkdir out.env\nsophia-secrets export --format dotenv --output out.env"),
    Scene("bad_name", "sophia-secrets export --format k8s --name 'My App'"),
    Scene("bad_name", "env api.key=x sophia-secrets export api.key --format shell"),
    Scene(
        "bad_value",
        "printf 'a\\nb' | sophia-secrets set PEM_KEY --backend local\nsophia-secrets export --format docker PEM_KEY",
    ),
    Scene(
        "bad_value",
        "printf 'a\\n::error::b' | sophia-secrets set ODD_KEY --backend local\nsophia-secrets export --format dotenv ODD_KEY",
        more={"GITHUB_ACTIONS": "true"},
    ),
    Scene(
        "not_found",
        "sophia-secrets delete STRIPE_API_KEY --backend local --yes\nsophia-secrets delete OPENAI_API_KEY --backend local --yes\nsophia-secrets export --format dotenv",
    ),
    Scene("not_found", "printf 'key: {{ OPENAI_KEY }}\\n' > app.yaml\nsophia-secrets render app.yaml"),
    Scene("bad_name", "printf 'key: {{ A%0300d }}\\n' 0 > app.yaml\nsophia-secrets render app.yaml"),
    Scene("usage", "sophia-secrets render missing.yaml"),
    Scene("usage", "sophia-secrets run"),
    Scene("usage", "sophia-secrets run --scope web -- env"),
    Scene("not_found", "sophia-secrets run --only NO_SUCH_KEY -- env"),
    Scene("not_found", "sophia-secrets run --only 'NO_SUCH_*' -- env"),
    Scene(
        "bad_value",
        """python3 -c 'import json; print(json.dumps({f"KEY_{n}": "x" * 100000 for n in range(40)}))' > many.json
sophia-secrets import many.json --backend local --yes
sophia-secrets run -- env""",
    ),
    Scene("bad_name", "sophia-secrets run --only SOPHIA_SECRETS_HOME -- env"),
    Scene("command_not_found", "sophia-secrets run -- no-such-program"),
    Scene("command_not_found", "sophia-secrets run -- ./no-such-program"),
    Scene("command_not_runnable", "sophia-secrets run -- /tmp"),
    Scene("command_not_runnable", "printf x > tool\nsophia-secrets run -- ./tool"),
    Scene(
        "command_not_runnable",
        "printf '#!/no/such/interpreter\\n' > tool; chmod +x tool\nsophia-secrets run -- ./tool",
    ),
    Scene(
        "bad_value",
        "head -c 200000 /dev/zero | tr '\\0' x | sophia-secrets set LONG_KEY --backend local\nsophia-secrets run --only LONG_KEY -- env",
    ),
    Scene(
        "usage",
        "sophia-secrets cache warm",
        Says("fly", "", 0, out="echo '[]'\n"),
        more={"SOPHIA_SECRETS_CACHE_TTL": "0", "SOPHIA_SECRETS_STALE_FOR": "0"},
    ),
    Scene("usage", "sophia-secrets completion powershell"),
    Scene("usage", "sophia-secrets completion"),
    Scene("usage", "sophia-secrets help frobnicate"),
    Scene("usage", "sophia-secrets get OPENAI_API_KEY --max-stale soon"),
    Scene("cli_missing", "sophia-secrets get OPENAI_API_KEY --clip", more={"PATH": str(PROGRAM.parent)}),
    Scene("usage", "sophia-secrets audit log --follow --until 2026-05-04"),
    Scene("usage", "sophia-secrets audit log --since yesterday"),
    Scene("usage", "sophia-secrets audit log --since 2h --until 3h"),
    Scene("usage", "sophia-secrets audit log --since ''"),
    Scene("usage", "sophia-secrets audit export --format xml"),
    Scene("usage", "sophia-secrets audit export --format csv --json"),
    Scene(
        "output_failed",
        "export SOPHIA_SECRETS_AUDIT=off; ulimit -f 0\nsophia-secrets audit export --format csv --output log.csv",
    ),
    Scene("usage", "sophia-secrets audit log --name ''"),
    Scene("usage", "sophia-secrets audit verify --expect-head 12:zz"),
    Scene("usage", "sophia-secrets scan --staged app"),
    Scene("usage", "sophia-secrets scan no-such-file"),
    Scene("usage", "sophia-secrets scan --staged"),
    Scene(
        "usage",
        "git init -q; printf '#!/bin/sh\\n' > .git/hooks/pre-commit\nsophia-secrets scan --install-hook",
    ),
    Scene("usage", "git init -q; git config core.hooksPath hooks\nsophia-secrets scan --install-hook"),
    Scene("check_failed", "printf 'key = st-demo-77aa01\\n' > app.toml\nsophia-secrets scan"),
    Scene("usage", "sophia-secrets rotate"),
    Scene("usage", "sophia-secrets rotate OPENAI_API_KEY < /dev/null"),
    Scene("bad_value", "sophia-secrets rotate OPENAI_API_KEY --yes < /dev/null"),
    Scene("usage", "sophia-secrets rotate OPENAI_API_KEY --abandon --generate uuid --yes"),
    Scene("not_found", "sophia-secrets rotate OPENAI_API_KEY --abandon --yes"),
    Scene("not_found", "sophia-secrets rotate NO_SUCH_KEY --generate uuid --yes"),
    Scene("not_found", "sophia-secrets info NO_SUCH_KEY"),
    Scene("usage", "sophia-secrets check"),
    Scene("usage", "sophia-secrets check --workflow missing.yml"),
    Scene(
        "usage",
        "printf 'jobs: {' > ci.yml\nsophia-secrets check --workflow ci.yml",
        more={"GITHUB_REPOSITORY": "octo/app"},
    ),
    Scene("usage", "sophia-secrets config model --name 'my secrets'"),
    Scene("usage", "sophia-secrets config model"),
    Scene("usage", "sophia-secrets trust"),
    Scene("usage", "printf '' > sophia-secrets.toml\nsophia-secrets config init"),
    Scene("output_failed", "sophia-secrets get OPENAI_API_KEY > /dev/full"),
    Scene(
        "output_failed",
        "truncate -s 0 env.txt\nulimit -f 0; sophia-secrets export --format github-env",
        more={"GITHUB_ENV": "env.txt", "GITHUB_ACTIONS": "true", "SOPHIA_SECRETS_AUDIT": "off"},
    ),
    Scene(
        "bad_value",
        "sophia-secrets set OPENAI_API_KEY --backend local",
        typed=(("(hidden): ", "\n"),),
    ),
    Scene(
        "usage",
        "sophia-secrets set OPENAI_API_KEY --backend local",
        typed=(("(hidden): ", "one\n"), ("sure: ", "two\n")),
    ),
    Scene("interrupted", "sophia-secrets delete OPENAI_API_KEY --backend local", typed=(("[y/N] ", "n\n"),)),
    Scene("interrupted", "sophia-secrets rotate OPENAI_API_KEY --generate uuid", typed=(("[y/N] ", "n\n"),)),
    Scene(
        "interrupted",
        "timeout --foreground --preserve-status -s INT 1 sophia-secrets list --backend fly --no-cache",
        Says("fly", "", out="sleep 9\n"),
    ),
    Scene(
        "bad_output",
        "mkdir -p bin; printf '#!/bin/sh\\nexit 9\\n' > bin/git; chmod +x bin/git\nPATH=$PWD/bin:$PATH sophia-secrets scan --staged",
    ),
    Scene(
        "timed_out",
        "mkdir -p bin; printf '#!/bin/sh\\nsleep 9\\n' > bin/git; chmod +x bin/git\nPATH=$PWD/bin:$PATH sophia-secrets scan --staged --timeout 0.5",
    ),
    Scene(
        "bad_value",
        "sophia-secrets --reason '##[error]' list\nsophia-secrets audit export --format csv",
        more={"GITHUB_ACTIONS": "true"},
    ),
    Scene("bad_output", "git init -q; printf x > .git/index\nsophia-secrets scan --staged"),
    Scene("cli_missing", "sophia-secrets scan --staged", more={"PATH": str(PROGRAM.parent)}),
    Scene(
        "usage",
        """git init -q; mkdir -p .github/workflows; printf 'on: push\\njobs:\\n  a:\\n    uses: ./../other.yml\\n' > .github/workflows/ci.yml
sophia-secrets check --workflow .github/workflows/ci.yml""",
        more={"GITHUB_REPOSITORY": "octo/app"},
    ),
    Scene(
        "usage",
        """git init -q; mkdir -p .github/workflows; cd .github/workflows
for n in 1 2 3 4 5 6 7 8 9 10 11 12; do printf 'on: workflow_call\\njobs:\\n  a:\\n    uses: ./.github/workflows/%s.yml\\n' $((n + 1)) > $n.yml; done; cp 12.yml 13.yml
sophia-secrets check --workflow 1.yml""",
        more={"GITHUB_REPOSITORY": "octo/app"},
    ),
    Scene("usage", "sophia-secrets set NEW_API_KEY --generate uuid"),
    Scene(
        "usage",
        'script -qec "setsid -w sophia-secrets set NEW_API_KEY --backend local" /dev/null < /dev/null',
        more={"NO_COLOR": "1"},
    ),
    Scene(
        "bad_output",
        """mkdir -p bin; printf '#!/bin/sh\\nprintf ":x\\\\0y\\\\0"\\n' > bin/git; chmod +x bin/git
PATH=$PWD/bin:$PATH sophia-secrets scan --staged""",
    ),
    Scene(
        "interrupted",
        "printf 'A_KEY=x\\n' > app.env\nsophia-secrets import app.env --backend fly --yes",
        Says("fly", "", out=f"{_NO_SECRET}kill -INT $PPID; sleep 9\n"),
    ),
    Scene(
        "usage",
        'printf \'{"A_KEY": "x",\\n "B_KEY" "y"}\' | sophia-secrets import - --format json --backend local --yes',
    ),
    Scene(
        "not_supported",
        "sophia-secrets rotate NEW_API_KEY --generate uuid --yes",
        more={"GITHUB_REPOSITORY": "octo/app", "GITHUB_ACTIONS": "true"},
    ),
)
