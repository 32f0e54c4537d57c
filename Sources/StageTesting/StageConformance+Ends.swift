import ConfigurationLanguage
import HTTPMessages
import Instruments
import Logging
import NIOCore
import Pipeline
import Rehearsal

/// How stages work that aren't filters: each in each of its forms, by itself on a bench, two of them beside each other.
extension StageConformance {
    /// What the stage counts in a form, to be compared with what it declares.
    func checkEnds(_ form: StageForm, _ findings: inout ConformanceFindings) async throws -> [MetricDescription] {
        let first = try await bench(form)
        let second: StageBench
        do {
            second = try await bench(form)
        } catch {
            await end(first, &findings)
            findings.add("a second one can't be had beside the first: \(error)")
            return []
        }
        do {
            let untouched = try await values(second)
            try await first.start()
            try await second.start()
            await checkStatus(first, &findings)
            switch form.input {
            case .start: break
            case .inbound: try await checkConnections(first, &findings)
            case .exchange: try await checkExchanges(first, &findings)
            case .outbound: try await checkDialling(first, form, &findings)
            case .end: break
            }
            // What dials does so by itself, and counts it.
            if form.input != .outbound {
                let now = try await values(second)
                findings.expect(untouched == now, "an instance counts what another one does")
            }
        } catch {
            await end(first, &findings)
            await end(second, &findings)
            throw error
        }
        let counted = try await first.run { $0.shard.map { RehearsedMetrics($0).descriptions(of: Factory.name) } ?? [] }
        await end(first, &findings)
        await end(second, &findings)
        return counted
    }

    private func bench(_ form: StageForm) async throws -> StageBench {
        let logger = Logger(label: "conformance") { _ in SwiftLogNoOpLogHandler() }
        guard let stage = try loadExample(checksFiles: true).first(where: { $0.name == Factory.name }) else {
            throw RehearsalError.notAssembled
        }
        let host: HostKind = Factory.needs.contains(.lambdaRuntime) ? .lambda : .server
        let made = try stage.make(form, StageContext(logger: logger, host: host))
        return try await StageBench.begin(.init(name: stage.name, stage: made), form: form, logger: logger)
    }

    private func values(_ bench: StageBench) async throws -> [String: Double] {
        try await bench.run { $0.shard.map { RehearsedMetrics($0).values(of: Factory.name) } ?? [:] }
    }

    private func checkStatus(_ bench: StageBench, _ findings: inout ConformanceFindings) async {
        let status = await bench.status()
        findings.expect(status.problem?.isEmpty != true, "its status has a problem without a reason")
        findings.expect(status.details.allSatisfy { !$0.name.isEmpty }, "its status has a detail without a name")
    }

    // MARK: - What takes connections

    /// A connection ends when its peer is done, and when it is to drain although nothing is open on it.
    private func checkConnections(_ bench: StageBench, _ findings: inout ConformanceFindings) async throws {
        let left = try await bench.connect()
        // Not closed: the system would then do what the stage is to do.
        SocketPair.finish(left.other)
        let ends = await isDone(left.channel.closeFuture)
        findings.expect(ends, "a connection with nothing open on it whose peer is done stays open")

        let idle = try await bench.connect()
        idle.channel.pipeline.fireUserInboundEventTriggered(DrainEvent())
        let drains = await isDone(idle.channel.closeFuture)
        findings.expect(drains, "a connection with nothing open on it doesn't end when it is to drain")
        for connection in [left, idle] {
            try? await connection.channel.close()
            SocketPair.close(connection.other)
        }
    }

    // MARK: - What takes exchanges and isn't a filter

    /// An exchange has an end, with a reason if it isn't a good one; and one whose client goes away is forgotten.
    private func checkExchanges(_ bench: StageBench, _ findings: inout ConformanceFindings) async throws {
        let answered = try await BenchExchange.open(request, on: bench)
        let hasEnd = await isDone(answered.ended)
        findings.expect(hasEnd, "an exchange gets no answer")
        if hasEnd {
            let outcome = try await answered.outcome()
            findings.expect(
                outcome.status != nil || outcome.failure?.message.isEmpty == false, "an exchange fails without a reason")
        } else {
            try await answered.cancel()
        }
        let left = try await BenchExchange.open(request, on: bench, isWhole: false)
        try await left.cancel()
        let open = try await bench.run { $0.shard?.openExchanges ?? 0 }
        findings.expect(open == 0, "an exchange whose client went away stays open")
    }

    // MARK: - What takes outgoing connections

