"""usage: check-docstrings.py [--count] [FOLDER…]
Finds what is public, open or package and has no documentation comment: types, functions, initialisers, subscripts, properties, the cases of
such enums and the requirements of such protocols, in Sources or the folders given. With --count it says how many are documented per target.

Left out is what is documented elsewhere: overrides, and what a type has because a protocol asks for it. The requirements of the protocols
in Sources are read from there; REQUIREMENTS has those of libraries. Functions are known by their base names, initialisers by their labels.
"""

import re
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

# The requirements of protocols of libraries, by the protocols whose names stand in inheritance clauses here.
REQUIREMENTS = {
    "CustomStringConvertible": "description",
    "LosslessStringConvertible": "description init(_:)",
    "CustomDebugStringConvertible": "debugDescription",
    "LocalizedError": "errorDescription",
    "Equatable": "==",
    "Hashable": "== hash",
    "Comparable": "== <",
    "Identifiable": "id",
    # A factory has nothing to be made with.
    "StageFactory": "init()",
    "RawRepresentable": "rawValue RawValue init(rawValue:)",
    "OptionSet": "rawValue RawValue init(rawValue:)",
    "CaseIterable": "allCases",
    "Encodable": "encode",
    "Decodable": "init(from:)",
    "Codable": "encode init(from:)",
    "CodingKey": "stringValue intValue init(stringValue:) init(intValue:)",
    "Sequence": "makeIterator Element Iterator underestimatedCount",
    "IteratorProtocol": "next Element",
    "Collection": "makeIterator Element Iterator Index startIndex endIndex count isEmpty subscript index",
    "AsyncSequence": "makeAsyncIterator Element AsyncIterator Failure",
    "AsyncIteratorProtocol": "next Element",
    "ExpressibleByStringLiteral": "init(stringLiteral:)",
    "ExpressibleByStringInterpolation": "init(stringLiteral:) init(stringInterpolation:)",
    "ExpressibleByIntegerLiteral": "init(integerLiteral:)",
    "ExpressibleByFloatLiteral": "init(floatLiteral:)",
    "ExpressibleByBooleanLiteral": "init(booleanLiteral:)",
    "ExpressibleByArrayLiteral": "init(arrayLiteral:)",
    "ExpressibleByDictionaryLiteral": "init(dictionaryLiteral:)",
    "TextOutputStream": "write",
    "LogHandler": "log metadata logLevel metadataProvider subscript",
    "MetricsFactory": "makeCounter makeFloatingPointCounter makeMeter makeRecorder makeTimer destroyCounter destroyFloatingPointCounter"
    " destroyMeter destroyRecorder destroyTimer",
    "ParsableArguments": "validate init()",
    "ParsableCommand": "configuration validate run init()",
    "AsyncParsableCommand": "configuration validate run init()",
    "ExpressibleByArgument": "init(argument:) allValueStrings defaultValueDescription",
    "ChannelHandler": "handlerAdded handlerRemoved",
    "ChannelInboundHandler": "InboundIn InboundOut OutboundOut channelRegistered channelUnregistered channelActive channelInactive"
    " channelRead channelReadComplete channelWritabilityChanged userInboundEventTriggered errorCaught handlerAdded handlerRemoved",
    "ChannelOutboundHandler": "OutboundIn OutboundOut register bind connect write flush read close triggerUserOutboundEvent handlerAdded"
    " handlerRemoved",
    "RemovableChannelHandler": "removeHandler",
    "ByteToMessageDecoder": "InboundIn InboundOut decode decodeLast",
    "CustomReflectable": "customMirror",
    "MessageToByteEncoder": "OutboundIn encode",
    "NIOSSLCustomPrivateKey": "signatureAlgorithms derBytes sign decrypt hash ==",
}
REQUIREMENTS["ChannelDuplexHandler"] = REQUIREMENTS["ChannelInboundHandler"] + " " + REQUIREMENTS["ChannelOutboundHandler"]

