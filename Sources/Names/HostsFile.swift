import CCares
import Pipeline

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// `/etc/hosts`, read by c-ares for each question.
final class HostsFile {
    private static let addressLimit = 16
    private var channel: ares_channel?

    init?() {
        var options = ares_options()
        let status = "f".withCString { lookups in
            // Copied by c-ares.
            options.lookups = UnsafeMutablePointer(mutating: lookups)
            return ares_init_options(&channel, &options, cares_option_lookups)
        }
        guard status == cares_success else { return nil }
    }

    deinit {
        if let channel { ares_destroy(channel) }
    }

    /// None where the file doesn't have the name.
    func addresses(of name: String) -> [IPAddress] {
        var hints = ares_addrinfo_hints()
        hints.ai_family = AF_UNSPEC
        hints.ai_flags = cares_hint_no_sort
        var found: [IPAddress] = []
        // No socket is involved: the answer is there when the call returns.
        withUnsafeMutablePointer(to: &found) { found in
            ares_getaddrinfo(
                channel, name, nil, &hints,
                { context, status, _, list in
                    let found = context?.assumingMemoryBound(to: [IPAddress].self)
                    if case .found(let addresses, _) = CaresAnswer.take(status, list, atMost: HostsFile.addressLimit) {
                        found?.pointee = addresses
                    }
                }, found)
        }
        return found
    }
}

@available(*, unavailable)
extension HostsFile: Sendable {}
