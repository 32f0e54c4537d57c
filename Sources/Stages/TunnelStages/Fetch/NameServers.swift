import Names
public import Pipeline

/// Who is asked for the addresses of names.
public struct NameServers: Sendable, Equatable, ConfigurationValue {
    /// None: the system's.
    let servers: [NameServer]
    /// What some of them were to be made of, for what is no name server.
    private let malformed: [String]

    private static let limit = 8

    private init(_ servers: [NameServer], malformed: [String] = []) {
        self.servers = servers
        self.malformed = malformed
    }

    /// The name servers of `/etc/resolv.conf`.
    public static let system = NameServers([])

    /// These, by their addresses, with a port where it isn't 53: `.at(["10.0.0.53", "[2001:db8::53]:5353"])`. They are asked in this order, the
    /// next one when one doesn't answer. None stand for the system's.
    public static func at(_ addresses: [String]) -> NameServers {
        let read = addresses.map { (text: $0, entry: try? Entry(configured: $0)) }
        return NameServers(read.compactMap { $0.entry?.server }, malformed: read.filter { $0.entry == nil }.map(\.text))
    }

    public static var typeDescription: String {
        "'system', the address of a name server such as 10.0.0.53 or 10.0.0.53:5353, or a list of these"
    }
    public static var shape: ValueShape {
        let octet = "(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
        let v4 = "\(octet)(\\.\(octet)){3}"
        let v6 = "[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*"
        let server = "(\(v4)|\\[\(v6)\\])(:\(HostPort.port))?|\(v6)"
        return .oneOf([.text(pattern: "^(system|none|\(server))$"), .list(.text(pattern: "^(\(server))$"))])
    }

    public static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> NameServers? {
        if case .scalar(let scalar) = node.content {
            if scalar.text == "system" || scalar.text == "none" { return .system }
            return Entry.decode(node, in: context).map { NameServers([$0.server]) }
        }
        guard case .sequence(let entries) = node.content, (1...limit).contains(entries.count) else {
            context.reject(node, wanted: "\(typeDescription), one at least and \(limit) at most")
            return nil
        }
        return [Entry].decode(node, in: context).map { NameServers($0.map(\.server)) }
    }

    public func problems() -> [ConfigurationProblem] {
        malformed.flatMap { Entry.problems(of: $0) }
            + (servers.count > Self.limit ? [ConfigurationProblem("there are more than \(Self.limit) name servers")] : [])
    }

    public var printed: String {
        let entries = servers.map { Entry(server: $0).printed } + malformed.map(\.printed)
        return entries.isEmpty ? "system" : entries.count == 1 ? entries[0] : entries.printed(separatedBy: ", ")
    }

    private struct Entry: ScalarConfigurationValue {
        let server: NameServer

        static var typeDescription: String { "the address of a name server such as 10.0.0.53 or [2001:db8::53]:5353" }

        init(server: NameServer) { self.server = server }

        init(configured text: String) throws(InvalidValue) {
            // Without a port, an IPv6 address needs no brackets.
            if let address = IPAddress(text) {
                server = NameServer(address: address)
                return
            }
            let bracketed = text.hasPrefix("[") && text.hasSuffix("]")
            let place = try HostPort(configured: bracketed || !text.contains(":") ? "\(text):53" : text)
            guard let address = IPAddress(place.host) else {
                throw InvalidValue("'\(place.host)' is no address", hint: "who would be asked for the name of a name server?")
            }
            server = NameServer(address: address, port: place.port)
        }

        var printed: String {
            guard server.port != 53 else { return "\(server.address)".printed }
            return HostPort(host: "\(server.address)", port: server.port).printed
        }
    }
}

extension [String] {
    fileprivate func printed(separatedBy separator: String) -> String { "[\(joined(separator: separator))]" }
}
