/// Text that somebody else wrote, made fit for a sentence of this program in a log or an answer.
package enum ForeignText {
    /// Its printable characters in one line, at most `limit` of them and an ellipsis for the rest. White space and control characters
    /// separate words; characters that can't be seen, or that change how others are shown (Unicode's categories Cf, Co and the like),
    /// are left out.
    package static func line(_ text: some StringProtocol, limit: Int) -> String {
        var line = String.UnicodeScalarView()
        var count = 0
        var isBetweenWords = false
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .spaceSeparator, .lineSeparator, .paragraphSeparator:
                isBetweenWords = count > 0
                continue
            case .format, .surrogate, .privateUse, .unassigned:
                continue
            default: break
            }
            let needed = isBetweenWords ? 2 : 1
            guard count + needed <= limit else {
                line.append("…")
                break
            }
            if isBetweenWords { line.append(" ") }
            isBetweenWords = false
            line.append(scalar)
            count += needed
        }
        return String(line)
    }
}
