import CAllocations
import ConfigurationLanguage
import HTTPMessages
import Instruments
import Logging
import NIOCore
import Pipeline
import Rehearsal

extension StageConformance {
    /// How a stage from exchanges to exchanges works, apart from what it is for.
    /// Returns what it counts.
    func checkBehaviour(_ findings: inout ConformanceFindings) async throws -> [MetricDescription] {
        let first = try await begin()
        let second = try await begin()
        let counted: [MetricDescription]
        do {
            try await checkPassage(first, second, &findings)
            try await checkErrors(second, &findings)
            try await checkAllocations(second, &findings)
            counted = try await first.run { $0.shard.map { RehearsedMetrics($0).descriptions(of: Factory.name) } ?? [] }
        } catch {
            for each in [first, second] { _ = await Self.within(patience) { await each.end() } }
            throw error
        }
        await checkDraining(first, &findings)
        // A filter that doesn't drain would keep this one forever, too.
        _ = await Self.within(patience) { await second.end() }
        return counted
    }

    private func begin() async throws -> Rehearsal {
        let logger = Logger(label: "conformance") { _ in SwiftLogNoOpLogHandler() }
        let stages = try loadExample(checksFiles: true).map { stage in
            Plan.NamedStage(
                name: stage.name,
                stage: try stage.make(StageForm(.exchange, .exchange), StageContext(logger: logger, host: .server)))
        }
        return try await Rehearsal.begin(stages, logger: logger)
    }

    private func send(through rehearsal: Rehearsal) async throws -> RehearsedOutcome {
        try await rehearsal.perform(request.rehearsed, from: request.client) { _, _ in
            RehearsedResponse(
                ResponseHead(status: 200, body: .known(6)), body: [ByteBuffer(string: "answer")])
        }
    }

    /// An exchange passes, and what one instance has seen means nothing to another.
    private func checkPassage(
        _ first: Rehearsal, _ second: Rehearsal, _ findings: inout ConformanceFindings
    ) async throws {
        let untouched = try await second.run { $0.shard.map { RehearsedMetrics($0).values(of: Factory.name) } ?? [:] }
        let passed = try await send(through: first)
        findings.expect(
            passed.isComplete && passed.response != nil, "an exchange has no end: \(passed.failure?.message ?? "no response")")
        findings.expect(!passed.reached.isEmpty, "its example lets nothing pass: \(passed.response?.head.status ?? 0)")
        let now = try await second.run { $0.shard.map { RehearsedMetrics($0).values(of: Factory.name) } ?? [:] }
        findings.expect(untouched == now, "an instance counts what another one does")
        let again = try await send(through: second)
        findings.expect(
            again.response?.head.status == passed.response?.head.status && again.reached.count == passed.reached.count,
            "a second instance treats the same exchange differently: they share what the first has seen")
    }

    /// What ends an exchange at one end is known at the other.
    private func checkErrors(_ rehearsal: Rehearsal, _ findings: inout ConformanceFindings) async throws {
        let broken = try await rehearsal.perform(request.rehearsed, from: request.client) { _, _ in
            RehearsedResponse(
                ResponseHead(status: 200, body: .known(100)), body: [ByteBuffer(string: "half")],
                failure: Failure(.originClosed, "the origin is gone"))
        }
        if !broken.reached.isEmpty {
            findings.expect(!broken.isComplete, "a response that breaks off is passed on as a whole one")
            findings.expect(
                broken.failure.map { !$0.message.isEmpty } ?? false, "a response that breaks off has no failure that says why")
        }
        let conversation = try await rehearsal.open(request.head, from: request.client, script: nil)
        let cancelled = try await conversation.eventLoop.submit {
            let wasReached = !conversation.value.attempts.isEmpty
            conversation.value.cancel(Failure(.cancelled, "the client went away"))
            return (wasReached, conversation.value.outcome.cancelled.count)
        }.get()
        findings.expect(!cancelled.0 || cancelled.1 == 1, "the origin is not told once that the client went away")
    }

    /// A chunk of a body that no gate has an interest in allocates nothing.
    private func checkAllocations(_ rehearsal: Rehearsal, _ findings: inout ConformanceFindings) async throws {
        guard fluidity_counts_allocations() else { return }
        var head = request.head
        guard head.kind == .plain else { return }
        head.method = "POST"
        head.body = .unknown
        let conversation = try await rehearsal.open(head, from: request.client, script: nil, keepsBodies: false)
        let counts = try await conversation.eventLoop.submit { () -> (requests: UInt64, responses: UInt64)? in
            let value = conversation.value
            guard let origin = value.attempts.last else { return nil }
            let chunk = ByteBuffer(repeating: 0x61, count: 1024)
            origin.respond(ResponseHead(status: 200, body: .unknown))
            // What is made once, with the first chunk, is not what a chunk costs.
            value.send(chunk)
            origin.respond(chunk)
            let isPlain = value.exchange.passesBodiesUntouched
            guard isPlain.request || isPlain.response else { return nil }
            let start = fluidity_allocations()
            if isPlain.request { for _ in 0..<100 { value.send(chunk) } }
            let middle = fluidity_allocations()
            if isPlain.response { for _ in 0..<100 { origin.respond(chunk) } }
            let end = fluidity_allocations()
            return (middle - start, end - middle)
        }.get()
        try await conversation.eventLoop.submit {
            conversation.value.cancel(Failure(.cancelled, "the client went away"))
        }.get()
        guard let counts else { return }
        findings.expect(counts.requests == 0, "100 chunks of a request cost \(counts.requests) allocations")
        findings.expect(counts.responses == 0, "100 chunks of a response cost \(counts.responses) allocations")
    }

    /// What a stage counts is what its reference says.
    func checkMetrics(_ counted: [MetricDescription], _ findings: inout ConformanceFindings) {
        let declared = Factory.reference.metrics
        for metric in declared where !counted.contains(metric) {
            let other = counted.first { $0.name == metric.name }
            findings.add(
                other == nil
                    ? "it declares the metric '\(metric.name)' and doesn't have it"
                    : "its metric '\(metric.name)' is of another kind or has another help text or other labels than declared")
        }
        for metric in counted where !declared.contains(where: { $0.name == metric.name }) {
            findings.add("it has the metric '\(metric.name)' and doesn't declare it in its reference")
        }
    }

    private func checkDraining(_ rehearsal: Rehearsal, _ findings: inout ConformanceFindings) async {
        let isDone = await Self.within(patience) { await rehearsal.end() }
        findings.expect(isDone, "it doesn't drain and stop within \(patience.printed) although nothing is open")
    }
}
