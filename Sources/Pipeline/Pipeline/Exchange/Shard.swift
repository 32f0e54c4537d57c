package import HTTPMessages
public import Instruments
public import Logging
public import NIOCore
package import Platform

/// One event loop's part of a running plan: what stages on that loop share. Confined to the loop.
public final class Shard: MeteredLoop {
    public let loop: any EventLoop
    /// The group that the loop belongs to. The plan is assembled on every loop of it.
    public let group: any EventLoopGroup
    /// The number of the loop in its group, from 0.
    public let index: Int
    /// The logger of the pipeline, for what doesn't belong to one stage.
    public let logger: Logger
    /// Deadlines of whatever lives on this loop.
    public let deadlines: DeadlineSweep
    /// What is counted on this loop.
    public let metrics = MetricTable()
    /// The stage that is being assembled, for the labels of its metrics; nil at any other time.
    public internal(set) var assembling: StagePlace?
    /// Exchanges that are open on this loop.
    public var openExchanges: Int { open.count }
    /// The sessions between agents and servers that end on this loop.
    package let sessions = SessionBook()
    /// What connections of this loop have read into and may read into again.
    package let readBuffers = ReadBuffers()
    /// What the whole pipeline tells about itself, on all loops.
    public let telemetry: Telemetry
    /// What is counted of all exchanges.
    let exchanges: ExchangeMeter
    /// The meters of those stages that come next behind the one that is assembled: of the stage that was assembled last, or of the first
    /// ones of its branches.
    var followers: [StageMeter] = []

    // Each knows its place in it, and leaves it before it is no more.
    private var open: [Unmanaged<Exchange>] = []
    private var lastEvent: NIODeadline?
    private let exchangeLog: (any ExchangeLog)?
    /// How many want to know what stages say to exchanges.
    package private(set) var verdictReaders = 0
    /// What runs the pipeline; nil where nobody says.
    package let host: HostKind?
    /// Has exchanges recorded as spans of traces; nil where nobody wants them.
    let tracer: (any ExchangeTracer)?
    /// The time that it is taken to be, in seconds of the Unix epoch; nil for the real one.
    package var rehearsedTime: Int?
    private let clock = LocalClock()
    private var nextSequence: UInt64 = 0
    private let idPrefix: UInt64

    /// A shard for one loop. Runs on that loop.
    /// - Parameters:
    ///   - index: The number of the loop in its group, from 0.
    ///   - exchangeLog: Told of every exchange when it has ended; nil for nobody.
    ///   - telemetry: What all shards of the pipeline share; it isn't told of this one.
    ///   - host: What runs the pipeline, which answers that are made here say.
    public convenience init(
        loop: any EventLoop, group: any EventLoopGroup, index: Int, logger: Logger, exchangeLog: (any ExchangeLog)? = nil,
        telemetry: Telemetry = Telemetry(), host: HostKind? = nil
    ) {
        self.init(
            loop: loop, group: group, index: index, logger: logger, exchangeLog: exchangeLog, telemetry: telemetry, host: host,
            tracer: nil)
    }

    /// The same with what records its exchanges as spans.
    package init(
        loop: any EventLoop, group: any EventLoopGroup, index: Int, logger: Logger, exchangeLog: (any ExchangeLog)?,
        telemetry: Telemetry, host: HostKind?, tracer: (any ExchangeTracer)?
    ) {
        self.host = host
        self.tracer = tracer
        self.loop = loop
        self.group = group
        self.index = index
        self.logger = logger
        self.exchangeLog = exchangeLog
        self.telemetry = telemetry
        self.exchanges = ExchangeMeter(in: metrics)
        self.deadlines = DeadlineSweep(loop: loop)
        self.idPrefix = UInt64(UInt32.random(in: 0...UInt32.max)) << 32
    }

    /// Has what is counted by parts of the stage that is being assembled told apart by a label.
    package func counting<Result>(apart label: MetricTable.Label, _ assemble: () throws -> Result) rethrows -> Result {
        let place = assembling
        assembling?.part = label
        defer { assembling = place }
        return try assemble()
    }

    /// From now on what stages say to exchanges is kept (`Exchange.verdicts`), until as often `stopAskingForVerdicts` is called.
    public func askForVerdicts() { verdictReaders += 1 }

    /// One who wanted to know doesn't any more.
    public func stopAskingForVerdicts() { verdictReaders -= 1 }

    /// What time it is here, for rules that go by it.
    package var localTime: LocalTime { rehearsedTime.map { clock.now($0) } ?? clock.now() }

    func nextID() -> ExchangeID {
        nextSequence &+= 1
        return ExchangeID(rawValue: idPrefix | (nextSequence & 0xFFFF_FFFF))
    }

    func register(_ exchange: Exchange) {
        exchange.openIndex = open.count
        open.append(Unmanaged.passUnretained(exchange))
        exchange.client.openExchanges += 1
        exchanges.begun.add()
        exchanges.open.add(1)
        lastEvent = exchange.began
    }

    func finished(_ exchange: Exchange, _ outcome: ExchangeOutcome, at place: Int?) {
        remove(exchange)
        lastEvent = exchange.ended
        exchange.countEnd(outcome, at: place)
        exchangeLog?.finished(exchange)
    }

    /// An exchange is no longer open.
    func remove(_ exchange: Exchange) {
        guard let index = exchange.openIndex else { return }
        exchange.openIndex = nil
        exchange.client.openExchanges -= 1
        exchanges.open.add(-1)
        let last = open.removeLast()
        if index < open.count {
            open[index] = last
            last.takeUnretainedValue().openIndex = index
        }
    }

    /// Those of the open exchanges that somebody wants to see. What is looked at is bounded, whatever is open.
    package func openExchanges(_ query: ExchangeQuery) -> OpenExchanges {
        let now = NIODeadline.now()
        var result = OpenExchanges(count: open.count)
        for entry in open where result.shown.count < query.limit {
            let view = entry.takeUnretainedValue().view(at: now)
            if query.text.map({ view.matches($0) }) ?? true { result.shown.append(view) }
        }
        return result
    }

    /// Ends an open exchange with an answer, or with a reset where one has begun.
    package func endExchange(_ id: ExchangeID, _ failure: Failure) -> Bool {
        guard let exchange = open.first(where: { $0.takeUnretainedValue().id == id })?.takeUnretainedValue() else { return false }
        if exchange.response == nil { exchange.answer(failure.response(for: exchange.request)) } else { exchange.reset(failure) }
        return true
    }

    /// Every metric of this shard, the bytes of exchanges that are still open included.
    package func readMetrics() -> MetricSnapshot {
        let before = exchanges.requestBytes.value &+ exchanges.responseBytes.value
        for exchange in open { exchange.takeUnretainedValue().countBytes() }
        if exchanges.requestBytes.value &+ exchanges.responseBytes.value != before { lastEvent = .now() }
        return metrics.read()
    }

    /// When an exchange last began, ended or was seen to have moved bytes, in seconds of the Unix epoch.
    package var lastActivity: Int? {
        lastEvent.map { WallTime.seconds - Int((NIODeadline.now() - $0).nanoseconds / 1_000_000_000) }
    }
}

@available(*, unavailable)
extension Shard: Sendable {}
