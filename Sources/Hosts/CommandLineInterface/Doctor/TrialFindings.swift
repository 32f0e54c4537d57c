import NIOCore
import Pipeline
import TunnelStages

/// What one trial says of each step that it came to.
struct TrialFindings {
    private(set) var findings: [Finding] = []
    private let way: Examination.Way

    init(_ outcome: TunnelTrial.Outcome, _ way: Examination.Way) {
        self.way = way
        let seen = outcome.seen
        func took(_ place: TunnelWatch.Place, since other: NIODeadline) -> Duration? {
            seen.times[place].map { .nanoseconds(($0 - other).nanoseconds) }
        }
        let failure = seen.failure ?? "nothing came in time"
        if case .proxy(let proxy) = way.route {
            if seen.place == .nowhere {
                add(.proxy, .problem, failure)
            } else {
                add(.proxy, .good, "the proxy \(proxy.text) opens the way to \(way.server)", took(.open, since: outcome.began))
            }
        } else if seen.place == .nowhere {
            add(.tcp, .problem, failure)
        }
        guard seen.place > .nowhere, let open = seen.times[.open] else { return }
        guard seen.place > .open else {
            let isOther = failure.contains("which is no authority in 'ca'")
            let hint =
                isOther
                ? "; through a network that opens TLS, the stages 'websocket' and 'tls' in front of 'connect' carry the tunnel" : ""
            add(.tls, .problem, failure + hint)
            lookForLoss(seen)
            return
        }
        let who = seen.identity.map { ", by its certificate \($0)," } ?? ""
        let spoken = seen.protocols.isEmpty ? "" : " and takes the protocol '\(seen.protocols.joined(separator: "' or '"))' (ALPN)"
        add(.tls, .good, "the server\(who) is the one that is meant\(spoken)", took(.secure, since: open))
        guard seen.place == .established, let secure = seen.times[.secure] else {
            add(.hello, .problem, failure)
            lookForLoss(seen)
            return
        }
        add(
            .hello, .good, "the server has taken this side's certificate, and has said its first words",
            took(.established, since: secure))
        describePath(outcome)
        describeRest(outcome)
    }

    private mutating func add(_ step: Finding.Step, _ state: Finding.State, _ text: String, _ time: Duration? = nil) {
        findings.append(Finding(step, state, text, in: time, on: way.name))
    }

    /// Small packets arrive, for there is a connection; those that are full don't.
    private mutating func lookForLoss(_ seen: TunnelWatch.Seen) {
        guard let facts = seen.connection, facts.resent > 0, facts.unacknowledged > 0 else { return }
        add(
            .path, .problem,
            "TCP connects, and what fills packets of \(facts.pathMTU) bytes isn't acknowledged however often it is sent: "
                + "something on the way drops large packets and says nothing (MTU); set the MTU of this machine's interface to 1280, and look again"
        )
    }

    private mutating func describePath(_ outcome: TunnelTrial.Outcome) {
        let times = outcome.roundTrips.sorted()
        if let least = times.first, let most = times.last, !times.isEmpty {
            let middle = times[times.count / 2]
            add(
                .path, .good,
                "a request to the server and back takes \(middle.rounded), between \(least.rounded) and \(most.rounded)")
        } else {
            add(.path, .problem, "the server answers no request")
        }
        guard let facts = outcome.seen.connection else { return }
        let place = way.route == .direct ? "to the server" : "to the proxy"
        let loss = facts.resent > 0 ? "; \(facts.resent) packets had to be sent again" : ""
        add(
            .path, facts.pathMTU > 0 && facts.pathMTU < 1_280 ? .warning : .good,
            "a packet \(place) and back takes \(facts.roundTrip.rounded), give or take \(facts.variation.rounded), and has up to \(facts.pathMTU) bytes\(loss)"
        )
    }

    private mutating func describeRest(_ outcome: TunnelTrial.Outcome) {
        for (name, found) in [("down", outcome.download), ("up", outcome.upload)] {
            guard let found else { continue }
            if let failure = found.failure {
                add(.throughput, .problem, "\(name): \(failure)")
            } else if found.bytes < 1 << 16 {
                add(
                    .throughput, .warning,
                    "\(name): only \(found.bytes) bytes passed, too few to say how fast (status \(found.status ?? 0))")
            } else {
                let rate = Double(found.bytes) * 8 / (found.bytesTime / .seconds(1)) / 1_000_000
                add(.throughput, .good, "\(name): \((rate * 10).rounded() / 10) Mbit/s", found.bytesTime)
            }
        }
        guard let wished = way.idleWish else { return }
        if let idle = outcome.idle {
            add(.idle, .warning, "an idle connection \(idle); 'ping-interval' of 'frame' has to be shorter than that")
        } else {
            add(.idle, .good, "a connection that was idle for \(wished.rounded) still carries requests")
        }
    }
}
