public import HTTPMessages
public import NIOCore

/// A stage's say in which addresses an exchange may be carried to. Whoever dials for the exchange asks before it does, with
/// the address itself, so that no name can lead elsewhere. On the exchange's loop.
public protocol AddressCheck: AnyObject {
    /// Why the address may not be dialled, or nil when it may.
    func refusal(of address: SocketAddress) -> Failure?
}
