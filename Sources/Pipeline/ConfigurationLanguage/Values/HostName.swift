import Addresses

/// What a host may be called (RFC 1123, 2.1), or which address it is.
package enum HostName {
    /// Why nothing can be reached by a text as a host, without the brackets of an IPv6 address; nil for one that may be a host.
    ///
    /// Underscores stand in many a name inside a company or a cluster, and resolvers take them.
    package static func problem(of host: String) -> InvalidValue? {
        guard IPAddress(host: host) == nil else { return nil }
        guard host != "*" else {
            return InvalidValue("'*' is no host", hint: "every interface of this machine is 0.0.0.0, or [::] for IPv6 as well")
        }
        guard !host.contains("$") else {
            return InvalidValue("this is no host name", hint: "a variable of the environment is written ${env:NAME}")
        }
        let name = host.hasSuffix(".") ? host.dropLast() : host[...]
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard name.utf8.count <= 253, labels.allSatisfy(isLabel) else { return InvalidValue("this is no host name") }
        // What ends in a number is read as an IPv4 address (WHATWG URL, 3.5), and this is none.
        guard let last = labels.last, !last.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return InvalidValue("this is neither an address nor a host name")
        }
        return nil
    }

    private static func isLabel(_ label: Substring) -> Bool {
        (1...63).contains(label.utf8.count) && label.utf8.first != UInt8(ascii: "-")
            && label.utf8.allSatisfy {
                (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-")
                    || $0 == UInt8(ascii: "_")
            }
    }
}
