/// Refuses a file that could cost the YAML parser too much, before the parser sees it.
///
/// The parser descends by recursion and compares keys by hashing what they hold, so depth can exhaust the stack, and aliases
/// the time. This guard follows the same lexical rules as libyaml, in one pass and without recursion, only to find where
/// collections and aliases begin. Where a text goes over several lines, a mistake about where it ends could hide an alias, so
/// whatever looks like one in there is refused as well.
struct YAMLGuard {
    struct Refusal: Error {
        var message: String
        var hint: String?
        var offset: Int
    }

    private let scalars: [Unicode.Scalar]
    private let limits: YAMLLimits
    private var index = 0
    private var lineStart = 0
    private var flowDepth = 0
    /// The columns of the open block collections, outermost first.
    private var indents: [Int] = []
    /// Where the last token that could be a key began, on the line being read.
    private var key: (column: Int, lineStart: Int)?
    private(set) var tokens = 0

    init(_ source: SourceText, limits: YAMLLimits = YAMLLimits()) {
        scalars = source.scalars
        self.limits = limits
    }

    /// Passes over the whole text. Throws at the first thing that the parser shall not see.
    mutating func check() throws(Refusal) {
        while skipToToken() {
            tokens += 1
            guard tokens <= limits.pieces else {
                throw Refusal(
                    message:
                        "the file\(limits.isShared ? " and those that it is included in have" : " has") more than \(YAMLLimits.maximumPieces) pieces",
                    offset: index)
            }
            unroll(to: column)
            try token()
        }
    }

    private var column: Int { index - lineStart }
    private var indent: Int { indents.last ?? -1 }

    private func scalar(_ ahead: Int = 0) -> Unicode.Scalar? {
        index + ahead < scalars.count ? scalars[index + ahead] : nil
    }

    private func isBlankOrEnd(_ ahead: Int) -> Bool {
        guard let scalar = scalar(ahead) else { return true }
        return scalar.isBlank || scalar.isLineBreak
    }

    /// Goes on by one scalar, or by one line break of two.
    private mutating func advance() {
        let scalar = scalars[index]
        index += 1
        guard scalar.isLineBreak else { return }
        if scalar == "\r", self.scalar() == "\n" { index += 1 }
        lineStart = index
    }

    /// Skips blanks, line breaks and comments. False at the end of the text.
    private mutating func skipToToken() -> Bool {
        while let scalar = scalar() {
            if scalar == "#" {
                while let next = self.scalar(), !next.isLineBreak { index += 1 }
            } else if scalar.isBlank || scalar.isLineBreak || scalar == "\u{FEFF}" {
                advance()
            } else {
                return true
            }
        }
        return false
    }

    private mutating func token() throws(Refusal) {
        guard let scalar = scalar() else { return }
        if column == 0, isDocumentMarker {
            indents = []
            flowDepth = 0
            index += 3
            return
        }
        if column == 0, scalar == "%" {
            while let next = self.scalar(), !next.isLineBreak { index += 1 }
            return
        }
        switch scalar {
        case "[", "{":
            rememberKey()
            flowDepth += 1
            try checkDepth()
            index += 1
        case "]", "}":
            flowDepth = max(0, flowDepth - 1)
            index += 1
        case ",":
            index += 1
        case "-" where isBlankOrEnd(1), "?" where flowDepth > 0 || isBlankOrEnd(1):
            try roll(to: column)
            index += 1
        case ":" where flowDepth > 0 || isBlankOrEnd(1):
            try roll(to: key.map { $0.lineStart == lineStart ? $0.column : column } ?? column)
            key = nil
            index += 1
        case "*", "&":
            if isName(1) { throw reference(at: index) }
            index += 1
        case "!":
            throw Refusal(
                message: "a configuration can't have tags",
                hint: "leave it out, or put the text in quotes if it begins with !", offset: index
            )
        case "|" where flowDepth == 0, ">" where flowDepth == 0:
            blockScalar()
        case "'", "\"":
            rememberKey()
            try quoted(by: scalar)
        default:
            rememberKey()
            try plain()
        }
    }

    private var isDocumentMarker: Bool {
        guard let first = scalar(), first == "-" || first == "." else { return false }
        return scalar(1) == first && scalar(2) == first && isBlankOrEnd(3)
    }

    private mutating func rememberKey() {
        if key?.lineStart != lineStart || flowDepth == 0 { key = key(at: column) }
    }

    private func key(at column: Int) -> (column: Int, lineStart: Int) { (column, lineStart) }

