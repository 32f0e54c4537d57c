import HTTPMessages
import NIOCore
import Pipeline

/// How long an origin may be silent, at which point of an exchange.
extension UpstreamHandler: Expiring {
    /// Something of the request was written.
    func expectFirstByte() { follow(state.waitForHead(isReading: !allowance.isPaused, hasDeadline: deadline != nil)) }

    func follow(_ wait: UpstreamState.Wait) {
        let configuration = port.configuration
        switch wait {
        case .asBefore: break
        case .unlimited: deadline = nil
        case .connection: deadline = .now() + TimeAmount(configuration.connectTimeout)
        case .firstByte: deadline = .now() + TimeAmount(configuration.firstByteTimeout)
        case .more: deadline = .now() + TimeAmount(configuration.silence)
        case .tunnel: deadline = .now() + TimeAmount(configuration.tunnelSilence)
        }
    }

    func expire(now: NIODeadline) {
        deadline = nil
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
