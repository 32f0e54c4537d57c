import Addresses
import Platform

extension ListenAddress {
    /// Whether no two sockets can listen on both at a time, as far as their texts tell. A name but `localhost` is only known to be the
    /// same as itself.
    package func collides(with other: ListenAddress) -> Bool {
        switch (self, other) {
        case (.unix(let own), .unix(let path)):
            return FileAccess.plain(own) == FileAccess.plain(path)
        case (.tcp(let host, let port), .tcp(let otherHost, let otherPort)):
            return port != 0 && port == otherPort && Self.overlap(host, otherHost)
        case (.unix, .tcp), (.tcp, .unix):
            return false
        }
    }

    private static func overlap(_ host: String, _ other: String) -> Bool {
        let (own, others) = (addresses(of: host), addresses(of: other))
        guard !own.isEmpty, !others.isEmpty else {
            // One is a name: it may be any address of this machine, so whoever listens on all of them is in its way.
            return host.lowercased() == other.lowercased() || (own + others).contains(where: \.isUnspecified)
        }
        return own.contains { own in others.contains { own.sharesSocket(with: $0) } }
    }

    /// Nothing for a name that isn't known here.
    private static func addresses(of host: String) -> [IPAddress] {
        if let address = IPAddress(host: host) { return [address] }
        return IPAddress.isLoopback(host: host) ? [IPAddress(v4: 0x7F00_0001), IPAddress(high: 0, low: 1)] : []
    }
}

extension IPAddress {
    /// `::` takes what comes over IPv4 as well.
    fileprivate func sharesSocket(with other: IPAddress) -> Bool {
        if self == other { return true }
        if isUnspecified, family == .v6 || other.family == family { return true }
        return other.isUnspecified && (other.family == .v6 || other.family == family)
    }
}
