import Addresses
import HTTPMessages
import Platform

/// Who may ask the admin listener what.
///
/// A browser carries requests of every site that it shows to whatever listens on its machine. So it has to be asked by a name that no
/// foreign site has (DNS rebinding), what changes something wants a field that a site elsewhere can't set without being asked for leave
/// (Fetch, CORS), and leave is never given.
struct AdminGate: Sendable {
    /// The field that a foreign site can't send. Its value doesn't count.
    static let operatorField = "Fluidity-Operator"

    /// What of a request counts here.
    struct Request {
        /// The host that is asked, without its port.
        var host: String
        /// `Authorization`, as it came.
        var authorization: String?
        /// `Sec-Fetch-Site`, which browsers say and pages can't change (W3C, Fetch Metadata).
        var fetchSite: String?
        /// Whether `Fluidity-Operator` is there.
        var isOperators: Bool
        /// Whether a page is gone to, rather than asked by another page.
        var isNavigation: Bool
        /// Whether it came to an address that this machine alone reaches.
        var isLocal: Bool
    }

    /// Why a question isn't answered.
    enum Refusal: Equatable {
        /// It was asked by a foreign name.
        case name
        /// It was asked by another site.
        case site
        /// There is no token, and the listener is reached from elsewhere.
        case needsToken
        /// The token isn't there, or is another.
        case token
        /// What only operators may ask was asked without the field.
        case field
    }

    private let names: Set<String>
    private let token: [UInt8]?

    /// - Parameters:
    ///   - names: What it may be asked by, beside addresses and localhost.
    ///   - token: What whoever is trusted has to know; nil where this machine alone is trusted.
    init(names: [String], token: String?) {
        self.names = Set(names.map { $0.lowercased() })
        self.token = token.map { Array($0.utf8) }
    }

    /// Nil for a question that is answered.
    func refusal(of request: Request, from audience: AdminQuestion.Audience) -> Refusal? {
        let host = request.host.lowercased()
        guard host == "localhost" || names.contains(host) || IPAddress(host: host) != nil else { return .name }
        guard audience != .anybody else { return nil }
        if let site = request.fetchSite, site != "same-origin", site != "none", audience == .operators || !request.isNavigation {
            return .site
        }
        if let token {
            guard let shown = Self.token(in: request.authorization), ConstantTime.equal(shown, token) else { return .token }
        } else if !request.isLocal {
            return .needsToken
        }
        return audience == .operators && !request.isOperators ? .field : nil
    }

    /// What `Authorization` says: the token itself (RFC 6750), or, for browsers, a name that doesn't count with the token as its
    /// password (RFC 7617).
    private static func token(in authorization: String?) -> [UInt8]? {
        guard let parts = authorization?.split(separator: " ", maxSplits: 1), parts.count == 2 else { return nil }
        switch parts[0].lowercased() {
        case "bearer": return Array(parts[1].utf8)
        case "basic":
            guard let pair = Base64.bytes(of: parts[1]), let colon = pair.firstIndex(of: UInt8(ascii: ":")) else { return nil }
            return Array(pair[(colon + 1)...])
        default: return nil
        }
    }
}

extension AdminGate.Refusal {
    /// The answer, which says what to do.
    var response: LocalResponse {
        switch self {
        case .name: LocalResponse(status: 421, body: "Ask by address or by 'localhost', or add the name to 'names' of 'admin'.\n")
        case .site: LocalResponse(status: 403, body: "Another site may neither read nor change this.\n")
        case .needsToken:
            LocalResponse(
                status: 403,
                body:
                    "This shows what people do, so that whoever reads it from another machine needs a token: set 'token' of 'admin'.\n"
            )
        case .token:
            LocalResponse(
                status: 401, body: "This wants the token of 'admin': as a bearer, or in a browser as the password with any name.\n",
                fields: HeaderFields([("WWW-Authenticate", "Basic realm=\"fluidity\", charset=\"UTF-8\"")]))
        case .field:
            LocalResponse(
                status: 403, body: "What changes something has to be asked with the field '\(AdminGate.operatorField)'.\n")
        }
    }
}
