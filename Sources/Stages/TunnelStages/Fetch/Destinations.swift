public import Addresses
public import ConfigurationLanguage
package import NIOCore

/// Which addresses may be dialled. The decision is made on what dialling the address reaches, whatever name led to it.
public struct Destinations: Sendable, Equatable, ConfigurationValue {
    enum Base: Equatable, Sendable {
        case publicOnly
        case any
        case networks([Network], withPublic: Bool)
    }

    let base: Base

    /// Public addresses alone, which is the default.
    public static let `public` = Destinations(base: .publicOnly)
    /// Every address but link-local and metadata ones.
    public static let any = Destinations(base: .any)

    /// The addresses of these networks, and the public ones beside them where that is wanted.
    public static func networks(_ networks: [Network], withPublic: Bool = false) -> Destinations {
        Destinations(base: .networks(networks, withPublic: withPublic))
    }

    public static var typeDescription: String { "'public', 'any' or a list of networks such as 10.0.0.0/8" }

    public static var shape: ValueShape {
        .oneOf([
            .choice(["public", "any"]), .text(pattern: #"^[0-9A-Fa-f.:]+(/[0-9]+)?$"#),
            .list(.oneOf([.choice(["public"]), Network.shape])),
        ])
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
        guard let address = IPAddress(address) else { return false }
        return address.reachesOnly(isOpen) || isOpenAsWritten(address)
    }

    /// Whether an address itself may be reached. Sensitive ones are named one by one: no network opens them, however narrow.
    private func isOpen(_ address: IPAddress) -> Bool {
        switch base {
        case .any:
            return !address.isSensitive
        case .publicOnly:
            return address.isPublic
        case .networks(let networks, let withPublic):
            if withPublic, address.isPublic { return true }
            return networks.contains { $0.contains(address) && ($0.isOneAddress || !address.isSensitive) }
        }
    }

    /// Whether a list opens a translator's prefix, whatever is behind that.
    private func isOpenAsWritten(_ address: IPAddress) -> Bool {
        guard case .networks(let networks, _) = base else { return false }
        return networks.contains { $0.names(address) && ($0.isOneAddress || !address.mayReach(\.isSensitive)) }
    }
}

extension Destinations {
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
