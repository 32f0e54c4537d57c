/// One way to the server.
package enum Route: Sendable, Hashable {
    /// A connection to the server itself.
    case direct
    /// A CONNECT through an HTTP proxy.
    case proxy(ProxyAddress)
    /// None, for a reason that is a sentence.
    case nowhere(String)

    /// The way for logs, without credentials.
    package var text: String {
        switch self {
        case .direct: "direct"
        case .proxy(let proxy): proxy.text
        case .nowhere: "nowhere"
        }
    }
}
