/// What a value looks like in a file, for what checks a file without reading it: the JSON Schema that editors use.
///
/// A shape may allow more than the loader does, never less.
public indirect enum ValueShape: Sendable, Equatable {
    /// Anything: for a type that doesn't say.
    case any
    /// Nothing, or `null`.
    case null
    /// `true` or `false`.
    case boolean
    /// A whole number.
    case integer
    /// A number, with a fraction or without.
    case number
    /// A text, where the pattern, a regular expression, has to be found in it.
    case text(pattern: String?)
    /// One of a few words.
    case choice([String])
    /// A list whose elements all have that shape.
    case list(ValueShape)
    /// A mapping with the type's `keys`.
    case mapping
    /// A list of stages, as below `pipeline`.
    case stages
    /// One of the type's `keys` with what belongs to it, or its name alone.
    case variant
    /// A mapping whose keys are up to the user.
    case table(ValueShape)
    /// A value that has at least one of these shapes.
    case oneOf([ValueShape])

    /// Any text.
    public static var text: ValueShape { .text(pattern: nil) }
}

extension ConfigurationValue {
    public static var shape: ValueShape { .any }
}

extension ScalarConfigurationValue {
    public static var shape: ValueShape { .text }
}

extension ConfigurationChoice {
    public static var shape: ValueShape { .choice(allCases.map(\.rawValue)) }
}

extension NestedConfiguration {
    public static var shape: ValueShape { .mapping }
}
