package import NIOCore
public import Pipeline

/// Which addresses may be dialled. The decision is made on the address itself, whatever name led to it.
public struct Destinations: Sendable, Equatable, ConfigurationValue {
    enum Base: Equatable, Sendable {
        case publicOnly
        case any
        case networks([Network], withPublic: Bool)
    }

    let base: Base

    public static let `public` = Destinations(base: .publicOnly)
    public static let any = Destinations(base: .any)

    /// These networks and single addresses, and the public ones beside them where that is wanted.
    public static func networks(_ networks: [Network], withPublic: Bool = false) -> Destinations {
        Destinations(base: .networks(networks, withPublic: withPublic))
    }

    public static var typeDescription: String { "'public', 'any' or a list of networks such as 10.0.0.0/8" }

    public static var shape: ValueShape {
        .oneOf([.choice(["public", "any"]), .text(pattern: #"^[0-9A-Fa-f.:]+(/[0-9]+)?$"#), .list(.text)])
    }

    public var printed: String {
        switch base {
        case .publicOnly: "public"
        case .any: "any"
        case .networks(let networks, let withPublic):
            "[" + ((withPublic ? ["public"] : []) + networks.map(\.printed)).joined(separator: ", ") + "]"
        }
    }

    public static func decode(_ node: ConfigurationNode, in context: DecodingContext) -> Destinations? {
        if case .scalar(let scalar) = node.content {
            switch scalar.text {
            case "public": return .public
            case "any": return .any
            default: break
            }
            return Network.decode(node, in: context).map { Destinations(base: .networks([$0], withPublic: false)) }
        }
        // A list may have `public` among its networks: public addresses, and these.
        return [Entry].decode(node, in: context).map { entries in
            Destinations(
                base: .networks(entries.compactMap(\.network), withPublic: entries.contains { $0.network == nil }))
        }
    }

    public func problems() -> [ConfigurationProblem] {
        if case .networks(let networks, _) = base { networks.problems() } else { [] }
    }

    /// Whether an address may be dialled.
    package func allow(_ address: SocketAddress) -> Bool {
        guard let bytes = AddressBytes(address) else { return false }
        let isSensitive = Network.linkLocalAndMetadata.contains { $0.contains(bytes) }
        switch base {
        case .any:
            return !isSensitive
        case .publicOnly:
            return isPublic(bytes, isSensitive)
        case .networks(let networks, let withPublic):
            if withPublic, isPublic(bytes, isSensitive) { return true }
            // Sensitive ones are named one by one: no network opens them, however narrow.
            return networks.contains { $0.contains(bytes) && (!isSensitive || $0.isOneAddress) }
        }
    }
}

extension Destinations {
    private func isPublic(_ bytes: AddressBytes, _ isSensitive: Bool) -> Bool {
        !isSensitive && !Network.notPublic.contains { $0.contains(bytes) }
    }

    /// One entry of a list: a network, or nil for all public addresses.
    private struct Entry: ScalarConfigurationValue {
        var network: Network?

        static var typeDescription: String { "'public' or \(Network.typeDescription)" }

        init(configured text: String) throws(InvalidValue) {
            if text == "public" { return }
            network = try Network(configured: text)
        }

        var printed: String { network?.printed ?? "public" }
    }
}

/// An address as the bytes that decide: an IPv4 address inside an IPv6 one (mapped, translated, tunnelled) counts as itself,
/// for that is where the packets go.
struct AddressBytes: Equatable {
    let bytes: [UInt8]

    init?(_ address: SocketAddress) {
        guard let raw = address.rawBytes else { return nil }
        bytes = raw.count == 16 ? Self.embedded(raw) : raw
    }

    /// The IPv4 address inside, or the bytes as they are.
    private static func embedded(_ bytes: [UInt8]) -> [UInt8] {
        let zeros = bytes.prefix(10).allSatisfy { $0 == 0 }
        if zeros, bytes[10] == 0xFF, bytes[11] == 0xFF { return Array(bytes[12...]) }  // ::ffff:0:0/96, mapped
        if zeros, bytes[10] == 0, bytes[11] == 0, bytes[12...].contains(where: { $0 > 1 }) { return Array(bytes[12...]) }
        if bytes.starts(with: [0x00, 0x64, 0xFF, 0x9B]), bytes[4..<12].allSatisfy({ $0 == 0 }) {
            return Array(bytes[12...])  // 64:ff9b::/96, NAT64 (RFC 6052)
        }
        if bytes.starts(with: [0x20, 0x02]) { return Array(bytes[2..<6]) }  // 2002::/16, 6to4 (RFC 3056)
        return bytes
    }
}

/// A network in CIDR notation (RFC 4632), or a single address.
public struct Network: Sendable, Equatable, ScalarConfigurationValue {
    let bytes: [UInt8]
    let prefix: Int
    /// What it was to be made of, for one that has no address in it.
    private var malformed: String?

    public static var typeDescription: String { "a network such as 10.0.0.0/8, or an address" }

    public init(configured text: String) throws(InvalidValue) {
        if text == "any" { throw InvalidValue(hint: "'any' stands alone, not in a list") }
        guard let network = Network(text) else { throw InvalidValue() }
        self = network
    }

    init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = try? SocketAddress(ipAddress: String(parts[0]), port: 0), let raw = address.rawBytes else {
            return nil
        }
        var prefix = raw.count * 8
        if parts.count == 2 {
            guard let number = Int(parts[1]), parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                (0...prefix).contains(number)
            else { return nil }
            prefix = number
        }
        self.init(raw, prefix)
    }

    private init(_ bytes: [UInt8], _ prefix: Int) {
        self.prefix = prefix
        self.bytes = bytes.enumerated().map { index, byte in
            let bits = max(0, min(8, prefix - index * 8))
            return bits == 0 ? 0 : byte & (0xFF << (8 - bits))
        }
    }

    func contains(_ address: AddressBytes) -> Bool {
        address.bytes.count == bytes.count && Network(address.bytes, prefix).bytes == bytes
    }

    /// Whether it is a single address, `10.0.0.1` or `10.0.0.1/32`.
    var isOneAddress: Bool { prefix == bytes.count * 8 }

    public func problems() -> [ConfigurationProblem] { malformed.map { Self.problems(of: $0) } ?? [] }

    public var printed: String {
        if let malformed { return malformed.printed }
        var text: String
        if bytes.count == 4 {
            text = bytes.map(String.init).joined(separator: ".")
        } else {
            text = stride(from: 0, to: 16, by: 2)
                .map { String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16) }.joined(separator: ":")
        }
        if !isOneAddress { text += "/\(prefix)" }
        return text
    }

    /// Never dialled unless the address itself is named: link-local addresses (RFC 3927, RFC 4291 2.5.6), among them
    /// 169.254.169.254, and the addresses at which clouds answer with credentials.
    static let linkLocalAndMetadata = [
        "169.254.0.0/16", "fe80::/10", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "100.100.100.200", "168.63.129.16",
    ].compactMap(Network.init)

    /// The IANA special-purpose registries, as far as they are not globally reachable, and multicast.
    static let notPublic = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
        "240.0.0.0/4", "::/128", "::1/128", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20",
        "5f00::/16", "fc00::/7", "fec0::/10", "ff00::/8",
    ].compactMap(Network.init)
}

extension SocketAddress {
    /// The 4 bytes of an IPv4 address or the 16 of an IPv6 one, in network order; nil for a Unix socket.
    var rawBytes: [UInt8]? {
        // Where they stand in sockaddr_in and sockaddr_in6.
        let range: Range<Int>
        switch self {
        case .v4: range = 4..<8
        case .v6: range = 8..<24
        case .unixDomainSocket: return nil
        }
        return withSockAddr { pointer, _ in Array(UnsafeRawBufferPointer(start: pointer, count: range.upperBound)[range]) }
    }
}

extension Network: ExpressibleByStringLiteral {
    /// `"10.0.0.0/8"`. A literal that is no network contains nothing, and is an error when the plan is made.
    public init(stringLiteral text: String) {
        guard let network = Network(text) else {
            self.init([], 0)
            malformed = text
            return
        }
        self = network
    }
}
