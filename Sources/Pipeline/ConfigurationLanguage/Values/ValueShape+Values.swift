// What the values of keys look like in a file, for the JSON Schema.

extension Bool {
    public static var shape: ValueShape { .boolean }
}

extension Int {
    public static var shape: ValueShape { .integer }
}

extension Double {
    public static var shape: ValueShape { .number }
}

extension Optional where Wrapped: ConfigurationValue {
    public static var shape: ValueShape { Wrapped.shape }
}

extension Array where Element: ConfigurationValue {
    public static var shape: ValueShape { .list(Element.shape) }
}

extension Duration {
    public static var shape: ValueShape { .oneOf([.choice(["0"]), .text(pattern: #"^[0-9]+(\.[0-9]{1,3})? ?(ms|s|m|h|d)$"#)]) }
}

extension ByteCount {
    public static var shape: ValueShape {
        .oneOf([.integer, .text(pattern: #"^[0-9]+(\.[0-9]{1,3})? ?([KMGT]iB|kB|[MGT]B|B)?$"#)])
    }
}

extension Rate {
    public static var shape: ValueShape { .text(pattern: "^[0-9][0-9_]*/[smhd]$") }
}

extension HostPort {
    public static var shape: ValueShape { .text(pattern: #"^(\[[0-9A-Fa-f:.%]+.*\]|[^\s:/\[\]]+):[0-9]+$"#) }
}

extension ListenAddress {
    public static var shape: ValueShape { .text(pattern: #"^(unix:.+|(\[[0-9A-Fa-f:.%]+.*\]|[^\s:/\[\]]+):[0-9]+)$"#) }
}

extension FilePath {
    public static var shape: ValueShape { .text(pattern: ".") }
}
