import ConfigurationLanguage
import NIOCore
import TunnelStages

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// `libpacparser`, opened when a script is to be evaluated: SpiderMonkey with the functions that such scripts have.
struct PACParser {
    static let file = "libpacparser.so.1"

    private let begin: @convention(c) () -> CInt
    private let setOwnAddress: @convention(c) (UnsafePointer<CChar>) -> Void
    private let parse: @convention(c) (UnsafePointer<CChar>) -> CInt
    private let findProxy: @convention(c) (UnsafePointer<CChar>, UnsafePointer<CChar>) -> UnsafeMutablePointer<CChar>?

    /// Nil where it isn't installed.
    init?() {
        guard let library = dlopen(Self.file, RTLD_NOW | RTLD_LOCAL), let begin = dlsym(library, "pacparser_init"),
            let setOwnAddress = dlsym(library, "pacparser_setmyip"), let parse = dlsym(library, "pacparser_parse_pac_string"),
            let findProxy = dlsym(library, "pacparser_find_proxy")
        else { return nil }
        self.begin = unsafeBitCast(begin, to: (@convention(c) () -> CInt).self)
        self.setOwnAddress = unsafeBitCast(setOwnAddress, to: (@convention(c) (UnsafePointer<CChar>) -> Void).self)
        self.parse = unsafeBitCast(parse, to: (@convention(c) (UnsafePointer<CChar>) -> CInt).self)
        self.findProxy = unsafeBitCast(
            findProxy,
            to: (@convention(c) (UnsafePointer<CChar>, UnsafePointer<CChar>) -> UnsafeMutablePointer<CChar>?).self)
    }

    /// What the script says of a server; nil where it has no answer. A tunnel is TLS, so it is asked for an https URL, without a path, as
    /// browsers do.
    func find(_ question: ProxyScriptChild.Question) -> String? {
        guard !question.script.contains(0), !question.server.host.utf8.contains(0) else { return nil }
        if let address = Self.ownAddress { address.withCString { setOwnAddress($0) } }
        let host = question.server.host
        let isAddress = host.contains(":")
        let url = "https://\(isAddress ? "[\(host)]" : host):\(question.server.port)/"
        guard begin() != 0, String(decoding: question.script, as: UTF8.self).withCString({ parse($0) }) != 0 else { return nil }
        guard let answer = url.withCString({ url in host.withCString { findProxy(url, $0) } }) else { return nil }
        return String(cString: answer)
    }

    /// The address that this machine has on the way out: a socket that is connected and sends nothing knows it.
    private static var ownAddress: String? {
        #if os(Linux)
        let kind = CInt(SOCK_DGRAM.rawValue)
        #else
        let kind = SOCK_DGRAM
        #endif
        let socket = socket(AF_INET, kind, 0)
        guard socket >= 0 else { return nil }
        defer { close(socket) }
        // An address that nobody has (RFC 5737): only the route to it counts.
        guard let nobody = try? SocketAddress(ipAddress: "192.0.2.1", port: 9),
            nobody.withSockAddr({ address, size in connect(socket, address, socklen_t(size)) == 0 })
        else { return nil }
        var own = [UInt8](repeating: 0, count: 128)
        var length = socklen_t(own.count)
        let isKnown = own.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { getsockname(socket, $0.assumingMemoryBound(to: sockaddr.self), &length) == 0 } ?? false
        }
        // Behind family and port, in the system's `sockaddr_in` everywhere.
        return isKnown ? own[4..<8].map(String.init).joined(separator: ".") : nil
    }
}
