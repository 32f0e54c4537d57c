import ConfigurationLanguage
import Platform

/// What a proxy auto-configuration answers: `PROXY a:3128; HTTPS b:443; DIRECT`, ways to be tried in order.
package enum ProxyScriptAnswer {
    /// How many are taken.
    private static let limit = 16

    /// The ways, each once. One that can't be gone has a sentence in its place.
    package static func routes(_ text: String) -> [Route] {
        var routes: [Route] = []
        for part in text.split(separator: ";").prefix(limit) {
            let words = part.split(whereSeparator: \.isWhitespace)
            guard let kind = words.first else { continue }
            let route = route(kind.uppercased(), words.count > 1 ? String(words[1]) : nil)
            if !routes.contains(route) { routes.append(route) }
        }
        return routes
    }

    private static func route(_ kind: String, _ place: String?) -> Route {
        switch (kind, place) {
        case ("DIRECT", _): return .direct
        case ("PROXY", let place?), ("HTTP", let place?), ("HTTPS", let place?):
            let scheme = kind == "HTTPS" ? "https" : "http"
            // A script may not say who one is.
            guard !place.contains("@"), let address = try? ProxyAddress(url: "\(scheme)://\(place)") else { break }
            return .proxy(address)
        case ("SOCKS", let place?), ("SOCKS4", let place?), ("SOCKS5", let place?):
            return .nowhere("the proxy \(ForeignText.line(place, limit: 80)) speaks SOCKS, which isn't spoken to proxies here")
        default: break
        }
        let said = ForeignText.line([kind, place ?? ""].joined(separator: " "), limit: 80)
        return .nowhere("the proxy auto-configuration says \"\(said)\", which is no way")
    }
}
