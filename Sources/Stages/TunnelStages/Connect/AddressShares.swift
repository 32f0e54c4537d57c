import NIOCore
import Pipeline

/// Which of a name's addresses each of the dialers of one loop goes to that share them. A value without clock, name servers and connections.
///
/// The first dialer dials the name while nothing is up; the family of what takes its connection is the one whose addresses are dealt out.
struct AddressShares {
    /// How many dialers may share a name.
    static let limit = 8
    /// How long an address is still the name's that isn't in answers any more.
    static let memory = TimeAmount.minutes(1)
    /// How many addresses of a name are known at most.
    private static let knownLimit = 64

    /// Where a dialer goes.
    enum Aim: Equatable {
        /// To whichever of the name's addresses takes a connection first, but those that the others go to.
        case name(except: [IPAddress])
        /// To this one.
        case address(IPAddress)
        /// Nowhere: the others go to all there are.
        case nowhere

        /// Whether name servers have to be asked.
        var isName: Bool { if case .name = self { true } else { false } }
    }

    private struct Share {
        var address: IPAddress?
        var isUp = false
        /// Its address is no longer the name's, or another's too.
        var isUnneeded = false
    }

    private struct Known {
        var address: IPAddress
        var seen: NIODeadline
    }

    private var shares: [Share]
    /// In the order in which they were first seen.
    private var known: [Known] = []
    private var family: IPAddress.Family?

    /// - Parameter count: How many dialers there are, at least one.
    init(count: Int) { shares = Array(repeating: Share(), count: max(1, count)) }

    /// How many dialers there are.
    var count: Int { shares.count }

    /// How many addresses are remembered.
    var knownCount: Int { known.count }

    /// The address that a dialer has got, if it has one.
    func address(of index: Int) -> IPAddress? { shares[index].address }

    /// Where a dialer goes next.
    func aim(of index: Int) -> Aim {
        guard index == 0, !shares.contains(where: \.isUp) else { return shares[index].address.map { .address($0) } ?? .nowhere }
        return .name(except: shares.dropFirst().compactMap(\.address))
    }

    /// Whether nothing new is to go to a dialer's server, since another can take it.
    func isLeaving(_ index: Int) -> Bool {
        shares[index].isUp && shares[index].isUnneeded && shares.contains { $0.isUp && !$0.isUnneeded }
    }

    // MARK: - What happens

    /// Name servers have said which addresses the name has.
    mutating func found(_ addresses: [IPAddress], at now: NIODeadline) {
        for address in addresses {
            if let index = known.firstIndex(where: { $0.address == address }) {
                known[index].seen = now
            } else if known.count < Self.knownLimit {
                known.append(Known(address: address, seen: now))
            }
        }
        known.removeAll { now - $0.seen >= Self.memory }
        deal()
    }

    /// A dialer's connection works, which leads to that address.
    mutating func came(_ index: Int, at address: IPAddress) {
        if !shares.contains(where: \.isUp) { family = address.family }
        shares[index].isUp = true
        shares[index].address = address
        for other in shares.indices where other != index && !shares[other].isUp && shares[other].address == address {
            shares[other].address = nil
        }
        deal()
    }

    /// A dialer has no connection any more.
    mutating func went(_ index: Int) {
        shares[index].isUp = false
        if shares[index].isUnneeded {
            shares[index].isUnneeded = false
            shares[index].address = nil
        }
        deal()
    }

    private mutating func deal() {
        guard var family, !known.isEmpty else { return }
        if !known.contains(where: { $0.address.family == family }) { family = known[0].address.family }
        self.family = family
        let candidates = known.map(\.address).filter { $0.family == family }
        for index in shares.indices {
            guard let address = shares[index].address else { continue }
            let isOthers = shares[..<index].contains { $0.address == address }
            if candidates.contains(address), !isOthers {
                shares[index].isUnneeded = false
            } else if shares[index].isUp {
                shares[index].isUnneeded = true
            } else {
                shares[index].address = nil
            }
        }
        for address in candidates where !shares.contains(where: { $0.address == address }) {
            guard let free = shares.firstIndex(where: { $0.address == nil && !$0.isUp }) else { break }
            shares[free].address = address
        }
    }
}