    /// Whoever uses outgoing connections is told why there is none.
    private func checkDialling(
        _ bench: StageBench, _ form: StageForm, _ findings: inout ConformanceFindings
    ) async throws {
        let told = bench.loop.makePromise(of: Void.self)
        try await bench.run { ends in
            ends.user.onLoss = { told.succeed(()) }
            // What stands before the connection passes on what is said behind it.
            if form.output == .outbound { ends.client?.lost(nil, because: StageError(.unavailable, "the bench has lost it")) }
        }
        let isTold = await isDone(told.futureResult)
        if !isTold { told.succeed(()) }
        findings.expect(isTold, "whoever uses its connections isn't told that there is none")
        let reasons = try await bench.run { $0.user.losses }
        findings.expect(!isTold || reasons.first?.isEmpty == false, "a connection is lost without a reason")
        let isNamed = try await bench.run { ends in
            if case .down(_, let server, let reason) = ends.outbound?.status { !server.isEmpty && !reason.isEmpty } else { true }
        }
        findings.expect(isNamed, "its connections are down, and it doesn't say where to or why")
    }

    // MARK: - The end

    private func end(_ bench: StageBench, _ findings: inout ConformanceFindings) async {
        let drains = await Self.within(patience) { await bench.drain() }
        findings.expect(drains, "it doesn't drain within \(patience.printed) although nothing is open")
        let stops = await Self.within(patience) {
            await bench.stop()
            // Once more is no mistake: a signal may come twice.
            await bench.stop()
        }
        findings.expect(stops, "it doesn't stop within \(patience.printed)")
        await bench.end()
    }

    /// Whether something comes in time. It need not come at all.
    private func isDone(_ future: EventLoopFuture<Void>) async -> Bool {
        let promise = future.eventLoop.makePromise(of: Bool.self)
        let timer = future.eventLoop.scheduleTask(in: .nanoseconds(Int64(patience / .nanoseconds(1)))) { promise.succeed(false) }
        future.whenComplete { _ in
            timer.cancel()
            promise.succeed(true)
        }
        return (try? await promise.futureResult.get()) ?? false
    }

    /// Whether something is done in time that can be cancelled.
    static func within(_ limit: Duration, _ body: @escaping @Sendable () async -> Void) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await body()
                return true
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return false
            }
            let isDone = await group.next() ?? false
            group.cancelAll()
            return isDone
        }
    }
}

/// An exchange that a bench gives to a stage, and what came of it.
private struct BenchExchange: Sendable {
    private let source: NIOLoopBound<Source>
    let ended: EventLoopFuture<Void>

    static func open(_ request: TestRequest, on bench: StageBench, isWhole: Bool = true) async throws -> BenchExchange {
        let promise = bench.loop.makePromise(of: Void.self)
        let connection = try await UnusedChannel.open(on: bench.loop)
        let source = try await bench.run { ends in
            guard let shard = ends.shard, let port = ends.exchanges else { throw RehearsalError.notAssembled }
            let source = Source(promise)
            let inbound = Inbound(channel: connection.channel, remote: "192.0.2.1:50000")
            inbound.identity = request.certificate
            var head = request.head
            if !isWhole {
                head.method = "POST"
                head.body = .unknown
            }
            let exchange = Exchange(head, from: source, client: inbound, on: shard)
            source.exchange = exchange
            port.open(exchange)
            if isWhole {
                for part in request.parts { exchange.sendRequestBody(ByteBuffer(string: part)) }
                exchange.sendRequestEnd(request.trailers)
            }
            exchange.flushRequest()
            return NIOLoopBound(source, eventLoop: shard.loop)
        }
        promise.futureResult.whenComplete { _ in Task { await connection.close() } }
        return BenchExchange(source: source, ended: promise.futureResult)
    }

    func outcome() async throws -> (status: Int?, failure: Failure?) {
        try await source.eventLoop.submit { [source] in (source.value.status, source.value.failure) }.get()
    }

    func cancel() async throws {
        try await source.eventLoop.submit { [source] in
            source.value.exchange?.abortRequest(Failure(.cancelled, "the client went away"))
            source.value.end()
        }.get()
    }

    private final class Source: ExchangeSource {
        var exchange: Exchange?
        private(set) var status: Int?
        private(set) var failure: Failure?
        private let promise: EventLoopPromise<Void>

        init(_ promise: EventLoopPromise<Void>) { self.promise = promise }

        override func responseHead(_ head: ResponseHead) {
            if !head.isInformational { status = head.status }
        }
        override func responseBody(_ bytes: ByteBuffer) { exchange?.creditResponse(bytes.readableBytes) }
        override func responseEnd(_ trailers: HeaderFields?) { end() }
        override func responseAborted(_ failure: Failure) {
            self.failure = failure
            end()
        }

        func end() {
            promise.succeed(())
            exchange = nil
        }
    }
}
