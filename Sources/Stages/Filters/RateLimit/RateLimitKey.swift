import Addresses
public import ConfigurationLanguage
import HTTPMessages
import NIOCore
import Pipeline

/// Whose exchanges share one limit.
public enum RateLimitKey: String, Sendable, CaseIterable, ConfigurationChoice {
    /// All exchanges share one limit.
    case global
    /// The exchanges of one client do, by its certificate's key or else by its network.
    case client
    /// The exchanges of one identity do.
    case identity
    /// The exchanges to one host do, without regard to the name's case.
    case host

    /// The key as a number. The hash is keyed by the process, so that nobody can choose names that fall together.
    func value(for exchange: Exchange) -> UInt64 {
        switch self {
        case .global: 0
        case .client: Self.hash(exchange.client.clientKey)
        case .identity: Self.hash(exchange.clientName)
        case .host: Self.hash(Self.host(exchange.request.host))
        }
    }

    /// The same for an exchange that might come; nil where it takes the key of a client's certificate to say it.
    func value(for prospect: ExchangeProspect) -> UInt64? {
        switch self {
        case .global: return 0
        case .client:
            guard prospect.clientName == nil else { return nil }
            let address = prospect.address.flatMap { try? SocketAddress(ipAddress: $0, port: 0) }
            return Self.hash(ClientKey.network(ClientNetwork(address)))
        case .identity: return Self.hash(prospect.clientName ?? "-")
        case .host: return Self.hash(Self.host(prospect.authority.host))
        }
    }

    private static func host(_ host: String) -> String {
        let host = host.lowercased()
        return host.hasSuffix(".") ? String(host.dropLast()) : host
    }

    private static func hash(_ key: some Hashable) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(key)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    /// In a sentence for a client.
    var described: String {
        switch self {
        case .global: "for all together"
        case .client: "for each client"
        case .identity: "for each user"
        case .host: "for each host"
        }
    }
}
