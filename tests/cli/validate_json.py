#!/usr/bin/python3
"""validate_json.py SCHEMA FILE...: exit 0 if every file fits the schema and no result is named twice, 1 if not,
77 if python3-jsonschema is not installed."""
import json
import sys

try:
    import jsonschema
except ImportError:
    print("validate_json.py: python3-jsonschema is not installed", file=sys.stderr)
    sys.exit(77)


def no_constant(word):
    raise ValueError(f"{word} is not JSON")


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file, parse_constant=no_constant)


def problems_of(path, validator):
    try:
        document = load(path)
    except (OSError, ValueError) as error:
        return [str(error)]
    found = [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in validator.iter_errors(document)]
    if found:
        return found
    names = [result["name"] for result in document["results"]]
    return [f"{name} is there twice" for name in sorted(set(names)) if names.count(name) > 1]


def main(arguments):
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 1
    schema = load(arguments[0])
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)
    bad = False
    for path in arguments[1:]:
        for problem in problems_of(path, validator):
            print(f"{path}: {problem}", file=sys.stderr)
            bad = True
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
