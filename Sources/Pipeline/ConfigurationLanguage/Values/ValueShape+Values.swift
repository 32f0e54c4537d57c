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
    /// A name, an IPv4 address or an IPv6 address in brackets.
    fileprivate static let host =
        #"(\[[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[^\]]+)?\]|([A-Za-z0-9_][A-Za-z0-9_-]{0,62}\.)*[A-Za-z0-9_][A-Za-z0-9_-]{0,62}\.?)"#
    /// A port, in a regular expression.
    package static let port =
        "0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"

    public static var shape: ValueShape { .text(pattern: "^\(host):\(port)$") }
}

extension ListenAddress {
    public static var shape: ValueShape {
        .text(pattern: "^(unix:.{1,103}|\(HostPort.host):(0+|\(HostPort.port)))$")
    }
}

extension FilePath {
    public static var shape: ValueShape { .text(pattern: ".") }
}
