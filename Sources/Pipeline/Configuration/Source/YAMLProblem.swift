internal import Yams

/// What the YAML parser says, put so that somebody who doesn't know YAML's grammar can mend it.
struct YAMLProblem {
    var message: String
    var hint: String?
    var position: SourcePosition

    init(_ error: YamlError, source: SourceText) {
        message = "this is not YAML"
        position = SourcePosition(line: 1, column: 1)
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            position = SourcePosition(line: mark.line, column: mark.column)
            message += ": \(problem)"
            explain(problem, context: context, source: source)
        case .reader(_, let offset, let value, _):
            // Offsets count characters; the position is that of the same character in the scalars.
            let code = String(UInt32(bitPattern: value), radix: 16, uppercase: true)
            let zeros = String(repeating: "0", count: max(0, 4 - code.count))
            message = "a character that a file of text can't have (U+\(zeros)\(code))"
            let index = source.scalars.firstIndex { !$0.isAllowedInYAML }
            position = source.position(of: index ?? offset ?? 0)
        default:
            break
        }
        // What is missing at the end of the file is best shown where it began.
        position.line = min(position.line, source.lineCount)
    }

    private mutating func explain(_ problem: String, context: YamlError.Context?, source: SourceText) {
        let found = source.offset(of: position).flatMap { $0 < source.scalars.count ? source.scalars[$0] : nil }
        let line = source.line(position.line).map { source.scalars[$0] } ?? []
        switch problem {
        case "found unexpected end of stream":
            guard let context else { return }
            position = SourcePosition(line: context.mark.line, column: context.mark.column)
            message = "the quote that begins here is never closed"
        case "mapping values are not allowed in this context":
            hint = "a text with ': ' in it needs quotes; otherwise look at the indentation of this line"
        case "found character that cannot start any token" where found == "\t":
            message = "a tab can't indent a line"
            hint = "use spaces"
        case "found character that cannot start any token":
            hint = "put the text in quotes"
        case "did not find expected ',' or '}'", "did not find expected ',' or ']'":
            let opened = context.map { " that begins in line \($0.mark.line)" } ?? ""
            message += "; it belongs to the bracket\(opened)"
            if zip(line, line.dropFirst()).contains(where: { $0 == "$" && $1 == "{" }) {
                hint = "inside { } and [ ], put ${…} in quotes"
            }
        case "did not find expected key", "did not find expected '-' indicator", "could not find expected ':'":
            hint = "look at the indentation of this line and of the one before it"
        default:
            break
        }
    }
}

extension Unicode.Scalar {
    /// The characters that the YAML parser lets through.
    fileprivate var isAllowedInYAML: Bool {
        switch value {
        case 0x9, 0xA, 0xD, 0x20...0x7E, 0x85, 0xA0...0xD7FF, 0x10000...0x10FFFF: true
        case 0xE000...0xFFFD: value != 0xFEFF
        default: false
        }
    }
}
