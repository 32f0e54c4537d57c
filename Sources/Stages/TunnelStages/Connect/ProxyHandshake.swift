package import ConfigurationLanguage
import HTTPMessages
package import NIOCore
import Platform

/// Asks an HTTP proxy for a connection to the server (RFC 9110, 9.3.6), and reads what it says if it doesn't open one.
package struct ProxyHandshake: Sendable {
    /// How far the proxy has opened the way.
    package enum Outcome: Sendable, Equatable {
        /// The response isn't complete yet: more bytes are needed.
        case more
        /// From here the bytes are the server's, these first.
        case open(ByteBuffer)
        /// The proxy has answered with another status than 2xx, or with no HTTP response.
        case refused(ProxyRefusal)
    }

    /// How much of a page is read, in bytes, and how much of it is shown, in characters.
    private static let pageLimit = 16 << 10
    private static let textLimit = 200
    private static let phraseLimit = 60

    private let proxy: ProxyAddress
    private let server: HostPort
    private let showsCredentials: Bool
    private var parser = HTTP1ResponseParser()
    private var refusing: HTTP1ResponseHead?
    private var page = ByteBuffer()

    /// A handshake of which nothing is sent yet.
    ///
    /// - Parameter showsCredentials: Whether the proxy is shown those that it has.
    package init(proxy: ProxyAddress, server: HostPort, showsCredentials: Bool = true) {
        self.proxy = proxy
        self.server = server
        self.showsCredentials = showsCredentials
        parser.expectResponse(to: "CONNECT")
    }

    /// The CONNECT request for the server, with `Proxy-Authorization` if credentials are shown.
    package var request: ByteBuffer {
        // Some proxies refuse a client that doesn't say what it is.
        var request = "CONNECT \(server) HTTP/1.1\r\nHost: \(server)\r\nUser-Agent: \(ProgramVersion.userAgent)\r\n"
        if showsCredentials, let credentials = proxy.credentials {
            request += "Proxy-Authorization: Basic \(Base64.encode(credentials.revealed))\r\n"
        }
        return ByteBuffer(string: request + "\r\n")
    }

    /// The proxy has refused; what it says to that may still be on its way.
    package var isRefused: Bool { refusing != nil }

    /// Takes what the proxy sends.
    ///
    /// - Parameter time: The time of day, in seconds of the Unix epoch.
    package mutating func receive(_ bytes: ByteBuffer, time: Int) -> Outcome {
        parser.append(bytes)
        do {
            while let part = try parser.next() {
                switch part {
                case .head(let head):
                    if head.isInformational { continue }
                    if (200..<300).contains(head.status) { return .open(parser.takeRest()) }
                    refusing = head
                case .body(let bytes):
                    page.writeImmutableBuffer(bytes.getSlice(at: bytes.readerIndex, length: room(for: bytes)) ?? ByteBuffer())
                case .end: return finish(time: time).map { .refused($0) } ?? .more
                }
                if page.readableBytes >= Self.pageLimit { return finish(time: time).map { .refused($0) } ?? .more }
            }
            return .more
        } catch {
            // What came before says enough.
            if let refusal = finish(time: time) { return .refused(refusal) }
            return .refused(ProxyRefusal(.passing(after: nil), "the proxy \(proxy.text) sent no valid HTTP: \(error.reason)"))
        }
    }

    private func room(for bytes: ByteBuffer) -> Int { min(bytes.readableBytes, Self.pageLimit - page.readableBytes) }

    /// Nothing more comes, or is waited for: the refusal, if the proxy has begun one.
    package func finish(time: Int) -> ProxyRefusal? {
        guard let head = refusing else { return nil }
        let phrase = ForeignText.line(head.reason, limit: Self.phraseLimit)
        let text = PageText.line(page, head.fields, limit: Self.textLimit)
        let said = [phrase, text].filter { !$0.isEmpty }.joined(separator: ": ")
        let (kind, what) = explain(head, time)
        return ProxyRefusal(kind, "the proxy \(proxy.text) \(what)" + (said.isEmpty ? "" : " and says \"\(said)\""))
    }

    private func explain(_ head: HTTP1ResponseHead, _ time: Int) -> (ProxyRefusal.Kind, String) {
        let status = head.status
        switch status {
        case 401, 407: return explainAuthentication(head)
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
    private func explainAuthentication(_ head: HTTP1ResponseHead) -> (ProxyRefusal.Kind, String) {
        let offered = AuthenticationSchemes(head.proxyAuthenticate + (head.status == 401 ? head.fields["WWW-Authenticate"] : []))
        guard offered.names.isEmpty || offered.offers("Basic") else {
            let names = offered.names.map { ForeignText.line($0, limit: 32) }.joined(separator: " or ")
            return (.scheme, "wants \(names) (\(head.status)), which isn't spoken here: only Basic is")
        }
        if proxy.credentials == nil { return (.credentials, "wants a user and a password (\(head.status))") }
        if !showsCredentials { return (.takesBasic, "takes a user and a password now (\(head.status))") }
        return (.credentials, "refuses the user or the password (\(head.status))")
    }

    /// What `Retry-After` asks for: seconds, or a date (RFC 9110, 10.2.3).
    private static func wait(_ head: HTTP1ResponseHead, _ time: Int) -> TimeAmount? {
        guard let value = head.fields.first("Retry-After") else { return nil }
        let seconds = Int64(value) ?? HTTPDate.parse(value).map { Int64($0 - time) }
        return seconds.flatMap { (1...86_400).contains($0) ? .seconds($0) : nil }
    }
}
