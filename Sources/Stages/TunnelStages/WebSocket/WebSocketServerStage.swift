import ConfigurationLanguage
import Filters
import NIOCore
import Pipeline

/// Takes connections and yields those that come in the WebSocket. Requests for anything else are answered as by an ordinary site.
struct WebSocketServerStage: Stage {
    typealias Input = Inbound
    typealias Output = Inbound
    let offer: WebSocketOffer
    let patience: TimeAmount
    /// The answer to other requests.
    let site: RespondConfiguration

    func assemble(_ downstream: any InboundPort, on shard: Shard) throws -> any InboundPort {
        var http = HTTPConfiguration()
        http.mode = .origin
        http.via = .unsaid
        // Whoever only looks at the site is nobody's: the tunnel's agents go first where there is no room.
        // Load balancers that look whether the server is there name no host, in HTTP/1.0, and all requests have the same answer.
        let stage = HTTPStage(configuration: http, isIdentified: true, assumedHost: "localhost")
        return WebSocketServerPort(
            offer: offer, patience: patience, site: try stage.assemble(RespondFactory.port(site, on: shard), on: shard),
            downstream: downstream, shard: shard)
    }
}

/// The server's side on one event loop.
final class WebSocketServerPort: InboundPort {
    let offer: WebSocketOffer
    let patience: TimeAmount
    let site: any InboundPort
    let shard: Shard
    let meter: WebSocketMeter
    private let downstream: any InboundPort

    init(offer: WebSocketOffer, patience: TimeAmount, site: any InboundPort, downstream: any InboundPort, shard: Shard) {
        self.offer = offer
        self.patience = patience
        self.site = site
        self.downstream = downstream
        self.shard = shard
        meter = WebSocketMeter(on: shard)
    }

    // What TLS before it agrees on is the WebSocket's; what is spoken within it, TLS behind it agrees on.
    var protocols: [String] { ["http/1.1"] }
    var admits: Bool { true }

    func accept(_ connection: Inbound) throws {
        try connection.channel.pipeline.syncOperations.addHandler(
            FirstBytesHandler(WebSocketOfferReader(connection: connection, port: self), on: shard, within: patience))
    }

    /// The WebSocket is open: what comes in it is the next stage's.
    func open(_ connection: Inbound) throws {
        meter.opened.add()
        connection.negotiatedProtocol = nil
        if !downstream.admits { connection.admit() }
        try downstream.accept(connection)
    }
}

@available(*, unavailable)
extension WebSocketServerPort: Sendable {}
