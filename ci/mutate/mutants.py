"""Finds what can be changed in a C or OpenCL file: one operator, comparison, constant or index at a time.

Comments, strings, includes and conditions of the preprocessor are left alone; definitions of macros are not."""

import collections
import dataclasses
import pathlib
import re

SWAPS = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==",
    "+": "-", "-": "+", "*": "/", "/": "*", "+=": "-=", "-=": "+=", "*=": "+=", "++": "--", "--": "++",
    "&&": "||", "||": "&&", "&": "|", "|": "&", "<<": ">>", ">>": "<<",
    "min": "max", "max": "min", "true": "false", "false": "true",
}  # fmt: skip

# Only with blanks around are these operators of two numbers, and not a sign, a pointer or the end of a macro's name.
BLANKS = set("< > + - * / & |".split())

TOKEN = re.compile(
    r"""(?P<skip>/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|^[ \t]*\#[ \t]*(?:include|if|ifdef|ifndef|elif|undef|pragma|error)[^\n]*)
    |(?P<word>[A-Za-z_]\w*)
    |(?P<number>(?:0[xX][0-9a-fA-F]+|\d+)[uUlL]*(?![\w.])|\d[\w.]*(?:[eE][+-]?\d+)?f?)
    |(?P<operator>->|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||\+\+|--|\+=|-=|\*=|[-+*/&|<>])""",
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)


@dataclasses.dataclass(frozen=True)
class Mutant:
    path: str  # from the root of the project
    start: int
    before: str
    after: str
    line: int
    text: str  # the line as it was
    number: int  # 1, 2, ...: which of those in the file that read the same, since a line has more than one, or comes again

    def apply(self, source):
        return source[: self.start] + self.after + source[self.start + len(self.before) :]

    def describe(self, place):
        text = self.text.strip().removesuffix("\\").rstrip()  # of a macro
        return f"{place}: {self.before} -> {self.after}: {text}" + (f" #{self.number}" if self.number > 1 else "")

    def __str__(self):
        return self.describe(f"{self.path}:{self.line}")


def another_number(number):
    """The next whole number; None for what is no plain one."""
    found = re.fullmatch(r"(\d+)([uUlL]*)", number)
    return f"{int(found[1]) + 1}{found[2]}" if found else None


def replacement(found, source):
    token = found[0]
    if found["skip"]:
        return None
    if found["number"]:
        return another_number(token)
    around = source[found.start() - 1 : found.end() + 1]
    if token in BLANKS and not (around[0].isspace() and around[-1].isspace()):
        return None
    return SWAPS.get(token)


def find(root, path):
    source = (pathlib.Path(root) / path).read_text()
    lines, seen = source.split("\n"), collections.Counter()
    for found in TOKEN.finditer(source):
        after = replacement(found, source)
        if after is not None:
            line = source.count("\n", 0, found.start())
            same = (found[0], after, lines[line].strip())
            seen[same] += 1
            yield Mutant(str(path), found.start(), found[0], after, line + 1, lines[line], seen[same])
