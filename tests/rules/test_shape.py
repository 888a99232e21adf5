"""Shapes of collections: everything wrong under them is said, and they describe themselves."""

import jsonschema

from ozrules.rules.diagnostics import Findings
from ozrules.rules.document import Source, parse
from ozrules.rules.scalars import Choice, Duration, Text, Whole
from ozrules.rules.shape import (
    INVALID,
    ByKind,
    Converted,
    Key,
    ListOf,
    Located,
    Named,
    OneOrMany,
    Pairs,
    Record,
    Shape,
    Values,
    Variants,
    document_schema,
)

NAME = Key("name", Text("a name"), required=True, help="What it is called.")
WAIT = Key("wait", Duration())
WORDS = Key("words", OneOrMany(Text()))
THING = Record("a thing", (NAME, WAIT, WORDS), lambda values: (values[NAME], values.get(WAIT), values.get(WORDS, ())))


def read(shape: Shape[object], text: str) -> tuple[object, list[str]]:
    findings = Findings()
    node = parse(Source("f", text.encode()), findings)
    assert node is not None
    return shape.read(node, findings), [f"{each.place.line}:{each.place.column} {each.code}" for each in findings.all]


def test_a_record_gives_its_values() -> None:
    assert read(THING, "name: a\nwait: 20s\nwords: b\n") == (("a", 20.0, ("b",)), [])
    assert read(THING, "name: a\nwords: [b, c]\n") == (("a", None, ("b", "c")), [])


def test_every_fault_is_said_at_once() -> None:
    value, codes = read(THING, "nam: a\nwait: soon\nwords: {}\n")
    assert value is INVALID
    assert codes == ["1:1 unknown-key", "2:7 bad-duration", "3:8 wrong-type"]


def test_a_missing_key_is_said_where_it_belongs() -> None:
    assert read(THING, "wait: 20s\n") == (INVALID, ["1:1 missing-key"])


def test_an_unknown_key_does_not_hide_the_rest() -> None:
    assert read(THING, "name: a\ncolour: blue\n") == (("a", None, ()), ["2:1 unknown-key"])


def test_what_is_absent_is_complained_of_at_the_whole() -> None:
    seen: list[str] = []

    def build(values: Values) -> str:
        seen.append(str(values.at(WAIT).place))
        return values[NAME]

    read(Record("a thing", (NAME, WAIT), build), "name: a\n")
    read(Record("a thing", (NAME, WAIT), build), "name: a\nwait: 1s\n")
    assert seen == ["f:1:1", "f:2:7"]


def test_lists_and_pairs() -> None:
    numbers = ListOf(Whole(0, 9), least=1, most=3)
    assert read(numbers, "[1, 2]") == ((1, 2), [])
    assert read(numbers, "[1, x, y]") == (INVALID, ["1:5 bad-number", "1:8 bad-number"])
    assert read(numbers, "[]") == (INVALID, ["1:1 empty-list"])
    assert read(numbers, "[1, 2, 3, 4]") == (INVALID, ["1:1 too-many"])
    assert read(numbers, "1")[1] == ["1:1 wrong-type"]
    pairs = Pairs("names with numbers", Whole())
    value, _ = read(pairs, "a: 1\nb: 2\n")
    assert isinstance(value, tuple)
    assert [(name.text, number) for name, number in value] == [("a", 1), ("b", 2)]
    assert read(pairs, "1a: 1\nb: x\n") == (INVALID, ["1:1 bad-name", "2:4 bad-number"])


def test_one_of_several() -> None:
    either: ByKind[object] = ByKind("a name or a list", text=Text(), items=ListOf(Text()))
    assert read(either, "[a]") == (("a",), [])
    assert read(either, "a: b\n") == (INVALID, ["1:1 wrong-type"])
    kind = Key("type", Choice("type", ("dog", "cat")), required=True)
    animals = Variants(
        "an animal",
        "type",
        "animal",
        {
            "dog": Record("a dog", (kind, NAME), lambda values: values[NAME]),
            "cat": Record("a cat", (kind,), lambda _: "cat"),
        },
    )
    assert read(animals, "type: dog\nname: Rex\n") == ("Rex", [])
    assert read(animals, "type: cow\n") == (INVALID, ["1:7 unknown-value"])
    assert read(animals, "name: Rex\n") == (INVALID, ["1:1 missing-key"])
    assert read(animals, "[]") == (INVALID, ["1:1 wrong-type"])


def test_conversion_and_place() -> None:
    double = Converted(Whole(), lambda number, node, findings: number * 2)
    assert read(double, "4") == (8, [])
    value, _ = read(Located(Whole()), "4")
    assert getattr(value, "value", None) == 4


def test_a_shape_may_contain_itself() -> None:
    def tree() -> Shape[object]:
        return Record(
            "a tree", (Key("leaf", Text()), Key("of", ListOf(nested))), lambda values: len(values.node.entries)
        )

    nested: Named[object] = Named("tree", "a tree", tree)
    assert read(nested, "of: [{leaf: a}, {of: [{leaf: b}]}]") == (1, [])
    schema = document_schema(nested, "trees", {"of": []})
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate({"of": [{"leaf": "a"}]}, schema)
    assert not jsonschema.Draft202012Validator(schema).is_valid({"of": [{"leave": "a"}]})


def test_a_schema_says_what_is_accepted() -> None:
    validator = jsonschema.Draft202012Validator(document_schema(THING, "a thing", {"name": "a"}))
    assert validator.is_valid({"name": "a", "wait": "20s", "words": ["b"]})
    assert validator.is_valid({"name": 2001})
    for wrong in ({}, {"name": "a", "wait": "20"}, {"name": "a", "colour": 1}, {"name": "a", "words": []}):
        assert not validator.is_valid(wrong)
