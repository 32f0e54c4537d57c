package import HTTPMessages
package import Logging
package import NIOCore
import NIOPosix
package import Pipeline

/// Runs the stages of a pipeline that take exchanges, between clients and an origin that are in memory: one event loop, real
/// stages, and no network.
package final class Rehearsal: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let plan: Plan
    private let stand: NIOLoopBound<Stand>
    private let channel: UnusedChannel
    private let first: Int

    /// The event loop that everything of the rehearsal runs on.
    package var loop: any EventLoop { stand.eventLoop }

    /// - Parameters:
    ///   - stages: Stages from exchanges to exchanges; the last may be a sink, which then answers in the origin's place.
    ///   - first: The number of the first stage in the list that it comes from, from 0.
    package static func begin(
        _ stages: [Plan.NamedStage], first: Int = 0, logger: Logger
    ) async throws -> Rehearsal {
        try await begin(first: first, logger: logger) { _ in stages }
    }

    /// The same for stages with branches.
    /// - Parameters:
    ///   - host: What is to run the pipeline, which answers that are made here say.
    ///   - time: The time that it is taken to be, in seconds of the Unix epoch; nil for the real one.
    ///   - make: Gets a sink that stands for the origin, at the end of branches that have none.
    package static func begin(
        first: Int = 0, logger: Logger, host: HostKind? = nil, at time: Int? = nil,
        _ make: (Plan.NamedStage) throws -> [Plan.NamedStage]
    ) async throws -> Rehearsal {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            let channel = try await UnusedChannel.open(on: group.next())
            let loop = group.next()
            let stand = try await loop.submit { NIOLoopBound(Stand(), eventLoop: loop) }.get()
            let origin = Plan.NamedStage(name: Exit.name, stage: Exit(stand: stand))
            let rehearsal = try Rehearsal(
                try make(origin), origin: origin, stand: stand, first: first, group: group, channel: channel)
            try await rehearsal.assemble(logger, host, time)
            return rehearsal
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    private init(
        _ stages: [Plan.NamedStage], origin: Plan.NamedStage, stand: NIOLoopBound<Stand>, first: Int,
        group: MultiThreadedEventLoopGroup, channel: UnusedChannel
    ) throws {
        var list = [Plan.NamedStage(name: Entrance.name, stage: Entrance(stand: stand))] + stages
        let hasSink = (stages.last?.stage).map { Self.output(of: $0) == .end } ?? false
        if !hasSink { list.append(origin) }
        plan = try Plan(folding: list)
        self.group = group
        self.stand = stand
        self.channel = channel
        self.first = first
    }

    private static func output(of stage: any Stage) -> MediumKind { kind(stage) }

    private static func kind<Each: Stage>(_ stage: Each) -> MediumKind { Each.Output.kind }

    private func assemble(_ logger: Logger, _ host: HostKind?, _ time: Int?) async throws {
        try await loop.submit { [plan, group, stand] in
            let shard = Shard(loop: stand.eventLoop, group: group, index: 0, logger: logger, host: host)
            shard.rehearsedTime = time
            shard.askForVerdicts()
            stand.value.shard = shard
            try plan.assemble(on: shard)
        }.get()
        for entry in plan.stages.reversed() { try await entry.stage.start() }
    }

    /// Drains and stops every stage, and ends the loop.
    package func end() async {
        for entry in plan.stages { await entry.stage.drain() }
        for entry in plan.stages { await entry.stage.stop() }
        await channel.close()
        try? await group.shutdownGracefully()
    }

    /// Something to be done on the loop.
    package func run<Result: Sendable>(_ body: @escaping @Sendable (Stand) throws -> Result) async throws -> Result {
        try await loop.submit { [stand] in try body(stand.value) }.get()
    }

    /// Begins an exchange. What comes of it, and what more is sent, goes through the conversation.
    /// - Parameter dialled: What whoever dials says of the origin's address by itself, before it asks the exchange; nil for nothing.
    package func open(
        _ head: RequestHead, from client: RehearsedClient, origin: SocketAddress? = nil, script: OriginScript?,
        keepsBodies: Bool = true, dialled: DialledCheck? = nil
    ) async throws -> NIOLoopBound<Conversation> {
        let channel = channel.channel
        return try await run { stand in
            guard let shard = stand.shard, let port = stand.port else { throw RehearsalError.notAssembled }
            let inbound = Inbound(channel: channel, remote: client.remote)
            inbound.identity = client.certificate
            let conversation = Conversation(
                head, from: inbound, origin: origin, script: script, keepsBodies: keepsBodies, dialled: dialled, on: shard)
            conversation.exchange.credentials = client.credentials
            conversation.exchange.role = client.role
            stand.conversations[ObjectIdentifier(inbound)] = conversation
            conversation.begin(port)
            return NIOLoopBound(conversation, eventLoop: shard.loop)
        }
    }

    /// Sends a whole request and waits for what comes of it, no longer than `limit`.
    package func perform(
        _ request: RehearsedRequest, from client: RehearsedClient = RehearsedClient(), origin: SocketAddress? = nil,
        dialled: DialledCheck? = nil, script: @escaping OriginScript,
        within limit: TimeAmount = .seconds(10)
    ) async throws -> RehearsedOutcome {
        let conversation = try await open(request.head, from: client, origin: origin, script: script, dialled: dialled)
        let ended = try await loop.flatSubmit { [first, plan] in
            let value = conversation.value
            for part in request.body { value.send(part) }
            value.finish(request.trailers)
            let timeout = conversation.eventLoop.scheduleTask(in: limit) { conversation.value.expire() }
            return value.ended.map { _ -> RehearsedOutcome in
                timeout.cancel()
                // The entrance stands before the stages of the list.
                let place = conversation.value.endedPlace.map { $0 - 1 }
                var outcome = conversation.value.outcome
                outcome.verdicts = conversation.value.exchange.verdicts.entries.map { $0.moved(by: first - 1) }
                if let place, plan.stages.indices.contains(place + 1), place >= 0 {
                    let name = plan.stages[place + 1].name
                    outcome.stage = name == Exit.name ? nil : name
                    outcome.stageIndex = name == Exit.name ? nil : first + place
                }
                return outcome
            }
        }.get()
        return ended
    }
}

