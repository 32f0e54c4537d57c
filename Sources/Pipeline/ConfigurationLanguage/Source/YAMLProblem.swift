/// What the YAML parser says, put so that somebody who doesn't know YAML's grammar can mend it.
struct YAMLProblem {
    var message: String
    var hint: String?
    var position: SourcePosition

    init(_ problem: YAMLEvents.Problem, source: SourceText) {
        position = problem.position
        if let character = problem.character {
            let code = String(character, radix: 16, uppercase: true)
            let zeros = String(repeating: "0", count: max(0, 4 - code.count))
            message = "a character that a file of text can't have (U+\(zeros)\(code))"
            // The parser counts bytes here.
            position = source.position(of: source.scalars.firstIndex { !$0.isAllowedInYAML } ?? 0)
        } else {
            message = "this is not YAML: \(problem.message)"
            explain(problem.message, context: problem.context, source: source)
        }
        // What is missing at the end of the file is best shown where it began.
        position.line = min(position.line, source.lineCount)
    }

    private mutating func explain(_ problem: String, context: SourcePosition?, source: SourceText) {
        let found = source.offset(of: position).flatMap { $0 < source.scalars.count ? source.scalars[$0] : nil }
        let line = source.line(position.line).map { source.scalars[$0] } ?? []
        switch problem {
        case "found unexpected end of stream":
            guard let context else { return }
            position = context
            message = "the quote that begins here is never closed"
        case "mapping values are not allowed in this context":
            hint = "a text with ': ' in it needs quotes; otherwise look at the indentation of this line"
        case "found character that cannot start any token" where found == "\t":
            message = "a tab can't indent a line"
            hint = "use spaces"
        case "found character that cannot start any token":
            hint = "put the text in quotes"
        case "did not find expected ',' or '}'", "did not find expected ',' or ']'":
            let opened = context.map { " that begins in line \($0.line)" } ?? ""
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
