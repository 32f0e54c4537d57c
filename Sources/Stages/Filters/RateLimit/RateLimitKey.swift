public import ConfigurationLanguage
import HTTPMessages
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
