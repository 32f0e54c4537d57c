/// A configuration file's text as Unicode scalars and lines, numbered as the YAML parser numbers them.
package struct SourceText: Sendable {
    /// The text without a byte order mark at its beginning. Offsets are indices of it.
    package let scalars: [Unicode.Scalar]
    /// Each line without its break.
    private let lines: [Range<Int>]

    /// Splits a text into lines; a byte order mark at its beginning is left out.
    package init(_ text: String) {
        var scalars = Array(text.unicodeScalars)
        if scalars.first == "\u{FEFF}" { scalars.removeFirst() }
        self.init(scalars)
    }

    init(_ scalars: [Unicode.Scalar]) {
        var lines: [Range<Int>] = []
        var start = 0
        var index = 0
        while index < scalars.count {
            let scalar = scalars[index]
            if scalar.isLineBreak {
                lines.append(start..<index)
                if scalar == "\r", index + 1 < scalars.count, scalars[index + 1] == "\n" { index += 1 }
                start = index + 1
            }
            index += 1
        }
        lines.append(start..<scalars.count)
        self.scalars = scalars
        self.lines = lines
    }

    /// The text as a string, without the byte order mark.
    package var text: String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars)
        return String(text)
    }

    var lineCount: Int { lines.count }

    /// The scalars of a line, counted from 1.
    func line(_ number: Int) -> Range<Int>? {
        lines.indices.contains(number - 1) ? lines[number - 1] : nil
    }

    /// The offset of a position; nil where the text has no such line, or the line no such column.
    package func offset(of position: SourcePosition) -> Int? {
        guard let line = line(position.line) else { return nil }
        let offset = line.lowerBound + position.column - 1
        return offset <= line.upperBound ? offset : nil
    }

    func position(of offset: Int) -> SourcePosition {
        var low = 0
        var high = lines.count - 1
        while low < high {
            let middle = (low + high + 1) / 2
            if lines[middle].lowerBound <= offset { low = middle } else { high = middle - 1 }
        }
        return SourcePosition(line: low + 1, column: offset - lines[low].lowerBound + 1)
    }

    /// The text with a range of scalars replaced.
    package func replacing(_ range: Range<Int>, with text: String) -> SourceText {
        var changed = scalars
        changed.replaceSubrange(range, with: Array(text.unicodeScalars))
        return SourceText(changed)
    }
}

extension Unicode.Scalar {
    /// What the YAML parser takes as the end of a line.
    package var isLineBreak: Bool {
        self == "\n" || self == "\r" || self == "\u{85}" || self == "\u{2028}" || self == "\u{2029}"
    }

    /// Whether it is a space or a tab (YAML 1.2, 5.5).
    package var isBlank: Bool { self == " " || self == "\t" }
}
