import Addresses
package import NIOCore
import Synchronization

/// Addresses at which a process answers its operator, and which it therefore never dials for anybody else: a client of the
/// tunnel mustn't reach the admin listener through it. One for each process, shared by its pipelines.
public final class ReservedAddresses: Sendable {
    private struct Listener {
        var address: IPAddress
        var port: Int
    }

    private let listeners = Mutex<[Listener]>([])

    /// No addresses yet.
    public init() {}

    /// Keeps what leads to a listener from being dialled, from now on. A Unix socket leads nowhere.
    package func add(_ address: SocketAddress) {
        guard let ip = IPAddress(address), let port = address.port else { return }
        listeners.withLock { $0.append(Listener(address: ip, port: port)) }
    }

    /// Whether dialling an address may lead to one of these.
    package func contains(_ address: SocketAddress) -> Bool {
        guard let dialled = IPAddress(address), let port = address.port else { return false }
        let (isHere, isEverywhere) = listeners.withLock { listeners in
            var isHere = false
            var isEverywhere = false
            for listener in listeners where listener.port == port {
                isHere = isHere || dialled.mayReach { $0 == listener.address || $0.isUnspecified }
                isEverywhere = isEverywhere || listener.address.isUnspecified
            }
            return (isHere, isEverywhere)
        }
        guard isEverywhere, !isHere else { return isHere }
        // A listener on every address is reached by each of this machine's.
        return dialled.mayReach(\.isLoopback) || Self.ownAddresses().contains { own in dialled.mayReach { $0 == own } }
    }

    private static func ownAddresses() -> [IPAddress] {
        ((try? System.enumerateDevices()) ?? []).compactMap { $0.address.flatMap { IPAddress($0) } }
    }
}
