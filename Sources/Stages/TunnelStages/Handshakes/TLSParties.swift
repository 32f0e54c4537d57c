/// Which certificates a handshake of TLS wants.
enum TLSParties {
    /// Both sides show one, of the private authority.
    case mutual
    /// The server shows one.
    case ordinary
}
