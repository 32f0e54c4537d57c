/// A piece of a configuration after parsing: a scalar, a list or a mapping that knows where it was written.
public struct ConfigurationNode: Sendable {
    /// What stands there.
    public enum Content: Sendable {
        /// Nothing, `~` or `null`.
        case null
        /// A text, number or word: types are told apart by what reads it.
        case scalar(Scalar)
        /// A list, in its order.
        case sequence([ConfigurationNode])
        /// The keys of a mapping with their values, in the order of the file, each key once.
        case mapping([Entry])
    }

    /// A text, and what is known of how it was written.
    public struct Scalar: Sendable {
        /// The text with quotes and escapes resolved.
        public var text: String
        /// Where the text came from matters to what may be shown of it: the content of a `${file:…}` never is.
        public var isHidden: Bool
        /// The text refers to something that couldn't be found, which was reported.
        package internal(set) var isUnknown = false
        /// The text came from outside the file, as it is: YAML hasn't read it, and so hasn't told `null` from a text.
        package var isVerbatim = false
        /// What was replaced in it, without defaults: `${env:PORT}`.
        var references: [String] = []

        /// A text that was found, as it stands.
        public init(_ text: String, isHidden: Bool = false) {
            self.text = text
            self.isHidden = isHidden
        }
    }

    /// A key of a mapping with its value.
    public struct Entry: Sendable {
        /// The key as a text.
        public var key: String
        /// Where the key stands; `value` knows its own place.
        public var keyOrigin: Origin
        /// What stands behind the colon.
        public var value: ConfigurationNode

        /// A key with its place and its value.
        package init(key: String, keyOrigin: Origin, value: ConfigurationNode) {
            self.key = key
            self.keyOrigin = keyOrigin
            self.value = value
        }
    }

    /// Where a piece was written: in the file, or in something that overrides it (`--set drain`, `FLUIDITY_DRAIN`).
    public enum Origin: Sendable, Hashable {
        /// At a line and column of the file, where the piece begins.
        case file(SourcePosition)
        /// In what is named: an option of the command line or a variable of the environment.
        case override(String)
    }

    /// How it was written, for what changes the text of a file.
    package struct Layout: Sendable {
        /// How the scalar or collection was written.
        package var style: Style
        /// Whether it stands inside brackets.
        var inFlow: Bool
    }

    /// The ways to write a piece in YAML (YAML 1.2, 7 and 8).
    package enum Style: Sendable {
        /// A scalar without quotes.
        case plain
        /// A scalar in single quotes.
        case singleQuoted
        /// A scalar in double quotes.
        case doubleQuoted
        /// After `|` or `>`.
        case text
        /// A list or mapping in brackets.
        case flow
        /// A list or mapping on lines of its own.
        case block
    }

    /// What stands there.
    public var content: Content
    /// Where the piece begins.
    public var origin: Origin
    /// How it was written; nil for a piece that isn't from a file.
    package var layout: Layout?

    /// A piece without a layout.
    public init(_ content: Content, origin: Origin) {
        self.content = content
        self.origin = origin
    }

    /// The value of a key of a mapping.
    public subscript(key key: String) -> ConfigurationNode? {
        guard case .mapping(let entries) = content else { return nil }
        return entries.first { $0.key == key }?.value
    }

    /// What was replaced in the scalar, or in the scalars of the list.
    var references: [String] {
        switch content {
        case .scalar(let scalar): scalar.references
        case .sequence(let nodes): nodes.flatMap(\.references)
        case .null, .mapping: []
        }
    }

    /// What stands here, in a sentence; a scalar in quotes.
    package func shown(secret: Bool) -> String {
        switch content {
        case .null: "nothing"
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .scalar(let scalar):
            secret || scalar.isHidden ? "what stands here" : "'\(Self.shortened(scalar.text))'"
        }
    }

    private static func shortened(_ text: String) -> String {
        let line = text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : Character($0) }
        return line.count <= 60 ? String(line) : String(line.prefix(57)) + "..."
    }
}

/// A place in a configuration file. Both numbers begin at 1; columns count Unicode scalars.
public struct SourcePosition: Sendable, Hashable, Comparable {
    /// Which of the configuration's files it is in: 0 for its own, then those that it includes. See `SourceFiles`.
    package var file = 0
    /// The line, from 1.
    public var line: Int
    /// The column in Unicode scalars, from 1.
    public var column: Int

    /// A place by its line and column, both from 1.
    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    public static func < (left: SourcePosition, right: SourcePosition) -> Bool {
        (left.file, left.line, left.column) < (right.file, right.line, right.column)
    }
}
