import NIOCore
import Pipeline

/// In which order a name's addresses are dialled (RFC 8305, 4), and which of them has proven itself.
///
/// Where an address came first and another was connected sooner, the one that was is dialled first for some time, so that the one that
/// is dead isn't waited for with every connection.
struct AddressOrder: Sendable {
    /// For so long the order isn't tried anew.
    static let memory = TimeAmount.minutes(10)
    /// For so long an address goes last at which a connection was of no use.
    static let rest = TimeAmount.minutes(1)

    private struct Proven: Sendable {
        var address: IPAddress
        var until: NIODeadline
    }

    private struct Door: Sendable, Hashable {
        var address: IPAddress
        var port: Int
    }

    private var proven: ClockTable<HostPort, Proven>
    /// Until when an address goes last.
    private var resting: ClockTable<Door, NIODeadline>

    /// - Parameter limit: Of how many hosts and ports it is remembered.
    init(limit: Int = 4_096) {
        proven = ClockTable(limit: limit)
        resting = ClockTable(limit: limit)
    }

    /// IPv6 first, then the families in turn, each in the order that the name server gave.
    static func interleaved(_ addresses: [IPAddress]) -> [IPAddress] {
        let v6 = addresses.filter { $0.family == .v6 }
        let v4 = addresses.filter { $0.family == .v4 }
        guard !v6.isEmpty, !v4.isEmpty else { return addresses }
        var result: [IPAddress] = []
        for index in 0..<max(v6.count, v4.count) {
            if index < v6.count { result.append(v6[index]) }
            if index < v4.count { result.append(v4[index]) }
        }
        return result
    }

    /// The addresses in the order in which they are dialled.
    mutating func order(_ addresses: [IPAddress], for place: HostPort, at now: NIODeadline) -> [IPAddress] {
        var ordered = Self.interleaved(addresses)
        guard ordered.count > 1 else { return ordered }
        if let best = proven[place], now < best.until, let index = ordered.firstIndex(of: best.address) {
            ordered.insert(ordered.remove(at: index), at: 0)
        }
        guard resting.count > 0 else { return ordered }
        var last: [IPAddress] = []
        ordered.removeAll { address in
            guard let until = resting[Door(address: address, port: place.port)], now < until else { return false }
            last.append(address)
            return true
        }
        return ordered + last
    }

    /// An address was connected.
    /// - Parameter first: The one that was dialled first.
    mutating func connected(_ address: IPAddress, dialledFirst first: IPAddress, for place: HostPort, at now: NIODeadline) {
        guard address != first else { return }
        proven[place] = Proven(address: address, until: now + Self.memory)
    }

    /// A connection that was made to an address was of no use.
    mutating func wasOfNoUse(_ address: IPAddress, for place: HostPort, at now: NIODeadline) {
        resting[Door(address: address, port: place.port)] = now + Self.rest
        if proven[place]?.address == address { proven[place] = nil }
    }

    /// None was connected.
    mutating func failed(for place: HostPort) { proven[place] = nil }
}
