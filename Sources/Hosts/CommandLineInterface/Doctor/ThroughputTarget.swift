import ConfigurationLanguage
import HTTPMessages

/// Where so much can be had, and sent, that it takes a while.
struct ThroughputTarget: Sendable, Equatable {
    let authority: String
    let path: String

    /// Nil for what isn't an `http` URL.
    init?(_ url: String) {
        guard url.lowercased().hasPrefix("http://") else { return nil }
        let rest = url.dropFirst(7)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard Authority(String(authority)) != nil, url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        self.authority = String(authority)
        let path = rest[authority.endIndex...].prefix { $0 != "#" }
        self.path = path.first == "/" ? String(path) : "/" + path
    }

    func request(_ method: String, body: BodyLength) -> RequestHead {
        RequestHead(method: method, scheme: .http, authority: authority, path: path, body: body)
    }
}

extension RequestHead {
    /// For a name that nobody has (RFC 6761, 6.4), so that the server answers by itself, whatever it answers.
    static let nowhere = RequestHead(method: "GET", scheme: .http, authority: "doctor.invalid", path: "/")
}
