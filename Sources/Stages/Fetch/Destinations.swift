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
