package import Logging
import NIOCore
package import Pipeline

/// One line at `info` for each exchange: who, what kind, which host, how it ended, how much, how long. Never a path, a query,
/// a field or a body.
package struct ExchangeLogger: ExchangeLog {
    private let logger: Logger

    /// Nil where the level leaves such lines out, so that they cost nothing.
    package static func make(_ logger: Logger) -> ExchangeLogger? {
        logger.logLevel <= .info ? ExchangeLogger(logger: logger) : nil
    }

    package func finished(_ exchange: Exchange) {
        let milliseconds = (NIODeadline.now() - exchange.began).nanoseconds / 1_000_000
        var metadata: Logger.Metadata = [
            "request": "\(exchange.id)",
            "client": "\(exchange.clientName)",
            "remote": "\(exchange.client.remote)",
            "method": "\(exchange.request.method)",
            "target": "\(exchange.request.authority)",
            "status": "\(exchange.response?.status ?? 0)",
            "sent": "\(exchange.responseBytes)",
            "received": "\(exchange.requestBytes)",
            "duration": "\(milliseconds)ms",
        ]
        if let failure = exchange.failure { metadata["failure"] = "\(failure.message)" }
        logger.info("exchange", metadata: metadata)
    }
}
