import HTTPMessages
import Logging
import NIOCore
import NIOPosix
import Pipeline
import Rehearsal

/// A stage by itself, in one of its forms, on a real event loop: what would stand before it and behind it is this bench.
final class StageBench: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let plan: Plan
    private let name: String
    let ends: NIOLoopBound<BenchEnds>

    var loop: any EventLoop { ends.eventLoop }

    /// Assembles the stage and lets it claim what it needs. It isn't started.
    static func begin(_ stage: Plan.NamedStage, form: StageForm, logger: Logger) async throws -> StageBench {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            let bench = try await StageBench(stage, form: form, group: group)
            try await bench.loop.submit { [plan = bench.plan, ends = bench.ends] in
                let shard = Shard(loop: ends.eventLoop, group: group, index: 0, logger: logger)
                ends.value.shard = shard
                try plan.assemble(on: shard)
            }.get()
            for entry in bench.plan.stages { try await entry.stage.claim() }
            return bench
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    private init(_ stage: Plan.NamedStage, form: StageForm, group: MultiThreadedEventLoopGroup) async throws {
        let loop = group.next()
        let ends = try await loop.submit { NIOLoopBound(BenchEnds(), eventLoop: loop) }.get()
        let front: (any Stage)? =
            switch form.input {
            case .inbound: BenchFront<Inbound>(ends: ends) { $0.inbound = $1 }
            case .exchange: BenchFront<Exchange>(ends: ends) { $0.exchanges = $1 }
            case .outbound:
                BenchFront<Outbound>(ends: ends) { ends, port in
                    ends.outbound = port
                    port.attach(ends.user)
                }
            case .start, .end: nil
            }
        let back: (any Stage)? =
            switch form.output {
            case .inbound: BenchBack<Inbound> { AcceptingPort(ends.value) }
            case .exchange: BenchBack<Exchange> { AnsweringPort() }
            case .outbound: BenchBack<Outbound> { DownPort(ends.value) }
            case .start, .end: nil
            }
        var list = [stage]
        if let front { list.insert(Plan.NamedStage(name: "front", stage: front), at: 0) }
        if let back { list.append(Plan.NamedStage(name: "back", stage: back)) }
        plan = try Plan(folding: list)
        name = stage.name
        self.group = group
        self.ends = ends
    }

    func start() async throws {
        for entry in plan.stages.reversed() { try await entry.stage.start() }
    }

    func drain() async {
        for entry in plan.stages { await entry.stage.drain() }
    }

    func stop() async {
        for entry in plan.stages { await entry.stage.stop() }
    }

    func status() async -> StageStatus {
        await plan.stages.first { $0.name == name }?.stage.status() ?? .ready
    }

    /// To be called at the end, when everything has stopped.
    func end() async { try? await group.shutdownGracefully() }

    func run<Result: Sendable>(_ body: @escaping @Sendable (BenchEnds) throws -> Result) async throws -> Result {
        try await loop.submit { [ends] in try body(ends.value) }.get()
    }

    /// A connection that comes in: its other end is the result's. The stage's handlers are on it before it is active.
    func connect() async throws -> BenchConnection {
        let (ours, theirs) = try SocketPair.make()
        do {
            let channel = try await ClientBootstrap(group: loop).channelOption(.allowRemoteHalfClosure, value: true)
                .channelInitializer { [ends] channel in
                    channel.eventLoop.makeCompletedFuture {
                        try ends.value.inbound?.accept(Inbound(channel: channel, remote: "192.0.2.1:50000"))
                    }
                }
                .withConnectedSocket(ours).get()
            return BenchConnection(channel: channel, other: theirs)
        } catch {
            SocketPair.close(theirs)
            throw error
        }
    }
}

/// A connection and the descriptor of its other end.
struct BenchConnection: Sendable {
    let channel: any Channel
    let other: CInt
}

/// What stands around a stage on its loop. Confined to it.
final class BenchEnds {
    var shard: Shard?
    // What the stage offers to the one before it.
    var inbound: (any InboundPort)?
    var exchanges: (any ExchangePort)?
    var outbound: (any OutboundPort)?
    /// Connections that the stage has handed on.
    fileprivate(set) var accepted = 0
    /// Who uses the outgoing connections that the stage has asked for.
    fileprivate(set) var client: (any OutboundClient)?
    /// Who uses the outgoing connections that the stage offers.
    let user = BenchClient()

    init() {}
}

@available(*, unavailable)
extension BenchEnds: Sendable {}

// MARK: - What stands before the stage

private struct BenchFront<Medium: Pipeline.Medium>: Stage {
    typealias Input = Start
    typealias Output = Medium
    let ends: NIOLoopBound<BenchEnds>
    let keep: @Sendable (BenchEnds, Medium.Port) -> Void

    func assemble(_ downstream: Medium.Port, on shard: Shard) throws { keep(ends.value, downstream) }
}

/// The user of outgoing connections that a stage is given: remembers what it was told.
final class BenchClient: OutboundClient {
    let protocols = ["bench/1"]
    private(set) var losses: [String] = []
    /// Called for the first loss, or at once if there has been one.
    var onLoss: (() -> Void)? {
        didSet { if !losses.isEmpty { onLoss?() } }
    }

    func configure(_ connection: Outbound) throws {}
    func ready(_ connection: Outbound) {}

    func lost(_ connection: Outbound?, because error: (any Error)?) {
        losses.append(error.map { "\($0)" } ?? "")
        if losses.count == 1 { onLoss?() }
    }
}

// MARK: - What stands behind it

private struct BenchBack<Medium: Pipeline.Medium>: Stage {
    typealias Input = Medium
    typealias Output = End
    let make: @Sendable () -> Medium.Port

    func assemble(_ downstream: Void, on shard: Shard) throws -> Medium.Port { make() }
}

/// Takes every connection, and lets go of it when it is asked to or when its peer is done.
private final class AcceptingPort: InboundPort {
    private let ends: BenchEnds

    init(_ ends: BenchEnds) { self.ends = ends }

    var protocols: [String] { ["bench/1"] }

    func accept(_ connection: Inbound) throws {
        ends.accepted += 1
        try connection.channel.pipeline.syncOperations.addHandler(LettingGo())
    }

    private final class LettingGo: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            switch event {
            case is DrainEvent, ChannelEvent.inputClosed: context.close(promise: nil)
            default: context.fireUserInboundEventTriggered(event)
            }
        }
    }
}

/// Answers every exchange.
private final class AnsweringPort: ExchangePort {
    func open(_ exchange: Exchange) { exchange.answer(LocalResponse(status: 200, body: "answer")) }
}

/// Has no connection, and says so.
private final class DownPort: OutboundPort {
    private let ends: BenchEnds

    init(_ ends: BenchEnds) { self.ends = ends }

    func attach(_ client: any OutboundClient) { ends.client = client }
    var status: OutboundStatus { .down(since: 0, to: "192.0.2.2:1", because: "the bench has no connections") }
    var patience: TimeAmount { .milliseconds(20) }
}
