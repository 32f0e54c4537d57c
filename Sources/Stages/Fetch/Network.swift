import NIOCore
public import Pipeline

/// A network in CIDR notation (RFC 4632), or a single address.
public struct Network: Sendable, Equatable, ScalarConfigurationValue {
    /// Its first address; nil in one that contains nothing.
    private let base: AddressBytes?
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
        guard let address = try? SocketAddress(ipAddress: String(parts[0]), port: 0), let base = AddressBytes(exactly: address)
        else {
            return nil
        }
        var prefix = base.bits
        if parts.count == 2 {
            guard let number = Int(parts[1]), parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                (0...prefix).contains(number)
            else { return nil }
            prefix = number
        }
        self.prefix = prefix
        self.base = base.masked(prefix)
    }

    private init(malformed text: String) {
        base = nil
        prefix = 0
        malformed = text
    }

    /// Its first address, 4 or 16 bytes in network order; none in one that contains nothing.
    var bytes: [UInt8] { base?.bytes ?? [] }

    func contains(_ address: AddressBytes) -> Bool {
        guard let base, address.bits == base.bits else { return false }
        return address.masked(prefix) == base
    }

    /// Whether it is a single address, `10.0.0.1` or `10.0.0.1/32`.
    var isOneAddress: Bool { base.map { prefix == $0.bits } ?? false }

    public func problems() -> [ConfigurationProblem] { malformed.map { Self.problems(of: $0) } ?? [] }

    public var printed: String {
        guard let base else { return malformed?.printed ?? "" }
        let bytes = base.bytes
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

extension Network: ExpressibleByStringLiteral {
    /// `"10.0.0.0/8"`. A literal that is no network contains nothing, and is an error when the plan is made.
    public init(stringLiteral text: String) { self = Network(text) ?? Network(malformed: text) }
}
