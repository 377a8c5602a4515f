"""Every command's answer under `--json` is as its JSON Schema says, errors too, and holds no key that is not in it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from docs.reference_json import WALK
from docs.reference_schemas import ANSWERS, WITHOUT, files, schema
from sophia_secrets.cli.app import app
from sophia_secrets.cli.commands import COMMANDS
from tests.docs.pages import DOCS
from tests.program import Done, Program
from tests.world import World

MORE = (
    ("rotate SESSION_KEY --generate hex:16 --dry-run", ""),
    ("copy NEW_KEY --from local --to env --dry-run", ""),
    ("move OPENAI_API_KEY --from local --to fly --dry-run", ""),
    ("sync --from local --to fly --yes", ""),
    ("rotate --due --dry-run", ""),
    ("get OPENAI_API_KEY", ""),
    ("export OPENAI_API_KEY --format json", ""),
    ("export OPENAI_API_KEY --output out.json --format json", ""),
    ("render template.txt", ""),
    ("render template.txt --output rendered.txt", ""),
    ("scan --install-hook", ""),
    ("cache warm", ""),
    ("cache status", ""),
    ("config show", ""),
    ("config model", ""),
    ("config model --output model.py", ""),
    ("config init --force", ""),
    ("audit export", ""),
    ("audit export --output events.jsonl", ""),
    ("audit verify --head", ""),
    ("info NEW_KEY", ""),
    ("completion bash", ""),
    ("help", ""),
    ("help exit-codes", ""),
    ("help get", ""),
)


def strict(one: Any) -> Any:
    """The same schema, where a key that it does not name is wrong."""
    match one:
        case dict():
            made = {key: strict(part) for key, part in one.items()}
            if isinstance(made.get("properties"), dict) and "required" in made:
                made.setdefault("additionalProperties", False)
            return made
        case list():
            return [strict(part) for part in one]
        case _:
            return one


def named(words: list[str]) -> str:
    """The command that these words begin with."""
    return " ".join(words[:2]) if " ".join(words[:2]) in ANSWERS else words[0]


def agree(command: str, done: Done) -> bool:
    """Whether every line of what was printed is as the schema says; raises where one is not. Whether it was an error."""
    validator = Draft202012Validator(strict(schema(command)))
    answers = (
        [json.loads(done.out)]
        if done.out.startswith("{\n")
        else [json.loads(line) for line in done.out.splitlines()]
    )
    for answer in answers:
        problems = [f"{each.json_path}: {each.message}" for each in validator.iter_errors(answer)]
        assert not problems, f"{command}: {answer}\n{problems[0]}"
    assert answers, (command, done)
    return isinstance(answers[0].get("error"), dict)


@pytest.fixture
def prepared(sophia: Program, vendors: World) -> Program:
    vendors.define({"FROM_PULUMI": "p"})
    (sophia.cwd / ".git").mkdir()
    (sophia.cwd / "example.env").write_text("OPENAI_API_KEY=sk-example\nOTHER_KEY=other\n")
    (sophia.cwd / "template.txt").write_text("key = {{ OPENAI_API_KEY }}\n")
    (sophia.cwd / "sophia-secrets.toml").write_text(
        '[secrets.SESSION_KEY]\nrequired = true\nrotate_every = "90d"\ngenerate = "hex:16"\n'
    )
    return sophia


def test_every_answer_is_as_its_schema_says(prepared: Program) -> None:
    met = set()
    for command, stdin in (*((each.command, each.stdin) for each in WALK), *MORE):
        words = command.split()
        done = prepared(*words, "--json", stdin=stdin, NEW_KEY="new")
        if not agree(named(words), done):
            met.add(named(words))
    assert met == set(ANSWERS)


@pytest.mark.parametrize("command", [*ANSWERS, *WITHOUT])
def test_an_error_of_every_command_is_as_its_schema_says(command: str, sophia: Program) -> None:
    done = sophia(*command.split(), "--json", "--no-such-option")
    assert done.code == 2
    assert agree(command, done)


def test_every_command_has_a_schema_and_every_schema_is_one() -> None:
    import typer.main

    root: Any = typer.main.get_command(app)
    context = root.make_context("x", ["help"], resilient_parsing=True)
    known = set()
    for name in COMMANDS:
        children = getattr(root.get_command(context, name), "commands", None)
        known |= {name} if children is None else {f"{name} {child}" for child in children}
    assert known == {*ANSWERS, *WITHOUT}
    for command in known:
        Draft202012Validator.check_schema(schema(command))


def test_the_schemas_are_those_of_the_program() -> None:
    directory = DOCS / "reference"
    assert {f"schemas/{path.name}" for path in (directory / "schemas").iterdir()} == set(files())
    for name, text in files().items():
        assert (directory / name).read_text(encoding="utf-8") == text, (
            f"docs/reference/{name} is old: run `make docs`"
        )


def test_a_wrong_answer_would_be_seen() -> None:
    validator = Draft202012Validator(strict(schema("cache clear")))
    right = {"schema": 1, "removed": 0}
    assert validator.is_valid(right)
    for wrong in ({**right, "removed": "0"}, {**right, "more": 1}, {"schema": 1}, {**right, "schema": 2}):
        assert not validator.is_valid(copy.deepcopy(wrong))
    assert Draft202012Validator(schema("cache clear")).is_valid({**right, "more": 1})
