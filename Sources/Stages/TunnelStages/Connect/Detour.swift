import ConfigurationLanguage
import NIOCore
import Pipeline

/// Where a server can be reached itself that several share a name with, by its own word. The word isn't trusted further than that the
/// attempt costs nobody anything: whoever answers there has to show the certificate of the usual name.
struct Detour {
    /// Which of the ways to the server leads there, the direct one. A proxy on the way may know names alone, and would remember a refusal.
    let way: Int
    let place: HostPort

    /// Nil where the address may not be dialled.
    ///
    /// - Parameters:
    ///   - place: What the server has said.
    ///   - known: The address at which the server's usual place was reached without a proxy.
    ///   - reserved: What this process never dials for others.
    init?(to place: HostPort, after known: IPAddress?, by routes: [Route], reserved: ReservedAddresses) {
        guard let known, let address = AddressResolver.literal(place.host, port: place.port), let ip = IPAddress(address),
            Self.allows(ip, after: known), !reserved.contains(address),
            let way = routes.firstIndex(where: { if case .direct = $0 { true } else { false } })
        else { return nil }
        self.way = way
        self.place = place
    }

    /// Whether a server that is reached at an address may send somebody to another. Who is on the Internet doesn't know what is in the network of
    /// the one whom he sends, and has no business there.
    static func allows(_ address: IPAddress, after known: IPAddress) -> Bool {
        !address.mayReach { $0.isSensitive || !$0.isPublic && !$0.isAlike(known) }
    }
}
