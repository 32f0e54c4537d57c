import ConfigurationLanguage
import NIOCore
import Pipeline

/// Takes outgoing connections and yields those that go in a WebSocket of the server.
struct WebSocketClientStage: Stage {
    typealias Input = Outbound
    typealias Output = Outbound
    let request: WebSocketOpening.Request
    /// The request names the host that is dialled, which isn't known before.
    let namesDialledHost: Bool
    let patience: TimeAmount

    func assemble(_ downstream: any OutboundPort, on shard: Shard) throws -> any OutboundPort {
        Port(self, downstream: downstream, shard: shard, meter: WebSocketMeter(on: shard))
    }

    private final class Port: OutboundLayer {
        private let stage: WebSocketClientStage
        private let shard: Shard
        private let meter: WebSocketMeter
        let downstream: any OutboundPort
        var client: (any OutboundClient)?

        init(_ stage: WebSocketClientStage, downstream: any OutboundPort, shard: Shard, meter: WebSocketMeter) {
            self.stage = stage
            self.downstream = downstream
            self.shard = shard
            self.meter = meter
        }

        func beside(_ downstream: any OutboundPort) -> any OutboundPort {
            Port(stage, downstream: downstream, shard: shard, meter: meter)
        }

        // What TLS on the way is to agree on is the WebSocket's, and not what is spoken within it.
        var protocols: [String] { ["http/1.1"] }

        func configure(_ connection: Outbound) throws {
            var request = stage.request
            if stage.namesDialledHost { request.host = connection.host }
            let opening = WebSocketOpeningHandler(WebSocketOpening(request), patience: stage.patience, shard: shard) {
                [weak self, weak connection] ending in
                guard let self, let connection else { return }
                switch ending {
                case .open:
                    meter.opened.add()
                    client?.ready(connection)
                case .failed(let error, let isMismatch):
                    meter.refused.add()
                    // What went wrong before, at a proxy or in TLS, is the reason.
                    if connection.failure == nil {
                        connection.failure = error
                        connection.isMismatch = isMismatch
                    }
                }
            }
            let carrier = WebSocketHandler(.client) { [weak connection] in connection?.failure = connection?.failure ?? $0 }
            try connection.channel.pipeline.syncOperations.addHandlers(opening, carrier)
            try client?.configure(connection)
        }
    }
}
