/// Finds where a scalar ends in the text: the parser says only where it begins.
package enum ScalarSpan {
    /// The offset behind a node that begins at `start`. A list or mapping has no end of its own here: it is `start`. Where the layout isn't
    /// known, it is the end of the line.
    /// - Parameter start: An offset in scalars, as from `SourceText.offset(of:)`.
    package static func end(of node: ConfigurationNode, from start: Int, in text: SourceText) -> Int {
        guard let layout = node.layout else { return lineEnd(start, in: text) }
        switch layout.style {
        case .plain: return plainEnd(start, inFlow: layout.inFlow, in: text)
        case .singleQuoted: return quotedEnd(start, quote: "'", in: text)
        case .doubleQuoted: return quotedEnd(start, quote: "\"", in: text)
        case .text: return textEnd(start, in: text)
        case .flow, .block: return start
        }
    }

    private static func lineEnd(_ start: Int, in text: SourceText) -> Int {
        text.line(text.position(of: start).line)?.upperBound ?? start
    }

    /// The end on the same line. A plain text that goes on in the next line is longer than this says.
    private static func plainEnd(_ start: Int, inFlow: Bool, in text: SourceText) -> Int {
        let limit = lineEnd(start, in: text)
        var index = start
        var end = start
        while index < limit {
            let scalar = text.scalars[index]
            let next = index + 1 < limit ? text.scalars[index + 1] : "\n"
            if scalar == ":", next.isBlank || next.isLineBreak { break }
            if scalar == "#", index > start, text.scalars[index - 1].isBlank { break }
            if inFlow, ",[]{}".unicodeScalars.contains(scalar) { break }
            index += 1
            if !scalar.isBlank { end = index }
        }
        return end
    }

    private static func quotedEnd(_ start: Int, quote: Unicode.Scalar, in text: SourceText) -> Int {
        let scalars = text.scalars
        var index = start + 1
        while index < scalars.count {
            if scalars[index] == "\\", quote == "\"" {
                index += 2
            } else if scalars[index] == quote {
                guard quote == "'", index + 1 < scalars.count, scalars[index + 1] == "'" else { return index + 1 }
                index += 2
            } else {
                index += 1
            }
        }
        return scalars.count
    }

    /// Every following line that is indented, or empty: more than the text rather than less.
    private static func textEnd(_ start: Int, in text: SourceText) -> Int {
        var number = text.position(of: start).line
        while let next = text.line(number + 1), next.isEmpty || text.scalars[next.lowerBound].isBlank { number += 1 }
        return text.line(number)?.upperBound ?? start
    }
}
