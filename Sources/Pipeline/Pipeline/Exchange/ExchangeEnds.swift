public import HTTPMessages
public import NIOCore

/// What a stage that takes exchanges offers to the stage before it.
public protocol ExchangePort: AnyObject {
    /// Takes a new exchange: passes it on, attaches a sink to it, or answers it. Runs on the exchange's loop.
    func open(_ exchange: Exchange)
    /// What bodies may be sent here beside plain ones. A stage that passes exchanges on says what the next one says.
    var offers: BodyCapabilities { get }
}

extension ExchangePort {
    public var offers: BodyCapabilities { [] }
}

/// What forms of bodies somebody takes.
public struct BodyCapabilities: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// `BodyLength.deflated`.
    public static let deflate = BodyCapabilities(rawValue: 1)
    /// There is no telling yet: the other end isn't there.
    public static let undecided = BodyCapabilities(rawValue: 128)
}

/// The side that began an exchange and gets its response. A class, so that a call for each chunk costs a method look-up and
/// nothing else. All calls come on the exchange's loop.
open class ExchangeSource {
    /// A source that ignores all that it is told; subclasses override what concerns them.
    public init() {}

    /// Informational heads, then the final one.
    open func responseHead(_ head: ResponseHead) {}
    /// A part of the body. Report it with `creditResponse` once it has been passed on.
    open func responseBody(_ bytes: ByteBuffer) {}
    /// The response is complete; in a tunnel, the origin has closed its half.
    open func responseEnd(_ trailers: HeaderFields?) {}
    /// The response will not be completed.
    open func responseAborted(_ failure: Failure) {}
    /// Nothing of the exchange was passed on to anybody: whoever sent it may send it again, somewhere else.
    open func requestGivenBack(_ failure: Failure) { responseAborted(failure) }
    /// That many request bytes have been passed on.
    open func requestCredit(_ bytes: Int) {}
    /// That many request bytes have been passed on, after the exchange's end. Only the `heir` is told.
    open func lateRequestCredit(_ bytes: Int) {}
    /// What of the response isn't passed on is given up, after the exchange's end. Only the `heir` is told.
    open func lateResponseAbandoned(_ failure: Failure) {}
    /// Who is told that: nobody, unless a subclass says so, itself mostly. The exchange holds its heir from its end on; an heir that
    /// holds the exchange must let go of it.
    open var heir: ExchangeSource? { nil }
    /// The sink has no more for now: what was given to this side can go out.
    open func responseFlush() {}
    /// Whether the sink may read on although it has been given credit. When that changes, `Exchange.regulateResponse` is called.
    open func acceptsResponse() -> Bool { true }
    /// Whether the way to the client is interrupted for now, so that nothing can come from it and nobody can be blamed for that.
    open func isInterrupted() -> Bool { false }
}

/// The side that answers an exchange. All calls come on the exchange's loop.
open class ExchangeSink {
    /// A sink that ignores all that it is told; subclasses override what concerns them.
    public init() {}

    /// A part of the body. Report it with `creditRequest` once it has been passed on.
    open func requestBody(_ bytes: ByteBuffer) {}
    /// The request is complete; in a tunnel, the client has closed its half.
    open func requestEnd(_ trailers: HeaderFields?) {}
    /// The request will not be completed, and no answer is wanted.
    open func requestAborted(_ failure: Failure) {}
    /// That many response bytes have been passed on; none, when only `Exchange.acceptsResponse` may have changed.
    open func responseCredit(_ bytes: Int) {}
    /// That many response bytes have been passed on, after the exchange's end. Only the `heir` is told.
    open func lateResponseCredit(_ bytes: Int) {}
    /// What of the request isn't passed on is given up, after the exchange's end. Only the `heir` is told.
    open func lateRequestAbandoned(_ failure: Failure) {}
    /// Who is told that: nobody, unless a subclass says so, itself mostly. The exchange holds its heir from its end on; an heir that
    /// holds the exchange must let go of it.
    open var heir: ExchangeSink? { nil }
    /// The source has no more for now: what was given to this side can go out.
    open func requestFlush() {}
}
