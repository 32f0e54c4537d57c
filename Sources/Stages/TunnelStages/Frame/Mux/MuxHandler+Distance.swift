import NIOCore
import Pipeline

/// What follows from how far the other end is.
extension MuxHandler {
    func measured(_ roundTrip: TimeAmount) {
        meter.measured(roundTrip)
        if let line { suit(line, to: roundTrip) }
    }

    /// TCP is told how far the other end is.
    func suit(_ line: MuxLine, to roundTrip: TimeAmount) {
        guard case .near(let wire) = line else { return line.suit(to: roundTrip, choosesCongestionControl) }
        guard let channel = wire.context?.channel else { return }
        if choosesCongestionControl { NearbyConnection.tune(channel, roundTrip: roundTrip) }
        guard distant == nil, roundTrip >= DistantConnection.roundTrip else { return }
        distant = DistantConnection(channel, roundTrip: roundTrip, choosesCongestionControl: choosesCongestionControl)
    }
}
