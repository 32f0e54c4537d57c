package import Pipeline

/// `Via` in what passes, and the end of what comes round (RFC 9110, 7.6 and 7.6.3).
package struct ViaField: Sendable {
    private static let field = "Via"

    private let name: String
    /// Responses tell their clients as well: a proxy's do, a gateway's needn't.
    private let isInResponses: Bool

    /// - Parameter name: The configured one; nil where nothing is configured. Then a gateway has a name of its own, for one whose origin leads
    ///   to itself would ask itself for ever, and a proxy none: a request in origin-form, as it would make one of itself, is no request to it.
    package init?(_ name: ViaName?, mode: HTTPMode) {
        switch (name, mode) {
        case (let name?, _):
            guard let pseudonym = name.pseudonym else { return nil }
            self.name = pseudonym
        case (nil, .origin): self.name = Self.ownName
        case (nil, .proxy): return nil
        }
        isInResponses = mode == .proxy
    }

    /// Another one for each process: it tells nobody anything, and two gateways in a row aren't taken for one.
    private static let ownName = "fluidity-" + String(UInt32.random(in: .min ... .max), radix: 16)

    /// Adds this program to those that a request has passed. The result is the answer to one that has passed it before.
    package func pass(_ request: inout RequestHead, minorVersion: Int) -> LocalResponse? {
        // A tunnel's request ends here: what goes through it is made by its two ends.
        guard request.kind != .tunnel else { return nil }
        guard !hasPassed(request.fields) else {
            return LocalResponse(
                status: 508,
                body: "The request has come round to where it was before: the origin that it asks for leads back here.\n",
                failure: Failure(.badRequest, "the request has come round"))
        }
        request.fields.append(Self.field, "1.\(minorVersion) \(name)")
        return nil
    }

    /// Adds this program to those that a response has passed. Origins are spoken to in HTTP/1.1.
    package func pass(_ response: inout ResponseHead) {
        guard isInResponses else { return }
        response.fields.append(Self.field, "1.1 \(name)")
    }

    /// Each element is a protocol, a name and perhaps a comment.
    private func hasPassed(_ fields: HeaderFields) -> Bool {
        guard fields.contains(Self.field) else { return false }
        return fields[Self.field].contains { list in
            list.split(separator: ",").contains { element in
                let words = element.split { $0 == " " || $0 == "\t" }
                return words.count > 1 && words[1].lowercased() == name.lowercased()
            }
        }
    }
}
