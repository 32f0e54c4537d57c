/// What is recorded for whoever looks after security: `docs/audit.md` has each with its members. Never a path, a query, a field, a body or a
/// secret.
package enum AuditEvent: String, Sendable, CaseIterable {
    /// The program has started and its pipeline works.
    case started
    /// A configuration was loaded, at the start or anew.
    case configurationLoaded = "configuration-loaded"
    /// A configuration that was loaded anew can't be used: the one before stays in use.
    case configurationRefused = "configuration-refused"
    /// The program takes nothing new.
    case draining
    /// The program's pipeline has ended.
    case stopped
    /// A peer has shown a certificate that is accepted.
    case certificateAccepted = "certificate-accepted"
    /// A peer's TLS handshake came to nothing.
    case certificateRefused = "certificate-refused"
    /// The program's own certificate, or the authorities that it trusts, are others now.
    case certificateReplaced = "certificate-replaced"
    /// `auth` refuses somebody.
    case authenticationFailed = "authentication-failed"
    /// A rule of `egress` refuses an exchange.
    case egressRefused = "egress-refused"
    /// `fetch` doesn't dial an address.
    case destinationRefused = "destination-refused"
    /// A limit is reached, after a minute in which it wasn't.
    case limitReached = "limit-reached"
    /// Somebody has changed something through the admin listener.
    case adminChange = "admin-change"
    /// Records are missing.
    case gap
}

/// What a record has beside its time, its number and its event.
package enum AuditMember: String, Sendable, CaseIterable {
    /// The program's version.
    case version
    /// The kind of program: `agent`, `server`, `lambda`.
    case host
    /// The configuration's file.
    case file
    /// SHA-256 of the file's text, in hexadecimal digits.
    case sha256
    /// The number of the generation that runs it, from 1.
    case generation
    /// Why.
    case reason
    /// What a client is called: by what `auth` found out, else by its certificate.
    case client
    /// The address and port of the connection's other end.
    case remote
    /// SHA-256 of the public key of a certificate, in hexadecimal digits.
    case key
    /// When a certificate expires.
    case expires
    /// The exchange's id.
    case exchange
    /// Host and port that were asked for.
    case target
    /// The address that was to be dialled.
    case address
    /// The line that decided.
    case rule
    /// The place of the stage in its list.
    case place
    /// Which limit: `requests` or `concurrent`.
    case limit
    /// What was changed.
    case change
    /// How many records are missing.
    case lost
    /// Since when.
    case since
}
