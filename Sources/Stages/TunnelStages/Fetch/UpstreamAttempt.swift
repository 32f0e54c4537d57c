import NIOCore
import Pipeline

/// An exchange on its way to a connection of its own.
struct UpstreamAttempt {
    let exchange: Exchange
    let origin: Origin
    /// A CONNECT, whose connection serves nobody else.
    let isTunnel: Bool
    /// When connecting has taken too long, the name's look-up included.
    let deadline: NIODeadline
    /// Until when a file descriptor is waited for; nil as long as none was missing.
    var descriptorDeadline: NIODeadline?
    /// The addresses that were known of its host, whose time was over, took no connection: others are waited for.
    var wasMisled = false
}

@available(*, unavailable)
extension UpstreamAttempt: Sendable {}
