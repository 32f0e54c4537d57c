import HTTPMessages
import NIOCore
import Pipeline

/// How long an origin may be silent, at which point of an exchange.
extension UpstreamHandler: Expiring {
    func expectFirstByte() {
        guard !turn.hasResponseBegun, !allowance.isPaused else { return }
        guard isSecured else {
            // The handshake is part of connecting.
            if deadline == nil { deadline = .now() + TimeAmount(port.configuration.connectTimeout) }
            return
        }
        deadline = .now() + TimeAmount(port.configuration.firstByteTimeout)
    }

    /// A response has begun, or goes on.
    func expectMore() { deadline = .now() + TimeAmount(port.configuration.silence) }

    func watchResponse(isReading: Bool) {
        // While the client's side is what is waited for, the origin isn't silent.
        if !isReading {
            deadline = nil
        } else if turn.hasResponseBegun {
            expectMore()
        } else if deadline == nil {
            expectFirstByte()
        }
    }

    func watchTunnel() {
        isQuiet = false
        deadline = .now() + TimeAmount(port.configuration.tunnelSilence)
    }

    /// Something passed in a tunnel: a store, where looking at the clock would be a system call.
    func touch() { isQuiet = false }

    func expire(now: NIODeadline) {
        deadline = nil
        switch state {
        case .idle, .connecting, .over, .closed:
            discard()
        case .http:
            let what = turn.hasResponseBegun ? "was silent for too long in the middle of its answer" : "didn't answer in time"
            fail(Failure(.timeout, "\(origin.host) \(what)"))
        case .raw:
            if isQuiet { return fail(Failure(.timeout, "nothing passed for too long")) }
            isQuiet = true
            deadline = now + TimeAmount(port.configuration.tunnelSilence)
        }
    }
}
