"""Texts generated from the classes of the spec: reference page, JSON Schema and commented starting spec."""

import json
import textwrap
from collections.abc import Iterator
from typing import Any

from pydantic.fields import FieldInfo

from netgen.spec.base import Section
from netgen.spec.spec import Spec

FAR = 1_000_000_000
"""Limits from here on are left out of the reference page: they only keep numbers within 64 bits."""


def _fields() -> Iterator[tuple[str, str, FieldInfo]]:
    """Section name (or ""), key and field of every key, in the order of the classes."""
    for key, field in Spec.model_fields.items():
        if isinstance(field.default, Section):
            for inner, inner_field in type(field.default).model_fields.items():
                yield key, inner, inner_field
        else:
            yield "", key, field


def _default(field: FieldInfo) -> str:
    """The default of a field, as written in YAML."""
    value = list(field.default) if isinstance(field.default, tuple) else field.default
    return value if isinstance(value, str) and value else json.dumps(value)


def _values(schema: dict[str, Any]) -> str:
    """Describe in a few words which values a JSON Schema node allows."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_values(part) for part in schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "object":
        return "mapping"
    if schema.get("type") == "array":
        items = schema.get("items") or schema["prefixItems"][0]
        least, most = schema.get("minItems"), schema.get("maxItems")
        count = f"{most} x" if most and least == most else f"at most {most} x" if most else "list of"
        return f"[{count} {_values(items)}]"
    words = {"integer": "whole number", "number": "number", "boolean": "true, false", "string": "text", "null": "null"}
    limits = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}
    shown = [f"{word} {schema[key]:,}" for key, word in limits.items() if abs(schema.get(key, FAR)) < FAR]
    return " ".join([words[schema["type"]], *shown])


def schema() -> str:
    """Write the JSON Schema of a spec, for editors."""
    return json.dumps(Spec.model_json_schema(), indent=2) + "\n"


def starter() -> str:
    """Write a commented spec that spells out every default; it can be built as it is."""
    lines = ["# A netgen spec. Every key is optional; these are the defaults.", ""]
    current = ""
    for section, key, field in _fields():
        if key == "name":
            continue
        if section != current:
            about = type(Spec.model_fields[section].default).__doc__
            lines += ["", f"{section}:  # {about}"]
            current = section
        indent = "  " if section else ""
        lines += textwrap.wrap(
            f"{field.description}", 100, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "
        )
        lines.append(f"{indent}{key}: {_default(field)}")
    return "\n".join(lines) + "\n"


def reference() -> str:
    """Write the reference page of the spec, in Markdown."""
    tree = Spec.model_json_schema()
    out = [
        "# Spec reference",
        "",
        "Generated from the classes in `netgen/spec` by `make docs`; do not edit. Unknown keys and wrong types are "
        "errors.",
    ]
    current: str | None = None
    for section, key, field in _fields():
        if section != current:
            about = type(Spec.model_fields[section].default).__doc__ if section else Spec.__doc__
            out += ["", f"## `{section}`" if section else "## Top level", "", str(about), ""]
            out += ["| key | default | values | meaning |", "| --- | --- | --- | --- |"]
            current = section
        node = tree
        if section:
            node = tree["$defs"][type(Spec.model_fields[section].default).__name__]
        values = _values(node["properties"][key])
        cells = (f"`{key}`", f"`{_default(field)}`", values, str(field.description))
        out.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    print(reference(), end="")
