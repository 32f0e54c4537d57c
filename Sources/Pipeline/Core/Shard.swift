public import Logging
public import NIOCore

/// One event loop's part of a running plan: what stages on that loop share. Confined to the loop.
public final class Shard {
    public let loop: any EventLoop
    /// The group that the loop belongs to. The plan is assembled on every loop of it.
    public let group: any EventLoopGroup
    public let index: Int
    public let logger: Logger
    /// Deadlines of whatever lives on this loop.
    public let deadlines: DeadlineSweep
    /// What is counted on this loop.
    public let metrics = MetricTable()
    /// The stage that is being assembled, for the labels of its metrics; nil at any other time.
    public internal(set) var assembling: StagePlace?
    /// Exchanges that are open on this loop.
    public private(set) var openExchanges = 0

    private let exchangeLog: (any ExchangeLog)?
    private var nextSequence: UInt64 = 0
    private let idPrefix: UInt64

    public init(
        loop: any EventLoop, group: any EventLoopGroup, index: Int, logger: Logger, exchangeLog: (any ExchangeLog)? = nil
    ) {
        self.loop = loop
        self.group = group
        self.index = index
        self.logger = logger
        self.exchangeLog = exchangeLog
        self.deadlines = DeadlineSweep(loop: loop)
        // 24 random bits tell processes apart, 8 the loops of one; 32 count.
        self.idPrefix = (UInt64.random(in: 0..<(1 << 24)) << 40) | (UInt64(UInt8(truncatingIfNeeded: index)) << 32)
    }

    func register() -> ExchangeID {
        openExchanges += 1
        nextSequence &+= 1
        return ExchangeID(rawValue: idPrefix | (nextSequence & 0xFFFF_FFFF))
    }

    func finished(_ exchange: Exchange) {
        openExchanges -= 1
        exchangeLog?.finished(exchange)
    }
}

@available(*, unavailable)
extension Shard: Sendable {}

/// Where a stage stands in its pipeline.
public struct StagePlace: Sendable, Hashable {
    /// The stage's type name, `rate-limit` say.
    public var name: String
    /// From 0.
    public var index: Int

    /// Tells stages of one name apart.
    public var labels: [MetricTable.Label] { [.init("stage", name), .init("place", "\(index + 1)")] }
}

/// Told of every exchange when it has ended, on the exchange's loop.
public protocol ExchangeLog: Sendable {
    func finished(_ exchange: Exchange)
}

/// Tells an exchange from every other in the logs of one host.
public struct ExchangeID: Sendable, Hashable, CustomStringConvertible {
    public let rawValue: UInt64

    public var description: String {
        let digits = String(rawValue, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
