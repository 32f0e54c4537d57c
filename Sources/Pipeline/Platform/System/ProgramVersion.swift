/// The version of this program, and what it calls itself where it is asked.
package enum ProgramVersion {
    /// The version, as Semantic Versioning 2.0.0 writes it.
    package static let number = "0.1.0"

    /// For the field `User-Agent` of requests of its own (RFC 9110, 10.1.5). Clients' requests keep theirs.
    package static let userAgent = "fluidity/\(number)"
}
