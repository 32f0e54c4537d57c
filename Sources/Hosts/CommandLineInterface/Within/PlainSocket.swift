import ConfigurationLanguage
import Pipeline

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A connection that a command waits on, as a program of one thread does.
struct PlainSocket {
    let descriptor: CInt

    /// Connects, or returns nil: nobody listens there.
    init?(connectingTo address: ListenAddress) {
        switch address {
        case .unix(let path):
            let descriptor = socket(AF_UNIX, Self.stream, 0)
            guard descriptor >= 0 else { return nil }
            var name = sockaddr_un()
            name.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
            let length = socklen_t(MemoryLayout<sockaddr_un>.size)
            let result = withUnsafePointer(to: &name) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, length) }
            }
            guard result == 0 else {
                close(descriptor)
                return nil
            }
            self.descriptor = descriptor
        case .tcp(let host, let port):
            var hints = addrinfo()
            hints.ai_socktype = Self.stream
            var list: UnsafeMutablePointer<addrinfo>?
            guard getaddrinfo(host, "\(port)", &hints, &list) == 0 else { return nil }
            defer { freeaddrinfo(list) }
            var next = list
            while let entry = next?.pointee {
                let descriptor = socket(entry.ai_family, Self.stream, 0)
                if descriptor >= 0, connect(descriptor, entry.ai_addr, entry.ai_addrlen) == 0 {
                    self.descriptor = descriptor
                    return
                }
                if descriptor >= 0 { close(descriptor) }
                next = entry.ai_next
            }
            return nil
        }
    }

    #if canImport(Glibc)
    private static let stream = CInt(SOCK_STREAM.rawValue)
    #else
    private static let stream = SOCK_STREAM
    #endif

    /// Whether somebody listens there now.
    static func answers(_ address: ListenAddress) -> Bool {
        guard let socket = PlainSocket(connectingTo: address) else { return false }
        close(socket.descriptor)
        return true
    }

    /// Reads what is there, at most so many bytes; empty at the end, nil where the connection broke.
    static func read(_ descriptor: CInt, _ count: Int = 65_536) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        while true {
            let result = readSome(descriptor, &bytes, count)
            if result < 0, errno == EINTR { continue }
            return result < 0 ? nil : Array(bytes[..<result])
        }
    }
}

private func readSome(_ descriptor: CInt, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int { read(descriptor, bytes, count) }
