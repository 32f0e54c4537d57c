import Instruments
import NIOCore
import Pipeline

/// The addresses of a name that is dialled by several dialers of a loop, each of which has one of them: asks for them, deals them out as
/// `AddressShares` says, and has metrics name them. Confined to its loop.
final class SharedName {
    /// How often it is looked which addresses there are. Name servers are asked when the time of their answer is over.
    private static let look = TimeAmount.seconds(5)

    private struct Observer {
        let index: Int
        /// Told that the dialer has another aim, or is to leave: whether it is to dial now.
        let changed: (Bool) -> Void
    }

    private let place: HostPort
    private let shard: Shard
    private let finder: AddressFinder
    private let timeout: TimeAmount
    private var shares: AddressShares
    private var observers: [Observer] = []
    /// Which address each dialer's metrics are about.
    private var counted: [IPAddress?]
    private var next: Scheduled<Void>?
    private var isStarted = false
    private var isStopped = false
    /// Where the stage stands, so that what it counts isn't taken for what another counts of the same name.
    private let stage: String

    /// - Parameter count: How many dialers share it.
    init(_ place: HostPort, count: Int, configuration: ConnectConfiguration, shard: Shard) {
        self.place = place
        self.shard = shard
        stage = shard.assembling?.path ?? ""
        finder = AddressFinder(configuration.resolver, on: shard.loop)
        timeout = TimeAmount(configuration.timeout)
        shares = AddressShares(count: count)
        counted = Array(repeating: nil, count: count)
        showAll()
    }

    /// What a dialer's metrics are told apart by, whatever address it has.
    func label(of index: Int) -> MetricTable.Label { .init("server", "\(place)#\(index + 1)@\(stage)") }

    func aim(of index: Int) -> AddressShares.Aim { shares.aim(of: index) }

    func address(of index: Int) -> IPAddress? { shares.address(of: index) }

    func isLeaving(_ index: Int) -> Bool { shares.isLeaving(index) }

    /// What people call the server of a dialer.
    func name(of index: Int) -> String { shares.address(of: index).map { "\(place) (\($0))" } ?? "\(place)" }

    func observe(_ index: Int, _ changed: @escaping (_ hasToDial: Bool) -> Void) {
        observers.append(Observer(index: index, changed: changed))
    }

    func start() {
        guard !isStarted else { return }
        isStarted = true
        lookUp()
    }

    func stop() {
        isStopped = true
        next?.cancel()
        finder.cancel()
    }

    func came(_ index: Int, at address: IPAddress) { change { $0.came(index, at: address) } }

    func went(_ index: Int) { change { $0.went(index) } }

    private func lookUp() {
        finder.find(place, until: .now() + timeout) { [weak self] found in
            guard let self, !isStopped else { return }
            // What is known already is better than nothing.
            if case .success(let addresses) = found { change { $0.found(addresses.compactMap { IPAddress($0) }, at: .now()) } }
            next = shard.loop.assumeIsolated().scheduleTask(in: Self.look) { [weak self] in self?.lookUp() }
        }
    }

    private func change(_ change: (inout AddressShares) -> Void) {
        let old = shares
        change(&shares)
        showAll()
        for observer in observers {
            let (before, after) = (old.aim(of: observer.index), shares.aim(of: observer.index))
            let isNew =
                switch after {
                case .nowhere: false
                case .name: before == .nowhere
                case .address(let address): old.address(of: observer.index) != address
                }
            if isNew || before != after || old.isLeaving(observer.index) != shares.isLeaving(observer.index) {
                observer.changed(isNew)
            }
        }
    }

    private func showAll() {
        let server = MetricTable.Label("server", "\(place)")
        for index in 0..<shares.count {
            let label = label(of: index)
            if let address = shares.address(of: index) {
                // What was counted before the address was known is about it too: only behind another address counting begins anew.
                let isAnother = counted[index] != nil && counted[index] != address
                shard.metrics.show(label, as: isAnother ? [server] : nil)
                counted[index] = address
                shard.metrics.show(label, as: [server, .init("address", "\(address)")])
            } else {
                shard.metrics.show(label, as: index == 0 ? [server] : nil)
            }
        }
    }
}

@available(*, unavailable)
extension SharedName: Sendable {}

/// A dialer's part of a name that several share.
struct NameShare {
    let name: SharedName
    let index: Int

    var aim: AddressShares.Aim { name.aim(of: index) }
    var standing: OutboundStanding {
        if name.isLeaving(index) { return .leaving }
        return aim == .nowhere ? .absent : .usual
    }
}
