import HTTPMessages
public import Pipeline

/// What a program calls itself in `Via` (RFC 9110, 7.6.3): a pseudonym, which needn't say anything of the machine.
public struct ViaName: Sendable, Hashable, ScalarConfigurationValue {
    /// The pseudonym; nil where there is to be no `Via`.
    public let pseudonym: String?

    /// No `Via`.
    public static let unsaid = ViaName(nil)

    /// A pseudonym in code, or nil; one that a file couldn't have is an error when the plan is made.
    public init(_ pseudonym: String?) { self.pseudonym = pseudonym }

    public static var typeDescription: String { "a name such as proxy-1, or 'none'" }

    public init(configured text: String) throws(InvalidValue) {
        var text = text
        guard text != "none" else {
            self.init(nil)
            return
        }
        let isToken = text.withUTF8 { HTTPGrammar.isToken(UnsafeRawBufferPointer($0)) }
        guard isToken, text.utf8.count <= 64 else {
            throw InvalidValue("it has up to 64 letters, digits and '-', '.' or '_', and no blanks")
        }
        self.init(text)
    }

    public var printed: String { pseudonym ?? "none" }

    public func problems() -> [ConfigurationProblem] { pseudonym.map(Self.problems(of:)) ?? [] }
}
