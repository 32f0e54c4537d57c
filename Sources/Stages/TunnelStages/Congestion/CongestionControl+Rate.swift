import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension CongestionControl {
    /// Whether a connection sends, or will send where the way is long, by the rate that arrives: what is lost doesn't make it slower.
    ///
    /// - Parameter isChosen: Whether somebody has chosen what it sends by.
    static func keepsRate(_ channel: any Channel, isChosen: Bool) -> Bool {
        #if os(Linux)
        if !isChosen, isRateOffered { return true }
        let name = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) { Self.name(on: $0) }
        return name?.hasPrefix(bbr.name) ?? false
        #else
        return false
        #endif
    }

    #if os(Linux)
    /// Whether the kernel has `bbr` and lets this program use it, as it was when this was first asked.
    private static let isRateOffered: Bool = {
        #if canImport(Glibc)
        let kind = CInt(SOCK_STREAM.rawValue)
        #else
        let kind = SOCK_STREAM
        #endif
        let descriptor = socket(AF_INET, kind, 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let name = bbr.name
        return setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_CONGESTION, name, socklen_t(name.utf8.count)) == 0
    }()

    private static func name(on descriptor: CInt) -> String {
        var bytes = [UInt8](repeating: 0, count: 16)
        var length = socklen_t(bytes.count)
        guard getsockopt(descriptor, CInt(IPPROTO_TCP), TCP_CONGESTION, &bytes, &length) == 0 else { return "" }
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    #endif
}
