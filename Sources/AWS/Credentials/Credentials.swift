/// Who signs requests. What it prints has no secret in it.
package struct Credentials: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var accessKey: String
    package var secretKey: String
    package var sessionToken: String?
    /// When they end, in seconds of the Unix epoch; nil for those that last.
    package var expiration: Int?

    package init(accessKey: String, secretKey: String, sessionToken: String? = nil, expiration: Int? = nil) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.sessionToken = sessionToken
        self.expiration = expiration
    }

    package var description: String { "credentials of \(accessKey)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["accessKey": accessKey]) }
}

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

    package init(_ credentials: Credentials) {
        self.credentials = credentials
    }

    package func credentials(now: Int) -> Credentials { credentials }
    package func invalidate() -> Bool { false }
}

/// No credentials were found: said when the first request is to be signed, so that a program that needs none starts.
package struct NoCredentials: CredentialsProvider {
    private let reason: String

    package init(_ reason: String) {
        self.reason = reason
    }

    package func credentials(now: Int) throws(AWSError) -> Credentials { throw AWSError(.credentials, reason) }
    package func invalidate() -> Bool { false }
}
