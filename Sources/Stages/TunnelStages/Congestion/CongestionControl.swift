public import ConfigurationLanguage
import HTTPMessages
import NIOCore
import Pipeline

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The kernel's algorithm that decides how fast a TCP connection sends. `bbr` goes by the rate and the round trip that it sees, where
/// `cubic` halves its rate at each loss: over a lossy line it carries several times as much.
public struct CongestionControl: Sendable, Equatable, ScalarConfigurationValue {
    let name: String

    public static var typeDescription: String { "one of the kernel's algorithms, such as bbr or cubic" }

    public static var shape: ValueShape { .text(pattern: "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,15}$") }

    public init(configured text: String) throws(InvalidValue) {
        // TCP_CA_NAME_MAX has 16 bytes, with the zero at the end.
        let isName = (1...15).contains(text.utf8.count) && text.utf8.allSatisfy { HTTPGrammar.isTokenByte($0) }
        guard isName else { throw InvalidValue("this is no algorithm's name") }
        name = text
    }

    private init(name: String) { self.name = name }

    static let bbr = CongestionControl(name: "bbr")
    /// What every Linux has.
    static let reno = CongestionControl(name: "reno")

    public var printed: String { name }

    /// The first eight bytes of the name as the kernel has them, the rest being zero.
    var word: UInt64 {
        var word: UInt64 = 0
        withUnsafeMutableBytes(of: &word) { $0.copyBytes(from: name.utf8.prefix(8)) }
        return word
    }

    /// Makes a connection, or all that a listener accepts from now on, use it. Fails where the kernel doesn't have it.
    func apply(to channel: any Channel) -> EventLoopFuture<Void> {
        #if os(Linux)
        guard let set = set(on: channel) else { return channel.eventLoop.makeSucceededVoidFuture() }
        return set.flatMapErrorThrowing { _ in throw StageError(.unavailable, unavailable, key: "congestion-control") }
        #else
        return channel.eventLoop.makeFailedFuture(StageError(.unavailable, unavailable, key: "congestion-control"))
        #endif
    }

    /// The same where the kernel has it and lets the program use it; else what there is stays.
    func applyIfOffered(to channel: any Channel) {
        #if os(Linux)
        _ = set(on: channel)
        #endif
    }

    #if os(Linux)
    private func set(on channel: any Channel) -> EventLoopFuture<Void>? {
        guard let provider = channel as? any SocketOptionProvider else { return nil }
        var bytes: (UInt64, UInt64) = (0, 0)
        withUnsafeMutableBytes(of: &bytes) { $0.copyBytes(from: name.utf8.prefix(15)) }
        return provider.unsafeSetSocketOption(level: .tcp, name: .init(rawValue: TCP_CONGESTION), value: bytes)
    }
    #endif

    private var unavailable: String {
        "this system has no congestion control '\(name)'; 'sysctl net.ipv4.tcp_available_congestion_control' lists what it has"
    }
}
