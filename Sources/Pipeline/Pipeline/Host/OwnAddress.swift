import Addresses
import Synchronization

/// The address at which the world reaches this process, once somebody has found it out. It is asked for on every loop.
package final class OwnAddress: Sendable {
    private let found = Mutex<IPAddress?>(nil)

    /// Not known yet.
    package init() {}

    /// Nil while it isn't known.
    package var address: IPAddress? { found.withLock { $0 } }

    /// Somebody has found it. What isn't an address, or leads whoever dials it to himself, is nobody's.
    package func found(_ text: String) {
        guard let address = IPAddress(host: text), !address.mayReach(\.isThisMachine) else { return }
        found.withLock { $0 = address }
    }
}