MODIFIERS = (
    r"static|class(?=\s+(?:func|var|let|subscript))|final|override|mutating|nonmutating|indirect|required|convenience|lazy|weak|unowned"
    r"|nonisolated(?:\(\w+\))?|isolated|dynamic|borrowing|consuming|(?:public|package|internal|private|fileprivate)\(set\)"
)
DECLARATION = re.compile(
    r"(?P<attributes>(?:@[\w.]+(?:\([^)]*\))?\s+)*)"
    rf"(?P<modifiers>(?:(?:public|open|package|internal|private|fileprivate|{MODIFIERS})\s+)*)"
    r"(?:(?P<kind>struct|class|enum|actor|protocol|extension|func|var|let|case|typealias|associatedtype)\s+(?P<name>[\w.`]+|[^\w\s(]+)"
    r"|(?P<special>init[?!]?|subscript|deinit)(?=[\s(<{]))"
)
LABEL = re.compile(r"\s*(?:@\w+(?:<[^>]*>)?\s+)*([\w`]+)")
ACCESS = re.compile(r"\b(public|open|package)\b(?!\()")
TYPES = {"struct", "class", "enum", "actor", "protocol", "extension"}


def blanked(text: str) -> str:
    """The text with its comments and strings made of spaces, so that braces and words are those of code."""
    out, index, length = [], 0, len(text)

    def skip(to: int):
        nonlocal index
        out.append("".join(c if c == "\n" else " " for c in text[index:to]))
        index = to

    while index < length:
        if text.startswith("//", index):
            end = text.find("\n", index)
            skip(length if end < 0 else end)
        elif text.startswith("/*", index):
            skip(text.index("*/", index) + 2)
        elif literal := re.compile(r'(#*)("""|")').match(text, index):
            skip(end_of_string(text, literal.end(), literal[1], literal[2]))
        else:
            out.append(text[index])
            index += 1
    return "".join(out)


def end_of_string(text: str, index: int, hashes: str, quotes: str) -> int:
    while index < len(text):
        if text.startswith("\\" + hashes + "(", index):
            index = end_of_interpolation(text, index + 2 + len(hashes))
        elif text.startswith("\\" + hashes, index):
            index += 2 + len(hashes)
        elif text.startswith(quotes + hashes, index):
            return index + len(quotes + hashes)
        else:
            index += 1
    return index


def end_of_interpolation(text: str, index: int) -> int:
    depth = 1
    while index < len(text) and depth:
        if literal := re.compile(r'(#*)("""|")').match(text, index):
            index = end_of_string(text, literal.end(), literal[1], literal[2])
            continue
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        index += 1
    return index


def matching(code: str, index: int, opening: str, closing: str) -> int:
    """The index behind what closes the bracket at `index`. The `>` of `->` closes nothing."""
    depth = 0
    while index < len(code):
        if code[index] == opening:
            depth += 1
        elif code[index] == closing and not (closing == ">" and code[index - 1] == "-"):
            depth -= 1
            if depth == 0:
                return index + 1
        index += 1
    return index


def labels(code: str, index: int) -> str:
    """The argument labels of the parameter list that starts at or behind `index`, as in `(configured:)`."""
    while index < len(code) and code[index].isspace():
        index += 1
    if index < len(code) and code[index] == "<":
        index = matching(code, index, "<", ">")
    if index >= len(code) or code[index] != "(":
        return ""
    inside, depth, parameters = code[index + 1 : matching(code, index, "(", ")") - 1], 0, [""]
    for position, character in enumerate(inside):
        depth += (character in "([{<") - (character in ")]}" or character == ">" and inside[position - 1] != "-")
        if character == "," and depth == 0:
            parameters.append("")
        else:
            parameters[-1] += character
    return "(" + "".join(LABEL.match(each)[1] + ":" for each in parameters if each.strip()) + ")"


@dataclass
class Declaration:
    """A declaration at the top of a file, or in a type with this path and of this kind."""

    file: Path
    line: int
    name: str
    owner: str
    owner_kind: str
    is_visible: bool
    is_override: bool
    is_documented: bool


# What types conform to, by their paths, and what protocols ask for, by their names. Reading the declarations fills both.
conformances: dict[str, set[str]] = defaultdict(set)
requirements: dict[str, set[str]] = defaultdict(set)
for protocol, names in REQUIREMENTS.items():
    requirements[protocol] |= set(names.split())


def inherited(header: str) -> set[str]:
    """The types in an inheritance clause: what stands behind the colon of a type's header, without generic parameters and conditions."""
    header = re.sub(r"\bwhere\b.*", "", header, flags=re.S)
    while (opening := header.find("<")) >= 0:
        header = header[:opening] + header[matching(header, opening, "<", ">") :]
    names = header.partition(":")[2].replace("&", ",").split(",")
    return {each.split()[-1].split(".")[-1] for each in names if each.split()}


