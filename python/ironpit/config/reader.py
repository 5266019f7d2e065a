"""Reads a YAML file into a Struct of the schema and names every value that does not belong there.

The file is composed to nodes, which know their lines, and the schema's type hints say how each node
is read. Reading goes on after an error, so that one run shows all of them.
"""

import difflib
import types
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
import yaml

from ironpit.common.decimals import Decimals
from ironpit.config.scalars import DECIMALS_KEYS, Scalar, Scaled

T = TypeVar("T", bound=msgspec.Struct)
NULL_TAG = "tag:yaml.org,2002:null"
WRONG = object()
OTHERS = "*"  # the field of a Struct that takes the mappings whose names are the user's
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Problem(msgspec.Struct, frozen=True, order=True):
    """One wrong value: where it stands, what was found, what was expected."""

    file: str
    line: int
    key: str
    found: str
    expected: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: " if self.line else f"{self.file}: "
        key = f"{self.key}: " if self.key else ""
        return f"{where}{key}found {self.found}, expected {self.expected}"


class ConfigError(Exception):
    """A configuration that cannot be used; one line for each problem."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


@cache
def hints(struct: type[msgspec.Struct]) -> dict[str, Any]:
    """The type of every key of a Struct, by the key's name in the file."""
    by_attribute = get_type_hints(struct, include_extras=True)
    return {f.encode_name: by_attribute[f.name] for f in msgspec.structs.fields(struct)}


def join(key: str, name: str) -> str:
    """The path of a key inside a mapping."""
    return f"{key}.{name}" if key else name


class Reader:
    """One pass over one file. `lines` maps the path of every key to its line."""

    def __init__(self, file: Path) -> None:
        self.file = str(file)
        self.problems: list[Problem] = []
        self.lines: dict[str, int] = {}
        self._decimals = Decimals()  # of the instrument in hand

    def wrong(self, line: int, key: str, found: str, expected: str) -> Any:
        """Note a problem; the value that it returns stands for "no value"."""
        self.problems.append(Problem(self.file, line, key, found, expected))
        return WRONG

    def line_of(self, key: str) -> int:
        """The line of a key, or of the closest mapping around it; 0 when the file has neither."""
        while key and key not in self.lines:
            cut = max(key.rfind("."), key.rfind("["))
            key = key[:cut] if cut > 0 else ""
        return self.lines.get(key, 0)

    def read(self, struct: type[T]) -> T:
        """The whole file as one Struct; ConfigError with all problems."""
        value = self._read(self._compose(), struct, "")
        self.fail_on_problems()
        assert isinstance(value, struct)
        return value

    def fail_on_problems(self) -> None:
        """Raise what was noted so far, in the order of the file."""
        if self.problems:
            raise ConfigError(sorted(self.problems))

    def _compose(self) -> yaml.Node:
        try:
            with open(self.file, encoding="utf-8") as stream:
                node = yaml.compose(stream, Loader=_LOADER)
        except OSError as error:
            self.wrong(0, "", f"{error.strerror}", "a readable YAML file")
        except UnicodeDecodeError as error:
            self.wrong(0, "", f"a byte that is not UTF-8 at {error.start}", "a YAML file in UTF-8")
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line = mark.line + 1 if mark else 0
            self.wrong(line, "", error.problem or "text that is not YAML", "valid YAML")
        except yaml.YAMLError as error:
            self.wrong(0, "", str(error).splitlines()[0], "valid YAML")
        else:
            if node is not None:
                return node
            self.wrong(1, "", "an empty file", "a venue's configuration")
        raise ConfigError(self.problems)

    def _read(self, node: yaml.Node, kind: Any, key: str) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(key, line)
        origin = get_origin(kind)
        if origin in (Union, types.UnionType):
            if node.tag == NULL_TAG:
                return None
            kind = next(k for k in get_args(kind) if k is not type(None))
            origin = get_origin(kind)
        if origin is Annotated:
            return self._scalar(node, line, key, scalar_of(kind, self._decimals))
        if origin is Literal:
            return self._scalar(node, line, key, _one_of(get_args(kind)))
        if kind is bool:
            return self._scalar(node, line, key, BOOLEAN)
        if origin is tuple:
            return self._sequence(node, line, key, get_args(kind)[0])
        if origin is dict:
            return self._names(node, line, key, get_args(kind)[1])
        return self._struct(node, line, key, kind)

    def _scalar(self, node: yaml.Node, line: int, key: str, scalar: Scalar) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            return self.wrong(line, key, _kind(node), scalar.expected)
        try:
            return scalar.read(node.value)
        except ValueError:
            return self.wrong(line, key, _quote(node), scalar.expected)

    def _sequence(self, node: yaml.Node, line: int, key: str, kind: Any) -> Any:
        if not isinstance(node, yaml.SequenceNode):
            return self.wrong(line, key, _quote(node), "a list")
        if not node.value:
            return self.wrong(line, key, "an empty list", "at least one entry")
        values = [self._read(item, kind, f"{key}[{i}]") for i, item in enumerate(node.value)]
        return WRONG if WRONG in values else tuple(values)

    def _pairs(self, node: yaml.Node, line: int, key: str) -> dict[str, yaml.Node] | None:
        if not isinstance(node, yaml.MappingNode):
            self.wrong(line, key, _quote(node), "a mapping")
            return None
        pairs: dict[str, yaml.Node] = {}
        for name_node, value_node in node.value:
            name_line = name_node.start_mark.line + 1
            if not isinstance(name_node, yaml.ScalarNode):
                self.wrong(name_line, key, _kind(name_node), "a word as key")
                continue
            name = str(name_node.value)
            if name in pairs:
                self.wrong(name_line, join(key, name), "the key twice", "it once")
            pairs[name] = value_node
            self.lines.setdefault(join(key, name), name_line)
        return pairs

    def _names(self, node: yaml.Node, line: int, key: str, kind: Any) -> Any:
        pairs = self._pairs(node, line, key)
        if pairs is None:
            return WRONG
        if not pairs:
            return self.wrong(line, key, "an empty mapping", "at least one entry")
        values = {name: self._read(item, kind, join(key, name)) for name, item in pairs.items()}
        return WRONG if WRONG in values.values() else values

    def _struct(self, node: yaml.Node, line: int, key: str, struct: type[msgspec.Struct]) -> Any:
        pairs = self._pairs(node, line, key)
        if pairs is None:
            return WRONG
        kinds = hints(struct)
        values: dict[str, Any] = {}
        others = self._others(pairs, kinds, key)
        for name in pairs.keys() - kinds.keys() - others.keys():
            near = difflib.get_close_matches(name, kinds, 1)
            known = ", ".join(kind for kind in kinds if kind != OTHERS)
            expected = f"{near[0]}" if near else f"one of {known}"
            full = join(key, name)
            self.wrong(self.lines[full], full, "an unknown key", expected)
        for f in msgspec.structs.fields(struct):
            name = f.encode_name
            if name in pairs:
                values[f.name] = self._read(pairs[name], kinds[name], join(key, name))
            elif name == OTHERS:
                values[f.name] = WRONG if WRONG in others.values() else others
            elif f.required:
                expected = expectation(kinds[name], self._decimals)
                self.wrong(line, join(key, name), "nothing", expected)
            if name in DECIMALS_KEYS.values():
                self._decimals = _decimals(values)
        if WRONG in values.values() or any(
            f.required and f.name not in values for f in msgspec.structs.fields(struct)
        ):
            return WRONG
        return struct(**values)

    def _others(
        self, pairs: dict[str, yaml.Node], kinds: dict[str, Any], key: str
    ) -> dict[str, Any]:
        """What the user has named: mappings that say their transport, where the schema has a field
        for them. Anything else is a key that was misspelt."""
        if OTHERS not in kinds:
            return {}
        kind = get_args(kinds[OTHERS])[1]
        return {
            name: self._read(node, kind, join(key, name))
            for name, node in pairs.items()
            if name not in kinds and _says_transport(node)
        }


