package import HTTPMessages
package import Instruments
package import NIOCore
import Platform

/// Has exchanges recorded as spans of traces. Asked on their loops: it must not block.
package protocol ExchangeTracer: Sendable {
    /// An exchange begins. What goes on from here, through a tunnel and to an origin, is told by the request's fields where it belongs.
    /// - Returns: What records it; nil for an exchange that no trace is for.
    func begin(_ request: inout RequestHead) -> ExchangeTrace?
    /// What became of the spans so far.
    var metrics: MetricSnapshot { get }
}

/// What becomes of a span when its exchange is over. Asked on the exchange's loop.
package protocol TraceKeeper {
    /// Whether anybody wants it.
    func isWanted(isError: Bool) -> Bool
    /// Keeps it. Called once, for one that is wanted.
    func keep(_ trace: ExchangeTrace, of exchange: TracedExchange)
}

/// A span of a trace while its exchange is open, with what the exchange waited for. Confined to the exchange's loop.
package final class ExchangeTrace {
    /// A time in which an exchange waited for one thing.
    package struct Part: Sendable, Equatable {
        /// What was waited for.
        package enum Kind: String, Sendable, CaseIterable {
            /// A connection between agent and server that takes it.
            case tunnel = "wait for tunnel"
            /// Within that: the addresses of the server's name.
            case tunnelName = "tunnel: resolve name"
            /// Within that: a connection to the server.
            case tunnelDial = "tunnel: dial"
            /// Within that: the TLS handshake with the server.
            case tunnelHandshake = "tunnel: TLS handshake"
            /// One of an origin's connections, as none was free and no more may be opened.
            case connection = "wait for connection"
            /// The addresses of the origin's name.
            case resolve = "resolve name"
            /// A connection to one of them.
            case dial = "dial"
            /// The TLS handshake with the origin.
            case handshake = "TLS handshake"
            /// The head of the response, from when there was somebody to answer.
            case firstByte = "first byte"

            /// Whether it is another program that is waited for: then it is a client's span.
            package var isRemote: Bool { self != .tunnel && self != .connection }

            /// Whether it is a part of the wait for the tunnel, whose child its span is then.
            package var isOfTunnel: Bool { [.tunnelName, .tunnelDial, .tunnelHandshake].contains(self) }

            init(_ step: DialSteps.Part.Kind) {
                self =
                    switch step {
                    case .resolve: .tunnelName
                    case .dial: .tunnelDial
                    case .handshake: .tunnelHandshake
                    }
            }
        }

        /// What was waited for.
        package var kind: Kind
        /// When it began.
        package var began: NIODeadline
        /// When it ended; nil while it lasts.
        package var ended: NIODeadline?
        /// Why it came to nothing, as a sentence; nil where it didn't.
        package var problem: String?
        /// Where it was waited for, where that isn't the exchange's own place.
        package var place: HostPort?
    }

    /// More parts of one exchange, of tries over and over say, aren't kept.
    package static let limit = 16
    /// The longest problem that is kept, in characters.
    package static let longestProblem = 300

    /// When the exchange began.
    package let began = NIODeadline.now()
    private let beganAt: UInt64
    /// What becomes of it in the end.
    let keeper: any TraceKeeper
    /// In the order in which they began.
    package private(set) var parts: [Part] = []

    /// A span that begins now.
    package init(for keeper: any TraceKeeper) {
        self.keeper = keeper
        let now = WallTime.precise
        beganAt = UInt64(clamping: now.seconds) &* 1_000_000_000 &+ UInt64(clamping: now.nanoseconds)
    }

    /// A time since the exchange began, in nanoseconds of the Unix epoch.
    package func unixTime(_ time: NIODeadline) -> UInt64 { beganAt &+ UInt64(clamping: (time - began).nanoseconds) }

    /// It begins to wait for something. The head of the response isn't waited for before the handshake has ended.
    package func begin(_ kind: Part.Kind) {
        if kind == .firstByte, isWaiting(for: .handshake) { return }
        // Whatever lasts when the same begins anew came to nothing.
        end(kind, "it was tried again")
        guard parts.count < Self.limit else { return }
        parts.append(Part(kind: kind, began: .now()))
    }

    /// It waits for something no longer. Ignored if it didn't.
    package func end(_ kind: Part.Kind, _ problem: String? = nil) {
        guard let index = parts.lastIndex(where: { $0.kind == kind && $0.ended == nil }) else { return }
        parts[index].ended = .now()
        parts[index].problem = problem.map { ForeignText.line($0, limit: Self.longestProblem) }
    }

    /// It has the connection between agent and server that it may have waited for.
    /// - Parameter dial: How that came to be. What of it was before the exchange waited isn't its.
    package func gotTunnel(by dial: @autoclosure () -> DialSteps) {
        guard isWaiting(for: .tunnel) else { return }
        add([dial()])
        end(.tunnel)
    }

    /// It gets none.
    package func waitedInVain(for dials: @autoclosure () -> [DialSteps]) {
        if isWaiting(for: .tunnel) { add(dials()) }
    }

    private func add(_ dials: [DialSteps]) {
        guard let since = parts.last(where: { $0.kind == .tunnel })?.began else { return }
        let now = NIODeadline.now()
        for dial in dials {
            for step in dial.steps where step.ended.map({ $0 > since }) ?? true {
                guard parts.count < Self.limit else { return }
                parts.append(
                    Part(
                        kind: .init(step.kind), began: max(step.began, since), ended: step.ended ?? now,
                        problem: step.problem.map { ForeignText.line($0, limit: Self.longestProblem) }, place: dial.place))
            }
        }
    }

    private func isWaiting(for kind: Part.Kind) -> Bool { parts.contains { $0.kind == kind && $0.ended == nil } }

    /// The exchange is over; what it still waited for came to nothing.
    func close(at end: NIODeadline, _ problem: String?) {
        for index in parts.indices where parts[index].ended == nil {
            parts[index].ended = end
            parts[index].problem = ForeignText.line(problem ?? "the exchange ended", limit: Self.longestProblem)
        }
    }
}

