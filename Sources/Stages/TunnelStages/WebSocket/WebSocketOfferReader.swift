import Logging
import NIOCore
import Pipeline

/// Tells by a connection's first request who serves it: the WebSocket, or the site beside it.
struct WebSocketOfferReader: FirstBytesReader {
    let connection: Inbound
    let port: WebSocketServerPort
    private var parser = HTTP1RequestParser()

    init(connection: Inbound, port: WebSocketServerPort) {
        self.connection = connection
        self.port = port
    }

    mutating func read(_ all: ByteBuffer, newest: ByteBuffer) -> FirstBytesDecision {
        parser.append(newest)
        let head: HTTP1RequestHead
        do {
            guard case .head(let found)? = try parser.next() else { return .wait }
            head = found
        } catch {
            return site(all)
        }
        switch port.offer.answer(head) {
        case .open(let response):
            return .give(parser.takeRest(), answer: response) { [connection, port] context in
                try context.pipeline.syncOperations.addHandler(WebSocketHandler(.server))
                try port.open(connection)
            }
        case .refuse(let response, let reason):
            port.meter.refused.add()
            port.shard.logger.info(
                "peer refused",
                metadata: ["remote": "\(connection.remote)", "reason": "the client asks for the WebSocket, and \(reason)"])
            return .refuse(response)
        case .other: return site(all)
        }
    }

    /// Like an ordinary site, which keeps no connection for a second request: that may be the one for the WebSocket, as a reverse proxy has
    /// its connections from several clients. It reads anew what has come.
    private func site(_ bytes: ByteBuffer) -> FirstBytesDecision {
        .give(bytes) { [connection, port] context in
            try port.site.accept(connection)
            context.fireUserInboundEventTriggered(DrainEvent())
        }
    }
}
