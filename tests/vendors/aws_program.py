"""
A program that behaves as the AWS CLI (version 1) does for the operations we use.

What it holds is the JSON file `held.json` beside it; `tests/contract/test_real_aws.py` holds it to
the same answers as the real one. Like the real one it opens the file of `--cli-input-json` twice
and takes what the second reading gives. Standard library only: it is started on its own.
`tests.vendors.aws_vendor` installs it.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import uuid
from pathlib import Path
from typing import Any, NoReturn

HELD = Path(__file__).resolve().parent / "held.json"
VERSION = "aws-cli/1.46.3 Python/3.11.7 Linux/6.1 botocore/1.43.62"
OPERATIONS = {
    "list-secrets": "ListSecrets",
    "batch-get-secret-value": "BatchGetSecretValue",
    "put-secret-value": "PutSecretValue",
    "create-secret": "CreateSecret",
    "delete-secret": "DeleteSecret",
}
FLAGS = (
    "--cli-input-json",
    "--output",
    "--color",
    "--cli-connect-timeout",
    "--cli-read-timeout",
    "--region",
    "--profile",
    "--endpoint-url",
)
DELETED = "You tried to perform the operation on a secret that's currently marked deleted."
NOT_FOUND = "Secrets Manager can't find the specified secret."


def fail(text: str, code: int = 255) -> NoReturn:
    sys.stderr.write(f"\n{text}\n")
    sys.exit(code)


def refuse(operation: str, code: str, message: str) -> NoReturn:
    fail(f"An error occurred ({code}) when calling the {OPERATIONS[operation]} operation: {message}")


def main() -> None:
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        print(VERSION)
        return
    _service, operation, *rest = arguments
    if operation not in OPERATIONS:
        fail(
            f"aws: error: argument operation: Invalid choice, valid choices are:\n\n{' | '.join(OPERATIONS)}",
            2,
        )
    flags = dict(zip(rest[::2], rest[1::2], strict=True))
    for flag in flags:
        if flag not in FLAGS:
            fail(f"Unknown options: {flag}", 252)
    with HELD.open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        held = json.load(file)
        answer = work(held, operation, flags)
        file.seek(0)
        json.dump(held, file)
        file.truncate()
    print(json.dumps(answer, indent=4, ensure_ascii=False))


def work(held: dict[str, Any], operation: str, flags: dict[str, str]) -> dict[str, Any]:
    held["asked"].append(operation)
    request = read_request(flags["--cli-input-json"])
    if "--profile" in flags:
        fail(f"The config profile ({flags['--profile']}) could not be found")
    if not os.environ.get("AWS_SECRET_ACCESS_KEY"):
        fail('Unable to locate credentials. You can configure credentials by running "aws configure".')
    if "--region" not in flags:
        fail('You must specify a region. You can also configure your region by running "aws configure".')
    failure = held["failures"].get(operation)
    if failure is not None:
        refuse(operation, *failure)
    made: dict[str, Any] = globals()[operation.replace("-", "_")](held["secrets"], request)
    return made


def read_request(place: str) -> dict[str, Any]:
    path = os.path.expandvars(place.removeprefix("file://"))
    text = ""
    for _ in range(2):
        text = Path(path).read_text(encoding="utf-8")
    try:
        request: dict[str, Any] = json.loads(text)
    except ValueError as problem:
        fail(f"Error parsing parameter 'cli-input-json': Invalid JSON: {problem}\nJSON received: {text}")
    return request


def list_secrets(secrets: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    (prefix,) = request["Filters"][0]["Values"]
    return {
        "SecretList": [
            {
                "ARN": arn(name),
                "Name": name,
                "LastChangedDate": 1795554248.2,
                "SecretVersionsToStages": {each["version"]: ["AWSCURRENT"]},
            }
            for name, each in secrets.items()
            if name.startswith(prefix) and not each.get("deleted")
        ]
    }


def batch_get_secret_value(secrets: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    ids = request["SecretIdList"]
    if not 1 <= len(ids) <= 20:
        refuse("batch-get-secret-value", "ValidationException", "1 validation error detected")
    values: list[dict[str, Any]] = []
    problems = []
    for name in ids:
        each = secrets.get(name)
        if each is None:
            problems.append(problem(name, "ResourceNotFoundException", NOT_FOUND))
        elif each.get("deleted"):
            problems.append(problem(name, "InvalidRequestException", DELETED))
        else:
            values.append(
                {
                    "ARN": arn(name),
                    "Name": name,
                    "VersionId": each["version"],
                    "SecretString": each["value"],
                    "VersionStages": ["AWSCURRENT"],
                    "CreatedDate": 1795554248.2,
                }
            )
    return {"SecretValues": values, "Errors": problems}


def put_secret_value(secrets: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    name = request["SecretId"]
    if name not in secrets:
        refuse("put-secret-value", "ResourceNotFoundException", NOT_FOUND)
    return stored(secrets, name, request)


def create_secret(secrets: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    name = request["Name"]
    if name in secrets:
        message = f"The operation failed because the secret {name} already exists."
        refuse("create-secret", "ResourceExistsException", message)
    return stored(secrets, name, request)


def stored(secrets: dict[str, Any], name: str, request: dict[str, Any]) -> dict[str, Any]:
    value = request["SecretString"]
    if not value:
        fail(
            "Parameter validation failed:\nInvalid length for parameter SecretString, value: 0, valid min length: 1"
        )
    secrets[name] = {"value": value, "version": str(uuid.uuid4())}
    return {"ARN": arn(name), "Name": name, "VersionId": secrets[name]["version"]}


def delete_secret(secrets: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    name = request["SecretId"]
    if name not in secrets:
        refuse("delete-secret", "ResourceNotFoundException", NOT_FOUND)
    if secrets[name].get("deleted"):
        refuse("delete-secret", "InvalidRequestException", DELETED)
    if request.get("ForceDeleteWithoutRecovery"):
        del secrets[name]
    else:
        days = request["RecoveryWindowInDays"]
        if not 7 <= days <= 30:
            refuse(
                "delete-secret",
                "InvalidParameterException",
                "RecoveryWindowInDays value must be between 7 and 30",
            )
        secrets[name]["deleted"] = days
    return {"ARN": arn(name), "Name": name, "DeletionDate": 1798146249.1}


def problem(name: str, code: str, message: str) -> dict[str, str]:
    return {"SecretId": name, "ErrorCode": code, "Message": message}


def arn(name: str) -> str:
    return f"arn:aws:secretsmanager:us-east-1:123456789012:secret:{name}-AbCdEf"


if __name__ == "__main__":
    main()
