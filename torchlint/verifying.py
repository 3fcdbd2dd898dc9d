"""``torchlint verify``: a live model, in a process of its own, looked at by the runtime witness."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from torchlint import __version__
from torchlint.corroboration import STATUSES, Comparison, Judged, Unusable, compare, read_claims
from torchlint.isolation import Limits, ask
from torchlint.process import CLEAN, FOUND, UNUSABLE
from torchlint.report import sarif
from torchlint.report.place import relative
from torchlint.rules import all_rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
"""For classes that nobody asked to be built: guessed arguments must not start a download, or occupy a GPU."""


def verify(options: argparse.Namespace, refuse: Callable[[str], NoReturn]) -> int:
    """Run the command; the exit status."""
    arguments = _arguments(options.arguments, refuse)
    limits = Limits(options.timeout, options.memory)
    if options.from_static is not None:
        try:
            return _verify_claims(options, arguments, limits)
        except Unusable as error:
            print(f"torchlint: error: {error}", file=sys.stderr)
            return UNUSABLE
    if options.target is None:
        refuse("verify needs a target such as `package.module:function`, or --from-static FILE")
    return _verify_target(options, arguments, limits)


def _arguments(text: str | None, refuse: Callable[[str], NoReturn]) -> Any:
    if text is None:
        return None
    try:
        given = json.loads(text)
    except ValueError as error:
        refuse(f"--arguments is not JSON: {error}")
    if not isinstance(given, (list, dict)):
        refuse('--arguments must be a JSON list or object, such as [3] or {"dim": 8}')
    return given


def _write(options: argparse.Namespace, text: str) -> None:
    if options.output_file:
        Path(options.output_file).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
        sys.stdout.flush()


# ---------------------------------------------------------------------------------------------------------- one target


def _verify_target(options: argparse.Namespace, arguments: Any, limits: Limits) -> int:
    unit = {
        "target": options.target,
        "arguments": arguments,
        "inputs": options.inputs,
        "optimizer": options.optimizer,
        "devices": options.device,
        "select": _split(options.select),
        "ignore": _split(options.ignore),
    }
    (answer,) = ask("target", [unit], limits)
    if "failed" in answer:
        print(f"torchlint: error: {options.target}: {answer['failed']}", file=sys.stderr)
        if options.output_format == "json":
            _write(options, _as_json({"target": options.target, "failed": answer["failed"]}))
        return UNUSABLE
    _write(options, _rendered(options, answer))
    return FOUND if answer["found"] and not options.exit_zero else CLEAN


def _rendered(options: argparse.Namespace, answer: dict[str, Any]) -> str:
    if options.output_format == "json":
        return _as_json({**answer["report"], "tree": answer["tree"]})
    if options.output_format == "sarif":
        return str(answer["sarif"])
    parts = [answer["text"]] if options.no_tree else [answer["tree"], answer["text"]]
    return "\n\n".join(parts) + "\n"


def _split(selectors: list[str] | None) -> list[str] | None:
    if selectors is None:
        return None
    return [each.strip() for text in selectors for each in text.split(",") if each.strip()]


def _as_json(body: dict[str, Any]) -> str:
    return json.dumps(body, indent=2) + "\n"


# ----------------------------------------------------------------------------------------------------- static findings


def _verify_claims(options: argparse.Namespace, arguments: Any, limits: Limits) -> int:
    root = Path(options.target or ".")
    claims = read_claims(Path(options.from_static), root)
    classes = list(
        dict.fromkeys((each.path, each.cls) for each in claims if each.cls and "<locals>" not in each.cls)
    )
    units = [{"file": path, "class": cls, "arguments": arguments or {}} for path, cls in classes]
    path = list(dict.fromkeys((str(Path.cwd()), str(root.resolve()))))
    answers = ask("class", units, limits, path=path, environment=OFFLINE)
    found = compare(
        claims, dict(zip(classes, answers, strict=True)), {rule.code: rule for rule in all_rules()}
    )
    writers = {"json": _comparison_as_json, "sarif": _comparison_as_sarif}
    _write(options, writers.get(options.output_format, _comparison_as_text)(found))
    is_bad = found.count("confirmed") or found.runtime_only
    return FOUND if is_bad and not options.exit_zero else CLEAN


def _comparison_as_text(found: Comparison) -> str:
    lines = [
        f"{each.status}: {relative(each.claim.path)}:{each.claim.line}: {each.claim.code} {each.claim.name}"
        f"{f' ({each.claim.subject})' if each.claim.subject else ''}\n  {each.reason}"
        for status in STATUSES
        for each in found.judged
        if each.status == status
    ]
    lines += [
        f"only seen at run time: {each['code']} {each['name']} ({each['owner']})\n  {each['message']}"
        for each in found.runtime_only
    ]
    counts = [f"{found.count(status)} {status}" for status in STATUSES if found.count(status)]
    if found.runtime_only:
        counts.append(f"{len(found.runtime_only)} only seen at run time")
    return "\n".join([*lines, f"{', '.join(counts) or 'no findings to verify'}"]) + "\n"


def _judged(each: Judged) -> dict[str, Any]:
    claim = {**each.claim._asdict(), "class": each.claim.cls, "path": relative(each.claim.path)}
    del claim["cls"]
    return {**claim, "status": each.status, "reason": each.reason}


def _comparison_as_json(found: Comparison) -> str:
    return _as_json(
        {
            "schema_version": 1,
            "tool": "torchlint.runtime",
            "version": __version__,
            "findings": [_judged(each) for each in found.judged],
            "runtime_only": found.runtime_only,
            "summary": {status.replace(" ", "_"): found.count(status) for status in STATUSES},
        }
    )


def _comparison_as_sarif(found: Comparison) -> str:
    rules = all_rules()
    numbers = {rule.code: number for number, rule in enumerate(rules)}
    results = [
        {
            "ruleId": each.claim.code,
            "ruleIndex": numbers[each.claim.code],
            "level": rules[numbers[each.claim.code]].severity,
            "message": {"text": f"{each.claim.message} ({each.status}: {each.reason})"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": sarif.artifact(relative(each.claim.path)),
                        "region": {"startLine": each.claim.line},
                    }
                }
            ],
            "properties": {"status": each.status},
        }
        for each in found.judged
        if each.claim.code in numbers
    ]
    return sarif.document(
        {
            "tool": {"driver": sarif.driver(rules)},
            "invocations": [{"executionSuccessful": True}],
            "results": results,
        }
    )
