"""Puts many mutants into one build. Each is a changed body of a function, and stands beside the body as it is:

    func next() -> Int { if isMutant(3) { count + 2 } else { count + 1 } }

Which mutant a process is says its environment, read once, in FLUIDITY_MUTANT. Where both bodies are one expression, so is the whole.
"""

import os
import re
from dataclasses import dataclass

SWITCH = "FLUIDITY_MUTANT"

# A copy in each target that has mutants. Whoever is none is number 0.
SWITCH_FILE = f"""#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#else
internal import Darwin
#endif

private let mutant: Int = getenv("{SWITCH}").flatMap {{ Int(String(cString: $0)) }} ?? 0

@inline(never)
internal func isMutant(_ number: Int) -> Bool {{ mutant == number }}
"""

MODIFIER = (
    r"(?:@\w+(?:\([^)\n]*\))?|public|package|internal|fileprivate|private|open|static|class|final|override|mutating|nonmutating|required"
    r"|convenience|nonisolated|lazy|weak|(?:private|fileprivate|package|internal)\(set\))")
DECLARATION = re.compile(
    rf"^[ \t]*(?:{MODIFIER}\s+)*(func|init|deinit|subscript|var|get|set|didSet|willSet)\b", re.MULTILINE)
# What else begins a block behind a declaration.
STATEMENT = re.compile(r"^\s*(?:if|for|while|switch|guard|do|catch|else|repeat|defer|let|return|case)\b", re.MULTILINE)
# A property with its value, or an argument's default is none: those aren't bodies.
PROPERTY = re.compile(rf"^[ \t]*(?:{MODIFIER}\s+)*(?:let|var) \w+(?:: [^={{]+)? = ")


@dataclass
class Body:
    """The text between two braces."""

    start: int
    end: int


def blank(text):
    """The text with its comments and strings made blank, character by character, so that braces can be counted."""
    out = list(text)
    index, size = 0, len(text)

    def wipe(start, end):
        for place in range(start, end):
            if out[place] != "\n":
                out[place] = " "

    def string(start):
        """Behind the string that begins there. What is interpolated is wiped along with it."""
        hashes = len(re.match(r"#*", text[start:]).group())
        quote = '"""' if text.startswith('"""', start + hashes) else '"'
        place = start + hashes + len(quote)
        close, escape = quote + "#" * hashes, "\\" + "#" * hashes
        while place < size:
            if text.startswith(close, place):
                return place + len(close)
            if text.startswith(escape + "(", place):
                place, depth = place + len(escape) + 1, 1
                while place < size and depth:
                    if text[place] == '"':
                        place = string(place)
                        continue
                    depth += {"(": 1, ")": -1}.get(text[place], 0)
                    place += 1
            elif text.startswith(escape, place):
                place += len(escape) + 1
            else:
                place += 1
        return size

    while index < size:
        if text.startswith("//", index):
            end = text.find("\n", index)
            end = size if end < 0 else end
        elif text.startswith("/*", index):
            end = text.find("*/", index) + 2
        elif text[index] == '"' or re.match(r'#+"', text[index:index + 4]):
            end = string(index)
        else:
            index += 1
            continue
        wipe(index, end)
        index = end
    return "".join(out)


def begins_function(before):
    """Whether a brace behind this text is that of a function's body, or of a computed property's."""
    declarations = list(DECLARATION.finditer(before))
    if not declarations:
        return False
    head = before[declarations[-1].start():]
    if head.count("(") != head.count(")") or STATEMENT.search(head.split("\n", 1)[1] if "\n" in head else ""):
        return False
    kind = declarations[-1].group(1)
    if kind == "var":
        return ":" in head and "=" not in head and "\n" not in head.strip()
    # Statements behind a whole declaration: `var` in a function, or a requirement of a protocol.
    return kind in ("get", "set", "didSet", "willSet", "deinit") or "(" in head


def bodies(text):
    """The bodies of all functions, an inner one behind the one that it stands in."""
    plain, stack, found, mark = blank(text), [], [], 0
    for place, character in enumerate(plain):
        if character == "{":
            stack.append((place, begins_function(plain[mark:place])))
            mark = place + 1
        elif character == "}" and stack:
            start, is_function = stack.pop()
            if is_function:
                found.append(Body(start + 1, place))
            mark = place + 1
    return sorted(found, key=lambda body: body.start)


def change(old, new):
    """What differs: a range of the old text, and how much longer the new one is."""
    start = len(os.path.commonprefix([old, new]))
    rest = min(len(old), len(new)) - start
    end = 0
    while end < rest and old[-1 - end] == new[-1 - end]:
        end += 1
    return start, len(old) - end, len(new) - len(old)


def weave(text, mutants):
    """A file with its mutants in it.

    `mutants` has the file as each of them has it, by their numbers. The result is the text, the numbers of those that are in it, and for
    each line from the first which of them it belongs to, or nobody.
    """
    found = bodies(text)
    places, values = {}, {}
    for number, mutated in mutants.items():
        start, end, longer = change(text, mutated)
        around = [body for body in found if body.start <= start and end <= body.end]
        if around:
            body = around[-1]
            places.setdefault((body.start, body.end), {})[number] = mutated[body.start:body.end + longer]
            continue
        # A property's value is a line of its own.
        line = text.rfind("\n", 0, start) + 1, text.find("\n", end)
        match = PROPERTY.match(text[line[0]:line[1]])
        if match and line[0] + match.end() <= start and "\n" not in text[line[0]:line[1]]:
            begin = line[0] + match.end()
            values.setdefault((begin, line[1]), {})[number] = mutated[begin:line[1] + longer]
    taken, edits = set(), []
    for (start, end), variants in {**places, **values}.items():
        # One in a body that is changed as a whole is tried by itself.
        if any(a < end and start < b and (a, b) != (start, end) for a, b, _ in edits):
            continue
        is_value = (start, end) in values
        pieces = []
        for number, variant in variants.items():
            pieces.append((number, f"isMutant({number}) ? ({variant}) : " if is_value else f" if isMutant({number}) {{{variant}}} else"))
        edits.append((start, end, (is_value, pieces)))
        taken.update(variants)
    result, owners, last = "", [], 0

    def add(piece, owner):
        nonlocal result
        result += piece
        lines = result.count("\n") + 1
        while len(owners) < lines:
            owners.append(None)
        if owner is not None:
            for index in range(lines - piece.count("\n") - 1, lines):
                owners[index] = owner

    for start, end, (is_value, pieces) in sorted(edits, key=lambda edit: edit[0]):
        add(text[last:start], None)
        for number, piece in pieces:
            add(piece, number)
        original = text[start:end]
        add(original if is_value else f" {{{original}}} ", None)
        last = end
    add(text[last:], None)
    return result, taken, owners
