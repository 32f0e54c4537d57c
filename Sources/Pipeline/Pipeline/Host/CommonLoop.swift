package import NIOCore
import Synchronization

/// The event loop that takes in all new clients, while there is one: the one whose connection to a server far away they are to share.
///
/// Connections of several loops would compete for the same line, and each would make the queue before it longer for the others. Safe to use
/// from any thread.
package final class CommonLoop: Sendable {
    private let chosen = Mutex<(any EventLoop)?>(nil)

    /// All loops take in new clients, at first.
    package init() {}

    /// Where new clients go; nil where all loops have them in turns.
    package var loop: (any EventLoop)? { chosen.withLock { $0 } }

    /// From now on they go to this loop, unless they already go to another.
    package func gather(on loop: any EventLoop) { chosen.withLock { $0 = $0 ?? loop } }

    /// They no longer go to this loop, if they did.
    package func disperse(from loop: any EventLoop) { chosen.withLock { if $0 === loop { $0 = nil } } }
}
