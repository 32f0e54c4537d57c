import HTTPMessages
package import Logging
import NIOCore
package import Pipeline
package import Platform

/// One line at `info` for each exchange: who, what kind, which host, how it ended, how much, how long. Never a path, a query,
/// a field or a body.
///
/// It looks like every line of the log and stands among them. Since there is one for each exchange it isn't made by way of a
/// `Logger`, with its dictionary, but written as it is.
package struct ExchangeLogger: ExchangeLog {
    private let format: LogSettings.Format
    private let host: String
    private let writer: LineWriter
    private let level: Logger.Level

    /// A logger for standard error.
    package static func make(_ settings: LogSettings, host: HostKind) -> any ExchangeLog {
        ExchangeLogger(format: settings.format, host: host.rawValue, writer: .standardError, level: settings.level)
    }

    /// A log that passes exchanges to a logger of somebody else's; nil where its level leaves such lines out.
    package static func make(_ logger: Logger) -> (any ExchangeLog)? {
        logger.logLevel <= .info ? ForeignExchangeLogger(logger: logger) : nil
    }

    /// - Parameters:
    ///   - host: The kind of host, which each line names.
    ///   - level: Counts until another is set for the process. Above `info` there are no lines.
    package init(format: LogSettings.Format, host: String, writer: LineWriter, level: Logger.Level = .info) {
        self.level = level
        self.format = format
        self.host = host
        self.writer = writer
    }

    /// Writes a line for an exchange that is over, on its event loop; it doesn't wait for whoever reads the lines.
    package func finished(_ exchange: Exchange) {
        guard LogLevel.process.override ?? level <= .info else { return }
        writer.write { line in
            switch format {
            case .json: json(exchange, &line)
            case .text: text(exchange, &line)
            }
            line.append(0x0A)
        }
    }

    // Members stand in the order of their names, as in all lines of the log.
    private func json(_ exchange: Exchange, _ line: inout LineBuffer) {
        line.append("{\"time\":\"")
        line.appendTime()
        line.append("\",\"level\":\"info\",\"message\":\"exchange\",")
        line.appendMembers { json in
            json.member("client", exchange.clientName)
            json.member("duration", "\(Self.milliseconds(exchange))ms")
            if let failure = exchange.failure ?? exchange.toldFailure { json.member("failure", failure.message) }
            json.member("host", host)
            json.member("method", exchange.request.method)
            json.member("received", "\(exchange.requestBytes)")
            json.member("remote", exchange.client.remote)
            json.member("request", exchange.id.description)
            if let route = exchange.route { json.member("route", route) }
            json.member("sent", "\(exchange.responseBytes)")
            json.member("status", "\(exchange.response?.status ?? 0)")
            json.member("target", exchange.request.authority)
            if let trace = TraceContext(in: exchange.request.fields) { json.member("trace", trace.traceID) }
        }
        line.append(UInt8(ascii: "}"))
    }

    private func text(_ exchange: Exchange, _ line: inout LineBuffer) {
        line.appendTime()
        line.append(" info     exchange client=")
        line.appendWord(exchange.clientName)
        line.append(" duration=\(Self.milliseconds(exchange))ms")
        if let failure = exchange.failure ?? exchange.toldFailure {
            line.append(" failure=")
            line.appendWord(failure.message)
        }
        line.append(" host=\(host) method=")
        line.appendWord(exchange.request.method)
        line.append(" received=\(exchange.requestBytes) remote=")
        line.appendWord(exchange.client.remote)
        line.append(" request=")
        line.append(exchange.id.description)
        if let route = exchange.route { line.append(" route=\(route)") }
        line.append(" sent=\(exchange.responseBytes) status=\(exchange.response?.status ?? 0) target=")
        line.appendWord(exchange.request.authority)
        if let trace = TraceContext(in: exchange.request.fields) { line.append(" trace=\(trace.traceID)") }
    }

    private static func milliseconds(_ exchange: Exchange) -> Int64 {
        (exchange.ended - exchange.began).nanoseconds / 1_000_000
    }
}

/// The same by way of a logger.
private struct ForeignExchangeLogger: ExchangeLog {
    let logger: Logger

    func finished(_ exchange: Exchange) {
        let milliseconds = (exchange.ended - exchange.began).nanoseconds / 1_000_000
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
        if let route = exchange.route { metadata["route"] = "\(route)" }
        if let failure = exchange.failure ?? exchange.toldFailure { metadata["failure"] = "\(failure.message)" }
        if let trace = TraceContext(in: exchange.request.fields) { metadata["trace"] = "\(trace.traceID)" }
        logger.info("exchange", metadata: metadata)
    }
}