@available(*, unavailable)
extension ExchangeTrace: Sendable {}

/// An exchange that is over, as a trace shows it: never its path, its query, a field, a body or who it is from.
package struct TracedExchange: Sendable, Equatable {
    /// Its name in logs, at both ends.
    package var id: ExchangeID
    /// When it ended.
    package var ended: NIODeadline
    /// The request's method, 32 characters at most.
    package var method: String
    /// The host that was asked for, 255 characters at most.
    package var host: String
    /// Its port; nil where the request doesn't say it.
    package var port: Int?
    /// The response's status; nil where there was none.
    package var status: Int?
    /// How it ended: `completed`, `refused`, `failed`, `cancelled`.
    package var outcome: String
    /// Whether it counts as an error: it failed, or was answered with a status of 500 or more.
    package var isError: Bool
    /// Why it ended before its end, or why the other end answered in the origin's place.
    package var failure: Failure?
    /// The branch that took it; nil where the list has none.
    package var route: String?
    /// Body bytes that the client sent.
    package var received: Int64
    /// Body bytes that were sent to the client.
    package var sent: Int64
}

extension TracedExchange {
    /// The value of an attribute.
    package enum Value: Sendable, Equatable {
        /// A text.
        case text(String)
        /// A whole number.
        case number(Int64)
    }

    /// Its attributes: those of OpenTelemetry's conventions for HTTP, and `fluidity.…`.
    package var attributes: [(name: String, value: Value)] {
        var all: [(name: String, value: Value)] = [
            ("http.request.method", .text(method)), ("server.address", .text(host)),
        ]
        if let port { all.append(("server.port", .number(Int64(port)))) }
        if let status { all.append(("http.response.status_code", .number(Int64(status)))) }
        if isError { all.append(("error.type", .text(failure?.code.name ?? status.map { "\($0)" } ?? outcome))) }
        all.append(("fluidity.exchange", .text(id.description)))
        all.append(("fluidity.outcome", .text(outcome)))
        if let failure { all.append(("fluidity.reason", .text(failure.code.name))) }
        if let route { all.append(("fluidity.route", .text(route))) }
        all.append(("http.request.body.size", .number(received)))
        all.append(("http.response.body.size", .number(sent)))
        return all
    }

    /// The attributes of one of the things that it waited for.
    /// - Parameter place: Where it was waited for, where that isn't the exchange's own place.
    package func attributes(of part: ExchangeTrace.Part.Kind, at place: HostPort?) -> [(name: String, value: Value)] {
        if let place { return [("server.address", .text(place.host)), ("server.port", .number(Int64(place.port)))] }
        return part == .tunnel ? [] : [("server.address", .text(host))]
    }

    /// Why it is an error, in a line; nil where nothing says it.
    package var problem: String? {
        failure.map { ForeignText.line($0.message, limit: ExchangeTrace.longestProblem) }
    }
}

/// What is counted of what is sent to a collector.
enum ExportMetrics {
    static let exported = MetricDescription(
        .counter, "fluidity_otlp_exchanges_exported_total", "Exchanges whose spans the collector has taken.")
    static let dropped = MetricDescription(
        .counter, "fluidity_otlp_exchanges_dropped_total", "Exchanges whose spans were left out, by the reason.",
        labels: ["reason"])
    static let waiting = MetricDescription(
        .gauge, "fluidity_otlp_exchanges_waiting", "Exchanges whose spans wait to be sent.")
    static let failures = MetricDescription(
        .counter, "fluidity_otlp_attempts_failed_total", "Attempts to send something to the collector that came to nothing.")

    static let all = [exported, dropped, waiting, failures]
}

extension MetricSnapshot {
    /// What became of spans.
    /// - Parameters:
    ///   - crowded: Left out since too many waited.
    ///   - unsent: Left out since the collector didn't take them.
    package static func exports(exported: Int, crowded: Int, unsent: Int, waiting: Int, failures: Int) -> MetricSnapshot {
        var snapshot = MetricSnapshot()
        snapshot.add(.init(ExportMetrics.exported, Double(exported)))
        snapshot.add(.init(ExportMetrics.dropped, Double(crowded), [.init("reason", "crowded")]))
        snapshot.add(.init(ExportMetrics.dropped, Double(unsent), [.init("reason", "unsent")]))
        snapshot.add(.init(ExportMetrics.waiting, Double(waiting)))
        snapshot.add(.init(ExportMetrics.failures, Double(failures)))
        return snapshot
    }
}
