import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Has the kernel ask whether the other end of a connection is still there, for protocols that have no word for it.
enum KeepAlive {
    /// How often it is asked before it is given up.
    private static let probes = 3

    /// - Parameters:
    ///   - interval: The silence after which the other end is asked; at least a second, as the kernel counts.
    ///   - timeout: How long it may then be silent.
    static func begin(on channel: any Channel, after interval: TimeAmount, within timeout: TimeAmount) {
        guard let options = channel as? any SocketOptionProvider else { return }
        _ = options.unsafeSetSocketOption(level: .socket, name: .so_keepalive, value: CInt(1))
        #if os(Linux)
        set(TCP_KEEPIDLE, seconds(interval), on: options)
        set(TCP_KEEPINTVL, max(1, seconds(timeout) / CInt(probes)), on: options)
        set(TCP_KEEPCNT, CInt(probes), on: options)
        #endif
    }

    /// How long nothing has come from the other end, not even that it has what it was sent; where it is asked as above, a longer time than
    /// both together says that it isn't there. While bytes are on their way the kernel sends those again instead of asking, for a quarter of
    /// an hour, so that somebody has to look. Never told where the system doesn't know.
    static func measureSilence(on channel: any Channel, _ told: @escaping (TimeAmount) -> Void) {
        #if os(Linux)
        guard let options = channel as? any SocketOptionProvider else { return }
        options.unsafeGetSocketOption(level: .tcp, name: .init(rawValue: TCP_INFO)).assumeIsolated().whenSuccess {
            (info: SIMD16<UInt32>) in
            // The last two that fit, in milliseconds: since when no data has come, and no acknowledgement.
            told(.milliseconds(Int64(min(info[13], info[14]))))
        }
        #endif
    }

    #if os(Linux)
    private static func set(_ name: CInt, _ value: CInt, on options: any SocketOptionProvider) {
        _ = options.unsafeSetSocketOption(level: .tcp, name: .init(rawValue: name), value: value)
    }
    #endif

    private static func seconds(_ time: TimeAmount) -> CInt { CInt(clamping: max(1, time.nanoseconds / 1_000_000_000)) }
}
