import Addresses

/// A host name or address, and a port: `server.example:8443`, `127.0.0.1:8443`, `[::1]:8443`.
public struct HostPort: Sendable, Hashable, ScalarConfigurationValue, CustomStringConvertible {
    /// Without brackets.
    public var host: String
    /// The port: 1 to 65535 where it was read from a file.
    public var port: Int

    /// A host without brackets, and a port. Nothing is checked.
    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    public static var typeDescription: String { "a host and a port such as server.example:8443" }

    public init(configured text: String) throws(InvalidValue) {
        try self.init(text, leastPort: 1)
    }

    init(_ text: String, leastPort: Int) throws(InvalidValue) {
        let host: Substring
        let port: Substring?
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw InvalidValue("the bracket is not closed") }
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { throw InvalidValue("after the bracket goes a colon and the port") }
            port = rest.isEmpty ? nil : rest.dropFirst()
            guard host.contains(":"), IPAddress(host: String(host)) != nil else {
                throw InvalidValue("brackets are for IPv6 addresses")
            }
        } else {
            let colons = text.utf8.count { $0 == UInt8(ascii: ":") }
            if colons > 1 {
                throw InvalidValue(
                    text.contains("://") ? "this is a URL" : nil,
                    hint: text.contains("://") ? "leave out the scheme and the path" : "put an IPv6 address in brackets: [::1]:8443"
                )
            }
            if text.contains("/") { throw InvalidValue(hint: "leave out the scheme and the path") }
            let colon = text.firstIndex(of: ":") ?? text.endIndex
            host = text[..<colon]
            port = colon == text.endIndex ? nil : text[colon...].dropFirst()
        }
        guard !host.isEmpty else { throw InvalidValue("the host is missing") }
        if let problem = HostName.problem(of: String(host)) { throw problem }
        guard let port, !port.isEmpty else { throw InvalidValue("the port is missing") }
        let isNumber = port.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard isNumber, let number = Int(port), (leastPort...65_535).contains(number) else {
            throw InvalidValue("a port is a number between \(leastPort) and 65535")
        }
        self.init(host: String(host), port: number)
    }

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    public var printed: String { PlainText.quotedIfNeeded(description) }
}
