import HTTPMessages
import NIOCore
import Pipeline

/// Lets exchanges pass while the task is protected, and otherwise has each wait for that for a moment, in which nothing of it is passed on.
final class ProtectionPort: ExchangePort {
    /// How many may wait on one loop. One more passes as one does whose time is up.
    private static let limit = 1_024

    private let next: any ExchangePort
    private let gate: ProtectionGate
    private let hold: TimeAmount
    private let waiting: WaitingExchanges

    init(next: any ExchangePort, gate: ProtectionGate, hold: TimeAmount, shard: Shard) {
        self.next = next
        self.gate = gate
        self.hold = hold
        // Waiting for longer would be worse than what it waits for.
        waiting = WaitingExchanges(on: shard, limit: Self.limit) { exchange, _ in next.open(exchange) }
        let bound = NIOLoopBound(self, eventLoop: shard.loop)
        gate.observe(on: shard.loop) { bound.value.changed() }
    }

    var offers: BodyCapabilities { next.offers }

    func open(_ exchange: Exchange) {
        guard !gate.isOpen || !waiting.isEmpty else { return next.open(exchange) }
        switch gate.phase {
        case .open where waiting.isEmpty: next.open(exchange)
        case .leaving: Self.giveBack(exchange)
        case .open, .closed:
            waiting.append(exchange, for: hold)
            gate.ask()
        }
    }

    private func changed() {
        let phase = gate.phase
        guard phase != .closed else { return }
        waiting.release { exchange in
            if phase == .leaving { Self.giveBack(exchange) } else { self.next.open(exchange) }
            return true
        }
    }

    private static func giveBack(_ exchange: Exchange) {
        exchange.giveBack(Failure(.refused, "the server is about to end"))
    }
}

@available(*, unavailable)
extension ProtectionPort: Sendable {}
