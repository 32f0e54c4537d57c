/// A text that is never printed: every description of it, also by reflection, is `[redacted]`.
public struct Secret: Sendable, Hashable, ScalarConfigurationValue, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// What is printed instead.
    public static let redacted = PlainText.redacted

    /// The text itself. Hand it on only to what needs it.
    public var revealed: String

    /// Takes a text as it is.
    public init(_ text: String) {
        revealed = text
    }

    public static var typeDescription: String { "a secret text" }
    public static var isSecret: Bool { true }

    public init(configured text: String) throws(InvalidValue) {
        revealed = text
    }

    public var description: String { Self.redacted }
    public var debugDescription: String { Self.redacted }
    public var printed: String { Self.redacted }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
