/// What `fluidity top` shows: two reports, one a while after the other, as lines for a terminal.
struct TopScreen {
    /// By what exchanges are sorted.
    enum Order: Character, CaseIterable {
        case age = "a"
        case received = "r"
        case sent = "s"
        case target = "t"
        case client = "c"

        var name: String {
            switch self {
            case .age: "age"
            case .received: "bytes from the client"
            case .sent: "bytes to the client"
            case .target: "target"
            case .client: "client"
            }
        }

        func precedes(_ left: LiveDocument.Exchange, _ right: LiveDocument.Exchange) -> Bool {
            switch self {
            case .age: (right.age, left.id) < (left.age, right.id)
            case .received: (right.received, left.id) < (left.received, right.id)
            case .sent: (right.sent, left.id) < (left.sent, right.id)
            case .target: (left.target, left.id) < (right.target, right.id)
            case .client: (left.client, left.id) < (right.client, right.id)
            }
        }
    }

    /// What is shown, and what was told before it: nil at the beginning, when there are no rates yet.
    let now: LiveDocument
    let before: LiveDocument?
    let order: Order

    private func rate(_ value: Int64, _ then: Int64?) -> Double {
        guard let before, let then else { return 0 }
        return Double(max(0, value - then)) / Double(max(1, now.now - before.now))
    }

    /// One line with what counts most.
    var summary: String {
        let totals = now.totals
        let parts = [
            now.phase == "running" ? (now.ready ? "ready" : "not ready") : now.phase, "open \(totals.open)",
            "\(Readable.rate(rate(totals.begun, before?.totals.begun)))/s",
            "failed \(Readable.rate(rate(totals.failed, before?.totals.failed)))/s",
            "in \(Readable.bytes(Int64(rate(totals.received, before?.totals.received))))/s",
            "out \(Readable.bytes(Int64(rate(totals.sent, before?.totals.sent))))/s", "sessions \(now.sessions.count)",
            "connections \(totals.connections)",
        ]
        return parts.joined(separator: "  ")
    }

    /// As many lines as there is room for, none wider than that.
    func lines(width: Int, height: Int) -> [String] {
        var head = [
            "fluidity \(now.version)  up \(Readable.span(now.now - now.started))  memory \(Readable.bytes(now.memory))"
                + (now.generation.map { "  generation \($0)" } ?? ""),
            summary,
        ]
        head += now.problems.map { "! \($0)" }
        head += [""] + stages + [""]
        if !now.sessions.isEmpty { head += sessions + [""] }
        let foot = "q quit   sort by " + Order.allCases.map { "\($0.rawValue) \($0.name)" }.joined(separator: "  ")
        let room = max(1, height - head.count - 1)
        var all = (head + exchanges.prefix(room)).prefix(max(0, height - 1))
        while all.count < height - 1 { all.append("") }
        return (all + [foot]).map { String($0.prefix(width)) }
    }

    private var stages: [String] {
        let earlier = Dictionary((before?.stages ?? []).map { ($0.place, $0) }) { first, _ in first }
        var table = Columns([
            ("STAGE", .left), ("PER S", .right), ("OPEN", .right), ("REFUSED", .right), ("FAILED", .right), ("TIME", .right),
            ("IN/S", .right), ("OUT/S", .right), ("STATE", .left),
        ])
        for stage in now.stages {
            let then = earlier[stage.place]
            let timed = stage.timed - (then?.timed ?? stage.timed)
            table.add([
                "\(stage.place) \(stage.name)", Readable.rate(rate(stage.entered, then?.entered)),
                "\(stage.open + stage.connectionsOpen)",
                "\(stage.refused)", "\(stage.failed)",
                timed > 0 ? Readable.time((stage.time - (then?.time ?? 0)) / Double(timed)) : "-",
                Readable.bytes(Int64(rate(stage.received, then?.received))), Readable.bytes(Int64(rate(stage.sent, then?.sent))),
                stage.problem ?? "",
            ])
        }
        return table.lines
    }

    private var sessions: [String] { Self.table(of: now.sessions, at: now.now).lines }

    private var exchanges: [String] {
        Self.table(of: now.exchanges.exchanges.sorted(by: order.precedes)).lines
    }

    static func table(of sessions: [LiveDocument.Session], at now: Int64) -> Columns {
        var table = Columns([
            ("SESSION", .right), ("OTHER END", .left), ("ADDRESS", .left), ("CODEC", .left), ("FOR", .right), ("STREAMS", .right),
            ("ROUND TRIP", .right), ("RECEIVED", .right), ("SENT", .right),
        ])
        for session in sessions {
            table.add([
                "\(session.number)", session.peer, session.remote, session.codec, Readable.span(now - session.since),
                "\(session.streams)", session.roundTrip.map { Readable.time(Double($0) / 1_000_000) } ?? "-",
                session.received.map(Readable.bytes) ?? "-", session.sent.map(Readable.bytes) ?? "-",
            ])
        }
        return table
    }

    static func table(of exchanges: [LiveDocument.Exchange]) -> Columns {
        var table = Columns([
            ("EXCHANGE", .left), ("TARGET", .left), ("METHOD", .left), ("CLIENT", .left), ("STAGE", .left), ("STATUS", .right),
            ("FOR", .right), ("FROM CLIENT", .right), ("TO CLIENT", .right),
        ])
        for exchange in exchanges {
            table.add([
                exchange.id, exchange.target, exchange.method,
                exchange.client == "-" ? exchange.remote : "\(exchange.client), \(exchange.remote)", exchange.stage ?? "-",
                exchange.status.map(String.init) ?? "-", Readable.span(exchange.age / 1_000), Readable.bytes(exchange.received),
                Readable.bytes(exchange.sent),
            ])
        }
        return table
    }
}
