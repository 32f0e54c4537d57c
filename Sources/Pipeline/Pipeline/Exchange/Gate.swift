public import HTTPMessages
public import NIOCore

/// What of an exchange a gate wants to see. What it doesn't name costs nothing.
public struct GateInterests: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The request's head: `Gate.requestHead`.
    public static let requestHead = GateInterests(rawValue: 1)
    /// The request's body and its end: `Gate.requestBody` and `Gate.requestEnd`.
    public static let requestBody = GateInterests(rawValue: 2)
    /// The response's heads, informational ones included: `Gate.responseHead`.
    public static let responseHead = GateInterests(rawValue: 4)
    /// The response's body and its end: `Gate.responseBody` and `Gate.responseEnd`.
    public static let responseBody = GateInterests(rawValue: 8)
    /// The exchange has become raw bytes both ways.
    public static let splice = GateInterests(rawValue: 16)
    /// The end of the exchange, however it came: `Gate.ended`.
    public static let end = GateInterests(rawValue: 32)
}

/// What a gate says to a head.
public enum GateDecision: Sendable {
    /// The head goes on, with what the gate has changed of it.
    case forward
    /// The exchange ends here with this answer.
    case refuse(LocalResponse)
    /// The exchange waits; one hop when the decision is there. Meanwhile the client is read no further than its window.
    case wait(EventLoopFuture<GateDecision>)
}

/// The run time of a filter for one exchange. Confined to the exchange's loop.
///
/// A gate that changes a body must make the head's length unknown, for the length is what the other side will count.
open class Gate {
    /// What the gate wants to see. Its other methods are never called.
    public let interests: GateInterests
    /// The place of the stage that it belongs to, from 0.
    var place = 0
    /// By how many bytes it has made bodies longer that were not counted yet.
    var requestGrowth: Int64 = 0
    var responseGrowth: Int64 = 0

    /// A gate for one exchange; also for many of one loop, where it keeps nothing of any and changes no body.
    public init(interests: GateInterests) {
        self.interests = interests
    }

    /// The request's head, to be changed in place. Until this returns, `exchange.request` is the head as it came to the gate. A gate
    /// that answers the exchange itself has decided by that; what it returns doesn't matter.
    open func requestHead(_ head: inout RequestHead, _ exchange: Exchange) -> GateDecision { .forward }
    /// A part of the body, to be changed in place; emptied, it is passed on as nothing.
    open func requestBody(_ bytes: inout ByteBuffer, _ exchange: Exchange) {}
    /// The body's end; what is appended to `tail` is sent before it.
    open func requestEnd(_ tail: inout ByteBuffer, _ exchange: Exchange) {}
    /// Informational heads and the final one, to be changed in place. `exchange.response` is set once all gates have seen it.
    open func responseHead(_ head: inout ResponseHead, _ exchange: Exchange) -> GateDecision { .forward }
    /// A part of the response's body, to be changed in place; emptied, it is passed on as nothing.
    open func responseBody(_ bytes: inout ByteBuffer, _ exchange: Exchange) {}
    /// Its end; what is appended to `tail` is sent before it.
    open func responseEnd(_ tail: inout ByteBuffer, _ exchange: Exchange) {}
    /// The exchange has become raw bytes both ways; the final head is on its way to the client.
    open func spliced(_ exchange: Exchange) {}
    /// The exchange is over, however it ended. Nothing of it can be changed any more.
    open func ended(_ exchange: Exchange) {}
}

@available(*, unavailable)
extension Gate: Sendable {}