def is_documented(lines: list[str], index: int) -> bool:
    above = index - 1
    while above >= 0 and re.match(r"@|#if|#else", lines[above].strip()):
        above -= 1
    return above >= 0 and lines[above].strip().startswith("///")


def declarations(file: Path):
    """Reads a file's declarations, and notes what its types conform to and its protocols ask for."""
    text = file.read_text()
    code, lines = blanked(text), text.splitlines()
    # What is open: of a type its path, its kind and whether it's visible, of anything else nothing.
    scopes: list[tuple[str, str, bool, int] | None] = []
    opening, header, index, at_start = None, 0, 0, True
    while index < len(code):
        character = code[index]
        if at_start and not character.isspace() and (not scopes or scopes[-1]) and (found := DECLARATION.match(code, index)):
            owner, owner_kind, owner_visible, owner_line = scopes[-1] if scopes else ("", "", False, -1)
            kind = found["kind"] or found["special"].rstrip("?!")
            name = (found["name"] or kind).strip("`") + (labels(code, found.end()) if kind == "init" else "")
            line = code.count("\n", 0, found.start("modifiers") if found["modifiers"] else found.end("attributes"))
            first = code.count("\n", 0, index)
            path = f"{owner}.{name}" if owner and kind in TYPES else name
            inside = owner_kind == "protocol" or kind == "case"
            visible = owner_visible if inside else ACCESS.search(found["modifiers"]) is not None
            if owner_kind == "protocol" and kind not in TYPES:
                requirements[owner.split(".")[-1]].add(name)
            if kind in TYPES:
                opening, header = (path, kind, visible), found.end()
            # A case on the line of its enum is explained by that.
            if kind not in ("extension", "deinit") and not (kind == "case" and owner_line == first):
                override = re.search(r"\boverride\b", found["modifiers"]) is not None
                yield Declaration(file, line + 1, name, owner, owner_kind, visible, override, is_documented(lines, first))
            index, at_start = found.end(), False
            continue
        if character == "{":
            if opening:
                path, kind, visible = opening
                conformances[path] |= inherited(code[header:index])
                scopes.append((path, kind, visible, code.count("\n", 0, index)))
            else:
                scopes.append(None)
            opening = None
        elif character == "}" and scopes:
            scopes.pop()
        at_start = character in "\n{};" or at_start and character.isspace()
        index += 1


def asked_of(path: str) -> set[str]:
    """What the protocols ask for that a type conforms to, or that a protocol is and refines."""
    seen, waiting = set(), [path]
    while waiting:
        each = waiting.pop()
        if each not in seen:
            seen.add(each)
            waiting += conformances.get(each, ())
    return set().union(*(requirements.get(each.split(".")[-1], set()) for each in seen))


def targets() -> dict[str, str]:
    """The folder of each target in Sources, and its name."""
    found = {}
    entry = re.compile(r'[tT]arget\(\s*name: "(\w+)"(.*?)(?=\n        \.\w+\(|\Z)', re.S)
    for name, rest in entry.findall(Path("Package.swift").read_text()):
        path = re.search(r'path: "([^"]+)"', rest)
        found[path[1] if path else f"Sources/{name}"] = name
    return found


def main() -> int:
    arguments = sys.argv[1:]
    folders = [Path(each) for each in arguments if not each.startswith("-")] or [Path("Sources")]
    everything = [each for file in sorted(Path("Sources").rglob("*.swift")) for each in declarations(file)]
    visible = [
        each
        for each in everything
        if each.is_visible
        and not each.is_override
        and (each.owner_kind == "protocol" or each.name not in asked_of(each.owner))
        and any(folder in each.file.parents or folder == each.file for folder in folders)
    ]
    if "--count" in arguments:
        count, of = defaultdict(lambda: [0, 0]), targets()
        for each in visible:
            target = next((of[str(parent)] for parent in each.file.parents if str(parent) in of), "no target")
            for row in (target, "all"):
                count[row][0] += each.is_documented
                count[row][1] += 1
        for target in sorted(count, key=lambda target: (target == "all", target)):
            documented, all_ = count[target]
            print(f"{target:24} {documented:5} of {all_:5}  {documented / all_:4.0%}")
        return 0
    missing = [
        f"{each.file}:{each.line}: '{each.name}' can be seen by other targets and has no documentation comment"
        for each in visible
        if not each.is_documented
    ]
    print("\n".join(missing), end="\n" if missing else "", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
