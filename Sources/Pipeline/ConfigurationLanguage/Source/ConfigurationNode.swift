/// A piece of a configuration after parsing: a scalar, a list or a mapping that knows where it was written.
public struct ConfigurationNode: Sendable {
    /// What stands there.
    public enum Content: Sendable {
        /// Nothing, `~` or `null`.
        case null
        case scalar(Scalar)
        case sequence([ConfigurationNode])
        case mapping([Entry])
    }

    /// A text, and what is known of how it was written.
    public struct Scalar: Sendable {
        public var text: String
        /// Where the text came from matters to what may be shown of it: the content of a `${file:…}` never is.
        public var isHidden: Bool
        /// The text refers to something that couldn't be found, which was reported.
        var isUnknown = false
        /// The text came from outside the file, as it is: YAML hasn't read it, and so hasn't told `null` from a text.
        package var isVerbatim = false
        /// What was replaced in it, without defaults: `${env:PORT}`.
        var references: [String] = []

        public init(_ text: String, isHidden: Bool = false) {
            self.text = text
            self.isHidden = isHidden
        }
    }

    /// A key of a mapping with its value.
    public struct Entry: Sendable {
        public var key: String
        public var keyOrigin: Origin
        public var value: ConfigurationNode

        package init(key: String, keyOrigin: Origin, value: ConfigurationNode) {
            self.key = key
            self.keyOrigin = keyOrigin
            self.value = value
        }
    }

    /// Where a piece was written: in the file, or in something that overrides it (`--set drain`, `FLUIDITY_DRAIN`).
    public enum Origin: Sendable, Hashable {
        case file(SourcePosition)
        case override(String)
    }

    /// How it was written, for what changes the text of a file.
    package struct Layout: Sendable {
        package var style: Style
        /// Whether it stands inside brackets.
        var inFlow: Bool
    }

    package enum Style: Sendable {
        case plain
        case singleQuoted
        case doubleQuoted
        /// After `|` or `>`.
        case text
        /// A list or mapping in brackets.
        case flow
        /// A list or mapping on lines of its own.
        case block
    }

    public var content: Content
    public var origin: Origin
    package var layout: Layout?

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
    public var line: Int
    public var column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    public static func < (left: SourcePosition, right: SourcePosition) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}
