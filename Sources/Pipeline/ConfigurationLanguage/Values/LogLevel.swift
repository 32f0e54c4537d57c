public import Logging

/// The levels of a log: `info`, and as other programs write them, `INFO` and `warn`.
extension Logger.Level: ConfigurationChoice {
    /// Reads a level, in any case of letters; `warn` is `warning`.
    public init(configured text: String) throws(InvalidValue) {
        let word = text.lowercased()
        guard let level = word == "warn" ? .warning : Logger.Level(rawValue: word) else {
            throw InvalidValue(hint: NearestName.hint(for: word, among: Logger.Level.allCases.map(\.rawValue)))
        }
        self = level
    }

    /// The words, which editors offer, and the other ways to write them.
    public static var shape: ValueShape {
        let words = allCases.map(\.rawValue)
        let anyCase = (words + ["warn"]).map { word in word.map { "[\($0.uppercased())\($0)]" }.joined() }
        return .oneOf([.choice(words), .text(pattern: "^(\(anyCase.joined(separator: "|")))$")])
    }
}
