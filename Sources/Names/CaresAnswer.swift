import CCares
import NIOCore
import Pipeline

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What c-ares says, in our words.
enum CaresAnswer {
    /// Reads a list of addresses and frees it.
    static func take(_ status: CInt, _ list: UnsafeMutablePointer<ares_addrinfo>?, atMost limit: Int) -> FamilyAnswers.Answer {
        defer { if let list { ares_freeaddrinfo(list) } }
        guard status == cares_success, let list else { return .failed(failure(status)) }
        var addresses: [IPAddress] = []
        var ttl = CInt.max
        for node in sequence(first: list.pointee.nodes, next: { $0?.pointee.ai_next }) {
            guard let node, addresses.count < limit else { break }
            guard let address = address(node.pointee), !addresses.contains(address) else { continue }
            addresses.append(address)
            ttl = min(ttl, node.pointee.ai_ttl)
        }
        for alias in sequence(first: list.pointee.cnames, next: { $0?.pointee.next }) {
            guard let alias else { break }
            ttl = min(ttl, alias.pointee.ttl)
        }
        guard !addresses.isEmpty else { return .failed(.noAddress) }
        // A TTL with the first bit set counts as zero (RFC 2181, 8).
        return .found(addresses, ttl: .seconds(Int64(max(ttl, 0))))
    }

    private static func address(_ node: ares_addrinfo_node) -> IPAddress? {
        guard let raw = node.ai_addr else { return nil }
        switch node.ai_family {
        case AF_INET where node.ai_addrlen >= MemoryLayout<sockaddr_in>.size:
            return raw.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { IPAddress(SocketAddress($0.pointee)) }
        case AF_INET6 where node.ai_addrlen >= MemoryLayout<sockaddr_in6>.size:
            return raw.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { IPAddress(SocketAddress($0.pointee)) }
        default:
            return nil
        }
    }

    private static func failure(_ status: CInt) -> NameFailure {
        switch status {
        case cares_not_found: .noSuchName
        case cares_no_data: .noAddress
        case cares_bad_name: .malformed
        case cares_bad_response: .answerInvalid
        case cares_timeout: .noAnswer
        // ECONNREFUSED among them, which has many causes.
        default: FileDescriptors.process.areExhausted ? .noDescriptor : .serverFailed
        }
    }
}
