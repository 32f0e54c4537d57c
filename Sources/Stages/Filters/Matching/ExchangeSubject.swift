package import Addresses
package import HTTPMessages
package import Pipeline
package import Platform

/// What conditions look at in an exchange.
package struct ExchangeSubject {
    /// As the client wrote it, without the dot that a name may end with.
    package let host: Substring
    /// What the host is dialled as, if it is written as an address.
    package let address: IPAddress?
    /// The port, given or by the scheme.
    package let port: Int
    /// The method, CONNECT for tunnels.
    package let method: String
    /// Who it is from, `-` where nobody has found out.
    package let identity: String
    /// What it is about.
    package let kind: ExchangeKind
    /// Nil for a tunnel.
    package let scheme: ExchangeScheme?
    /// Where the client's connection comes from; nil for a Unix socket.
    package let client: IPAddress?
    /// Nil where nobody asks.
    package let time: LocalTime?

    /// What conditions look at in a request.
    package init(_ request: RequestHead, identity: String, client: IPAddress?, time: LocalTime?) {
        let authority = Authority.parts(of: request.authority)
        let host = authority?.host ?? Substring(request.authority)
        // A name begins with a digit seldom, and has no colon.
        let mayBeAddress = host.utf8.first.map { (0x30...0x39).contains($0) } ?? false || host.utf8.contains(UInt8(ascii: ":"))
        address = mayBeAddress ? IPAddress(host: String(host)) : nil
        self.host = host.utf8.count > 1 && host.utf8.last == UInt8(ascii: ".") ? host.dropLast() : host
        port = authority?.port ?? request.scheme.defaultPort
        method = request.method
        self.identity = identity
        kind =
            switch request.kind {
            case .plain: .plain
            case .tunnel: .tunnel
            case .upgrade: .upgrade
            }
        scheme =
            switch request.scheme {
            case .none: nil
            case .http: .http
            case .https: .https
            }
        self.client = client
        self.time = time
    }

    /// - Parameter time: Nil where nobody asks.
    package init(_ exchange: Exchange, time: LocalTime?) {
        self.init(exchange.request, identity: exchange.clientName, client: exchange.client.ipAddress, time: time)
    }
}
