/// The `Proxy-Status` field (RFC 9209), with which an intermediary says what kept it from answering.
package enum ProxyStatus {
    static let field = "Proxy-Status"
    static let name = "fluidity"

    /// The field's value for a failure, or nil for one that has no name in the RFC.
    static func value(for failure: Failure) -> String? {
        guard let reason = failure.code.reason else { return nil }
        let error: String
        switch reason {
        case .nameNotResolved: error = "dns_error"
        case .connectionRefused: error = "connection_refused"
        case .unreachable: error = "destination_unavailable"
        case .originClosed: error = "connection_terminated"
        case .originInvalid: error = "http_protocol_error"
        case .forbidden: error = "http_request_denied"
        case .internalError: error = "proxy_internal_error"
        case .none, .cancelled, .protocolViolation, .flowControl, .tooLarge, .excessive, .refused, .draining, .tunnelLost,
            .tunnelDown, .timeout, .badRequest:
            return nil
        }
        return "\(name); error=\(error)"
    }

    /// Adds the exchange's id to what this program says in a response that it makes itself (RFC 9209, 2.1.5).
    package static func identify(_ exchange: String, in fields: inout HeaderFields) {
        let own = "\(name);"
        let said = fields[field].last { $0.hasPrefix(own) || $0 == name } ?? name
        guard !said.contains("details=") else { return }
        fields.set(field, "\(said); details=\"exchange \(exchange)\"")
    }

    /// The error that the last member of the field has, which is the one nearest to the client (RFC 9209, 2).
    package static func error(in fields: HeaderFields) -> String? {
        guard let member = fields[field].last?.split(separator: ",").last else { return nil }
        for parameter in member.split(separator: ";").dropFirst() {
            let pair = parameter.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " && $0 != "\t" } }
            if pair.count == 2, pair[0] == "error" { return pair[1] }
        }
        return nil
    }
}
