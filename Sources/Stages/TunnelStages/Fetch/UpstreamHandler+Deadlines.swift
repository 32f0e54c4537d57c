import HTTPMessages
import NIOCore
import Pipeline

/// How long an origin may be silent, at which point of an exchange.
extension UpstreamHandler: Expiring {
    /// Something of the request was written.
    func expectFirstByte() { follow(state.waitForHead(isReading: !allowance.isPaused, hasDeadline: deadline != nil)) }

    func follow(_ wait: UpstreamState.Wait) {
        let configuration = port.configuration
        if wait != .asBefore { wasInterrupted = false }
        switch wait {
        case .asBefore: break
        case .unlimited: deadline = nil
        case .connection: deadline = .now() + TimeAmount(configuration.connectTimeout)
        case .firstByte: deadline = .now() + TimeAmount(configuration.firstByteTimeout)
        case .more: deadline = .now() + TimeAmount(configuration.silence)
        case .tunnel: deadline = .now() + TimeAmount(configuration.tunnelSilence)
        }
    }

    /// How often it is looked at whether a client can be reached again.
    private static let pause = TimeAmount.milliseconds(250)

    func expire(now: NIODeadline) {
        // What is waited for may be the client: its time begins anew with its next connection.
        if let exchange, exchange.isInterrupted {
            wasInterrupted = true
            deadline = now + Self.pause
            return
        }
        deadline = nil
        if wasInterrupted {
            return follow(state.again(isReading: !allowance.isPaused))
        }
        switch state.expired() {
        case .discard: discard()
        case .fail(let isAnswering):
            let what = isAnswering ? "was silent for too long in the middle of its answer" : "didn't answer in time"
            fail(Failure(.timeout, "\(origin.host) \(what)"))
        case .failSilent: fail(Failure(.timeout, "nothing passed for too long"))
        case .watchTunnel: follow(.tunnel)
        }
    }
}
