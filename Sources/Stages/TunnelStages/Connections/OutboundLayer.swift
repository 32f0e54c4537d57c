import NIOCore
import Pipeline

/// A stage between the user of outgoing connections and the one who opens them, on one event loop: what concerns neither its user nor what it
/// does with a connection it passes on. It says itself when a connection is ready, which by default it isn't when the one below says so.
protocol OutboundLayer: OutboundPort, OutboundClient {
    /// The one who opens connections.
    var downstream: any OutboundPort { get }
    /// Their user, once there is one.
    var client: (any OutboundClient)? { get set }
    /// The same above another port that leads to the same place.
    func beside(_ downstream: any OutboundPort) -> any OutboundPort
}

extension OutboundLayer {
    func attach(_ client: any OutboundClient) {
        self.client = client
        downstream.attach(self)
    }

    var status: OutboundStatus { downstream.status }
    var patience: TimeAmount { downstream.patience }
    func openAnother() { downstream.openAnother() }
    func hasten() { downstream.hasten() }
    var connections: ConnectionCount { downstream.connections }
    func sibling() -> (any OutboundPort)? { downstream.sibling().map(beside) }
    func alternatives() -> ServerAlternatives? { downstream.alternatives()?.behind(beside) }
    func observe(_ changed: @escaping () -> Void) { downstream.observe(changed) }
    func rest() { downstream.rest() }
    var standing: OutboundStanding { downstream.standing }
    var lastDial: DialSteps { downstream.lastDial }

    func ready(_ connection: Outbound) {}
    func lost(_ connection: Outbound?, because error: (any Error)?) { client?.lost(connection, because: error) }
    func roomFreed() { client?.roomFreed() }
    var detour: HostPort? { client?.detour }
}
