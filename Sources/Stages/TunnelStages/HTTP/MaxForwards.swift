package import Pipeline

/// How far a TRACE or an OPTIONS may go (RFC 9110, 7.6.2).
package enum MaxForwards {
    private static let field = "Max-Forwards"
    private static let largest = 1_000_000_000

    /// Counts this program as one that passes the request on. The result is the answer to one that is to go no further.
    package static func count(_ request: inout RequestHead) -> LocalResponse? {
        guard request.method == "OPTIONS" || request.method == "TRACE", let value = request.fields.first(field) else { return nil }
        // What is no number says nothing.
        guard !value.isEmpty, value.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        let number = min(Int(value) ?? largest, largest)
        guard number > 0 else {
            let methods = HeaderFields([("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, CONNECT")])
            // What a proxy would reflect has what its client's user may not want to be seen.
            guard request.method == "OPTIONS" else {
                return LocalResponse(status: 405, body: "TRACE isn't answered here.\n", fields: methods)
            }
            return LocalResponse(status: 200, fields: methods)
        }
        request.fields.set(field, "\(number - 1)")
        return nil
    }
}