extension StageVerdict {
    /// The same at its place in the list that the rehearsed stages are from: the entrance stands before them.
    fileprivate func moved(by offset: Int) -> StageVerdict {
        var parts = place.path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        if let number = parts.first.flatMap({ Int($0) }) { parts[0] = "\(number + offset)" }
        var moved = self
        moved.place.path = parts.joined(separator: ".")
        moved.place.index += offset
        return moved
    }
}

/// Why stages couldn't be rehearsed.
package enum RehearsalError: Error, CustomStringConvertible {
    /// The stages were not assembled, so that no exchange can begin.
    case notAssembled
    /// Nothing came of the exchange in the time given.
    case noAnswer

    package var description: String {
        switch self {
        case .notAssembled: "the stages were not assembled"
        case .noAnswer: "nothing came of the exchange in time"
        }
    }
}

/// What the event loop knows of a rehearsal. Confined to it.
package final class Stand {
    /// The loop's part of the plan; nil before the stages are assembled.
    package internal(set) var shard: Shard?
    var port: (any ExchangePort)?
    var conversations: [ObjectIdentifier: Conversation] = [:]
}

@available(*, unavailable)
extension Stand: Sendable {}

/// The source: where exchanges come in.
private struct Entrance: Stage {
    typealias Input = Start
    typealias Output = Exchange
    static let name = "client"
    let stand: NIOLoopBound<Stand>

    func assemble(_ downstream: any ExchangePort, on shard: Shard) throws { stand.value.port = downstream }
}

/// The sink: the origin that the stages think they reach.
private struct Exit: Stage {
    typealias Input = Exchange
    typealias Output = End
    static let name = "origin"
    let stand: NIOLoopBound<Stand>

    func assemble(_ downstream: Void, on shard: Shard) throws -> any ExchangePort { ExitPort(stand.value) }
}

private final class ExitPort: ExchangePort {
    private let stand: Stand

    init(_ stand: Stand) { self.stand = stand }

    func open(_ exchange: Exchange) {
        guard let conversation = stand.conversations[ObjectIdentifier(exchange.client)] else {
            return exchange.abortResponse(Failure(.internalError, "the exchange has lost its client"))
        }
        conversation.reached(exchange)
    }
}