    private mutating func unroll(to column: Int) {
        guard flowDepth == 0 else { return }
        while let last = indents.last, last > column { indents.removeLast() }
    }

    private mutating func roll(to column: Int) throws(Refusal) {
        guard flowDepth == 0, indent < column else { return }
        indents.append(column)
        try checkDepth()
    }

    private func checkDepth() throws(Refusal) {
        guard flowDepth + indents.count > limits.depth else { return }
        let sum = limits.isShared ? ", together with those that it is included in" : ""
        throw Refusal(message: "the file is nested more than \(YAMLLimits.maximumDepth) deep\(sum)", offset: index)
    }
}

extension YAMLGuard {
    /// Skips a text after `|` or `>`: every following line that is indented deeper than what holds it.
    private mutating func blockScalar() {
        index += 1
        var explicit: Int?
        while let scalar = scalar(), !scalar.isLineBreak {
            if scalar == "#" || explicit != nil && !scalar.isBlank { break }
            if let digit = ("1"..."9").contains(scalar) ? Int(scalar.value) - 48 : nil { explicit = digit }
            index += 1
        }
        while let scalar = scalar(), !scalar.isLineBreak { index += 1 }
        var content = explicit.map { max(indent, 0) + $0 }
        var widest = 0
        while scalar() != nil {
            advance()
            let start = index
            while scalar() == " ", content.map({ column < $0 }) ?? true { index += 1 }
            guard let next = scalar() else { return }
            // As in libyaml, blank lines before the first line of text count.
            widest = max(widest, column)
            if next.isLineBreak { continue }
            if content == nil { content = max(widest, indent + 1, 1) }
            if let content, column < content {
                index = start
                return
            }
            while let scalar = scalar(), !scalar.isLineBreak { index += 1 }
        }
    }

    private mutating func quoted(by quote: Unicode.Scalar) throws(Refusal) {
        let start = index
        let firstLine = lineStart
        index += 1
        while let scalar = scalar() {
            if scalar == "\\", quote == "\"" {
                index += 1
                if self.scalar() != nil { advance() }
            } else if scalar == quote {
                index += 1
                if quote == "'", self.scalar() == "'" {
                    index += 1
                    continue
                }
                break
            } else {
                advance()
            }
        }
        if lineStart != firstLine { try checkHidden(in: start + 1..<index) }
    }

    private mutating func plain() throws(Refusal) {
        let margin = indent + 1
        var continued: Int?
        while true {
            if column == 0, isDocumentMarker || scalar() == nil { break }
            if scalar() == "#" { break }
            while let scalar = scalar(), !scalar.isBlank, !scalar.isLineBreak {
                if scalar == ":", isBlankOrEnd(1) { break }
                if flowDepth > 0, ",[]{}".unicodeScalars.contains(scalar) { break }
                index += 1
            }
            guard let next = scalar(), next.isBlank || next.isLineBreak else { break }
            while let scalar = scalar(), scalar.isBlank || scalar.isLineBreak {
                if scalar.isLineBreak, continued == nil { continued = index }
                advance()
            }
            if flowDepth == 0, column < margin { break }
        }
        if let continued { try checkHidden(in: continued..<index) }
    }

    /// Refuses what looks like an alias inside a text of several lines.
    private func checkHidden(in range: Range<Int>) throws(Refusal) {
        for offset in range where scalars[offset] == "*" || scalars[offset] == "&" {
            let before = scalars[offset - 1]
            guard before.isBlank || before.isLineBreak || "[]{},:?-'\"|>!".unicodeScalars.contains(before) else { continue }
            guard offset + 1 < scalars.count, Self.isNameScalar(scalars[offset + 1]) else { continue }
            var refusal = reference(at: offset)
            refusal.hint = "if it is part of the text, put the text on one line, in quotes"
            throw refusal
        }
    }

    private func isName(_ ahead: Int) -> Bool { scalar(ahead).map(Self.isNameScalar) ?? false }

    private static func isNameScalar(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar == "_" || scalar == "-"
    }

    private func reference(at offset: Int) -> Refusal {
        let kind = scalars[offset] == "*" ? "alias" : "anchor"
        let name = scalars[offset...].prefix(40).prefix { !$0.isBlank && !$0.isLineBreak && $0 != "," && $0 != "]" && $0 != "}" }
        return Refusal(
            message: "'\(String(String.UnicodeScalarView(name)))' is an \(kind), and a configuration can't have any",
            hint: kind == "alias"
                ? "write out what it stands for, or put the text in quotes if it begins with *"
                : "leave it out, or put the text in quotes if it begins with &",
            offset: offset
        )
    }
}
