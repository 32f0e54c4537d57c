/// What dialling an address reaches. That isn't always the address itself:
///
/// - The unspecified address (`0.0.0.0`, RFC 1122, 3.2.1.3; `::`, RFC 4291, 2.5.2) is nobody's. Systems take it for this machine's
///   loopback address.
/// - An address with an IPv4 address in it (`EmbeddedAddress`) may lead to that one. Behind the well-known prefix of a translator it
///   stands for nothing else (RFC 6052, 2.1), if it isn't the translator's own machine; in every other form it may also be what it
///   is, for tunnels are rare.
///
/// So there are two questions. Who refuses something asks whether dialling may reach it, and who allows something whether dialling
/// reaches nothing else.
extension IPAddress {
    /// Whether dialling this may reach an address that is such: this one, one in it, or this machine's own for the unspecified one.
    package func mayReach(_ isSuch: (IPAddress) -> Bool) -> Bool {
        if isSuch(self) || loopbackOfUnspecified.map(isSuch) == true { return true }
        guard family == .v6 else { return false }
        for form in EmbeddedAddress.all {
            if let inner = form.address(in: self), inner.mayReach(isSuch) { return true }
        }
        return false
    }

    /// Whether whatever dialling this may reach is such.
    package func reachesOnly(_ isSuch: (IPAddress) -> Bool) -> Bool {
        if let loopback = loopbackOfUnspecified { return isSuch(loopback) }
        guard family == .v6 else { return isSuch(self) }
        if let inner = EmbeddedAddress.wellKnownTranslation.address(in: self), !inner.isThisMachine { return isSuch(inner) }
        guard isSuch(self) else { return false }
        for form in EmbeddedAddress.all {
            if let inner = form.address(in: self), !inner.reachesOnly(isSuch) { return false }
        }
        return true
    }

    /// What an unspecified address is dialled as.
    private var loopbackOfUnspecified: IPAddress? {
        guard isUnspecified else { return nil }
        return family == .v4 ? IPAddress(v4: 0x7F00_0001) : IPAddress(high: 0, low: 1)
    }
}

extension IPAddress {
    /// Whether it is `0.0.0.0` or `::`: whoever listens on it listens on every address, and whoever dials it dials this machine.
    package var isUnspecified: Bool { high == 0 && low == 0 }

    /// Whether it is a loopback address itself, `127.0.0.0/8` or `::1`, and not just something that leads to one.
    package var isLoopback: Bool { purpose == .loopback }

    /// Whether what is sent there never leaves this machine.
    package var isThisMachine: Bool { isLoopback || isUnspecified }

    /// Whether the Internet knows it: an address itself, without regard to what is in it. By the registries of
    /// `SpecialPurposeAddress`.
    package var isPublic: Bool { purpose.map { $0 == .globalService } ?? true }

    /// Whether it is dialled for nobody unless it is named itself: link-local addresses, and the addresses at which clouds answer
    /// with credentials.
    package var isSensitive: Bool { purpose == .linkLocal || purpose == .metadata }

    /// Whether both are for the same: private addresses say, or ordinary ones of the Internet.
    package func isAlike(_ other: IPAddress) -> Bool { purpose == other.purpose }

    /// One value for all addresses of the same client, for what is counted by address. An IPv4 address is a client's alone. Of an
    /// IPv6 address the first 64 bits count (RFC 4291, 2.5.4): who has one of a network has them all. Behind the well-known prefix
    /// of a translator the IPv4 address counts.
    package var holder: IPAddress {
        EmbeddedAddress.wellKnownTranslation.address(in: self) ?? (family == .v4 ? self : masked(64))
    }

    /// Whether what is sent to a host never leaves this machine: `localhost` (RFC 6761, 6.3), or an address that says so.
    package static func isThisMachine(host: String) -> Bool {
        isNamedLocalhost(host) || IPAddress(host: host)?.isThisMachine == true
    }

    /// Whether who listens there is reached from this machine alone.
    package static func isLoopback(host: String) -> Bool {
        isNamedLocalhost(host) || IPAddress(host: host)?.isLoopback == true
    }

    private static func isNamedLocalhost(_ host: String) -> Bool {
        let name = host.lowercased()
        return name == "localhost" || name == "localhost."
    }
}
