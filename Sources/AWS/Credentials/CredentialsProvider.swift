/// Where credentials come from.
package protocol CredentialsProvider: Sendable {
    /// Credentials that are good at `now` (seconds of the Unix epoch) and for the next minutes.
    func credentials(now: Int) async throws(AWSError) -> Credentials
    /// A service refused them as expired: the next ones are fetched anew. False when there can be no others.
    func invalidate() async -> Bool
}

/// Credentials that were given, and don't change.
package struct FixedCredentials: CredentialsProvider {
    private let credentials: Credentials

    /// A provider of these credentials.
    package init(_ credentials: Credentials) {
        self.credentials = credentials
    }

    /// The credentials, whenever they end.
    package func credentials(now: Int) -> Credentials { credentials }
    /// Does nothing: there are no others.
    package func invalidate() -> Bool { false }
}

/// No credentials were found: said when the first request is to be signed, so that a program that needs none starts.
package struct NoCredentials: CredentialsProvider {
    private let reason: String

    /// - Parameter reason: Why there are none, for people.
    package init(_ reason: String) {
        self.reason = reason
    }

    /// Throws the reason.
    package func credentials(now: Int) throws(AWSError) -> Credentials { throw AWSError(.credentials, reason) }
    /// Does nothing: there are no others.
    package func invalidate() -> Bool { false }
}
