import HTTPMessages
import NIOCore
import Platform

/// What a proxy's answer says to a person, and about another attempt.
extension ProxyHandshake {
    /// How much of a page and of a reason is shown, in characters.
    private static let textLimit = 200
    private static let phraseLimit = 60

    func refusal(_ head: HTTP1ResponseHead, _ page: ByteBuffer, _ time: Int) -> ProxyRefusal {
        let phrase = ForeignText.line(head.reason, limit: Self.phraseLimit)
        let text = PageText.line(page, head.fields, limit: Self.textLimit)
        let said = [phrase, text].filter { !$0.isEmpty }.joined(separator: ": ")
        let (kind, what) = explain(head, time)
        return ProxyRefusal(kind, "the proxy \(proxy.text) \(what)" + (said.isEmpty ? "" : " and says \"\(said)\""))
    }

    private func explain(_ head: HTTP1ResponseHead, _ time: Int) -> (ProxyRefusal.Kind, String) {
        let status = head.status
        switch status {
        case 401, 407: return explainAuthentication(status)
        case 403: return (.server, "doesn't allow connections to \(server) (403)")
        case 405: return (.server, "makes no connections with CONNECT (405)")
        case 408, 425, 429: return (.passing(after: Self.wait(head, time)), "wants to be asked later (\(status))")
        case 400..<500: return (.server, "answered \(status)")
        case 501: return (.passing(after: Self.wait(head, time)), "makes no connections with CONNECT (501)")
        case 502, 503, 504: return (.passing(after: Self.wait(head, time)), "can't reach \(server) (\(status))")
        default: return (.passing(after: Self.wait(head, time)), "answered \(status)")
        }
    }

    /// Some proxies answer wrong credentials with 401, which is an origin's.
    private func explainAuthentication(_ status: Int) -> (ProxyRefusal.Kind, String) {
        switch proof {
        case .basic where offered.challenges.isEmpty || offered.offers("Basic"), .digest:
            return (.credentials, "refuses the user or the password (\(status))")
        case .token(.negotiate, _, _):
            return (.credentials, "refuses what Negotiate shows of this user (\(status))")
        case .token(_, let leg, _) where leg > 0:
            return (.credentials, "refuses the user, the password or the domain (\(status))")
        case .token(let scheme, _, _): return (.credentials, "begins no \(scheme.name) although it offers it (\(status))")
        case .nothing, .basic: break
        }
        let hasPassword = proxy.credentials != nil
        let takesPassword =
            offered.challenges.isEmpty || [.basic, .digest].contains { access.schemes.contains($0) && offered.offers($0.name) }
        if takesPassword, !hasPassword { return (.credentials, "wants a user and a password (\(status))") }
        let names = offered.names.map { ForeignText.line($0, limit: 32) }.joined(separator: " or ")
        let known = ProxyScheme.allCases.filter { offered.offers($0.name) }
        let usable = known.filter { !access.schemes.contains($0) }
        if usable.isEmpty {
            guard known.contains(.digest) else { return (.scheme, "wants \(names) (\(status)), which isn't spoken here") }
            return (.scheme, "wants Digest (\(status)) with a hash that isn't known here: MD5 and SHA-256 are")
        }
        let words = usable.map { "'\($0.rawValue)'" }.joined(separator: " or ")
        return (
            .scheme,
            "wants \(names) (\(status)), and 'via-auth' allows only \(access.names.joined(separator: " and ")); add \(words) to it"
        )
    }

    /// What `Retry-After` asks for: seconds, or a date (RFC 9110, 10.2.3).
    private static func wait(_ head: HTTP1ResponseHead, _ time: Int) -> TimeAmount? {
        guard let value = head.fields.first("Retry-After") else { return nil }
        let seconds = Int64(value) ?? HTTPDate.parse(value).map { Int64($0 - time) }
        return seconds.flatMap { (1...86_400).contains($0) ? .seconds($0) : nil }
    }
}