def _says_transport(node: yaml.Node) -> bool:
    return isinstance(node, yaml.MappingNode) and any(
        isinstance(name, yaml.ScalarNode) and name.value == "transport" for name, _ in node.value
    )


def _decimals(values: dict[str, Any]) -> Decimals:
    """As far as an instrument has said them."""
    said = {unit: values.get(key, WRONG) for unit, key in DECIMALS_KEYS.items()}
    return Decimals(**{unit: value for unit, value in said.items() if value is not WRONG})


def scalar_of(kind: Any, decimals: Decimals) -> Scalar:
    """The scalar of an annotated type, in an instrument with these decimals."""
    scalar = get_args(kind)[1]
    if isinstance(scalar, Scaled):
        return scalar.of(decimals)
    assert isinstance(scalar, Scalar)
    return scalar


def expectation(kind: Any, decimals: Decimals) -> str:
    """What a key of this type takes, in words."""
    origin = get_origin(kind)
    if origin is Annotated:
        return scalar_of(kind, decimals).expected
    if origin is Literal:
        return _one_of(get_args(kind)).expected
    return "a list" if origin is tuple else "a mapping"


def _one_of(words: tuple[str, ...]) -> Scalar:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError
        return text

    return Scalar(words[0] if len(words) == 1 else f"one of {', '.join(words)}", read)


def _read_boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError
    return text == "true"


BOOLEAN = Scalar("true or false", _read_boolean, lambda value: str(value).lower())


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    return "a list" if isinstance(node, yaml.SequenceNode) else "a word"


def _quote(node: yaml.Node) -> str:
    return repr(node.value) if isinstance(node, yaml.ScalarNode) else _kind(node)
