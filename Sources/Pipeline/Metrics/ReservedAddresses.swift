package import NIOCore
import Synchronization

/// Addresses at which a process answers its operator, and which it therefore never dials for anybody else: a client of the
/// tunnel mustn't reach the admin listener through it. One for each process, shared by its pipelines.
public final class ReservedAddresses: Sendable {
    private let addresses = Mutex<[SocketAddress]>([])

    public init() {}

    /// Keeps an address from being dialled, from now on.
    package func add(_ address: SocketAddress) { addresses.withLock { $0.append(address) } }

    /// Whether dialling an address would lead to one of these.
    package func contains(_ address: SocketAddress) -> Bool {
        guard let port = address.port else { return false }
        let reserved = addresses.withLock { $0.filter { $0.port == port } }
        guard !reserved.isEmpty, let host = address.ipAddress else { return false }
        // A listener on every address is reached by each of this machine's.
        let listensEverywhere = reserved.contains { $0.ipAddress == "0.0.0.0" || $0.ipAddress == "::" }
        let plain = Self.plain(host)
        return reserved.contains { Self.plain($0.ipAddress ?? "") == plain } || Self.isUnspecified(plain)
            || listensEverywhere && (Self.isLoopback(plain) || Self.ownAddresses().contains(plain))
    }

    /// The IPv4 address inside a mapped one.
    private static func plain(_ host: String) -> String {
        host.hasPrefix("::ffff:") && host.contains(".") ? String(host.dropFirst(7)) : host
    }

    /// Dialling it is dialling this machine.
    private static func isUnspecified(_ host: String) -> Bool { host == "0.0.0.0" || host == "::" }
    private static func isLoopback(_ host: String) -> Bool { host == "::1" || host.hasPrefix("127.") }

    private static func ownAddresses() -> [String] {
        ((try? System.enumerateDevices()) ?? []).compactMap { $0.address?.ipAddress }
    }
}
