/// Takes a text with references apart, from its front to its end. It knows how they are written, not what they stand for.
struct ReferenceReader {
    enum Piece: Equatable {
        /// As it is to stand in the result.
        case text(String)
        /// `${env:NAME}`; with a default, the text up to the brace that ends it comes next, piece by piece.
        case variable(String, hasDefault: Bool)
        /// `${file:PATH}`.
        case file(String)
    }

    private static let dollar = UInt8(ascii: "$")
    private static let opening = UInt8(ascii: "{")
    private static let closing = UInt8(ascii: "}")

    private var rest: Substring.UTF8View
    /// How many braces are open in each default that is being read, without its own.
    private var open: [Int] = []

    init(_ text: String) {
        rest = Substring(text).utf8
    }

    /// The next piece; nil at the end, which of a default is its `}`.
    mutating func next(inDefault: Bool) throws(ReferenceProblem) -> Piece? {
        let start = rest
        while let byte = rest.first {
            switch byte {
            case Self.dollar where rest.starts(with: "$${".utf8):
                let text = self.text(from: start) + "${"
                rest = rest.dropFirst(3)
                if inDefault { openBrace() }
                return .text(text)
            case Self.dollar where rest.starts(with: "${".utf8):
                if start.startIndex < rest.startIndex { return .text(text(from: start)) }
                rest = rest.dropFirst(2)
                return try reference()
            case Self.opening where inDefault:
                openBrace()
                rest.removeFirst()
            case Self.closing where inDefault:
                if let count = open.last, count > 0 {
                    open[open.count - 1] = count - 1
                    rest.removeFirst()
                } else {
                    // The text before it goes first; then it is found again, at once.
                    if start.startIndex < rest.startIndex { return .text(text(from: start)) }
                    rest.removeFirst()
                    open.removeLast()
                    return nil
                }
            default:
                rest.removeFirst()
            }
        }
        guard !inDefault else {
            throw ReferenceProblem("'${' has no '}'", hint: "the braces that stand in a default come in pairs")
        }
        return start.isEmpty ? nil : .text(text(from: start))
    }

    private mutating func openBrace() {
        if !open.isEmpty { open[open.count - 1] += 1 }
    }

    /// What stands between a place and where reading is now.
    private func text(from start: Substring.UTF8View) -> String { String(Substring(start[..<rest.startIndex])) }

    /// What follows `${`.
    private mutating func reference() throws(ReferenceProblem) -> Piece {
        let start = rest
        if rest.starts(with: "env:".utf8) {
            rest = rest.dropFirst(4)
            let name = try name(endsWithDefault: true)
            guard rest.first == Self.closing else {
                rest = rest.dropFirst(2)
                open.append(0)
                return .variable(name, hasDefault: true)
            }
            rest.removeFirst()
            return .variable(name, hasDefault: false)
        }
        if rest.starts(with: "file:".utf8) {
            rest = rest.dropFirst(5)
            let path = try name(endsWithDefault: false)
            rest.removeFirst()
            return .file(path)
        }
        guard let end = start.firstIndex(of: Self.closing) else { throw .unclosed }
        throw ReferenceProblem(
            "'${\(Substring(start[..<end]).prefix(40))}' stands for nothing",
            hint: "write ${env:NAME}, ${env:NAME:-default} or ${file:PATH}; $${ where a text has to contain ${")
    }

    /// A name up to what ends it, which stays.
    private mutating func name(endsWithDefault: Bool) throws(ReferenceProblem) -> String {
        let start = rest
        while let byte = rest.first {
            if byte == Self.closing || endsWithDefault && rest.starts(with: ":-".utf8) { return text(from: start) }
            guard !rest.starts(with: "${".utf8) else {
                throw ReferenceProblem(
                    "a reference can't stand in the name of a variable or a file, only in a default",
                    hint: "write ${env:NAME:-${env:OTHER}}")
            }
            rest.removeFirst()
        }
        throw .unclosed
    }
}

/// Why a reference has no value.
struct ReferenceProblem: Error {
    var message: String
    var hint: String?

    init(_ message: String, hint: String? = nil) {
        self.message = message
        self.hint = hint
    }

    static let unclosed = ReferenceProblem("'${' has no '}'", hint: "write $${ where a text has to contain ${")
}
