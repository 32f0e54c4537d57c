public import HTTPMessages
public import NIOCore

/// A stage that dials for exchanges and says itself which addresses it would not dial, beside what exchanges say (`Exchange.refusal`). Asked
/// without a network, before anything is dialled: `fluidity explain` shows it.
public protocol DialledAddresses: Sendable {
    /// Why it would not dial an address for a host; nil where it would.
    func refusal(ofDialling address: SocketAddress, for host: String) -> Failure?
}
