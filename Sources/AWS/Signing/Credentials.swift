/// Who signs requests. What it prints has no secret in it.
package struct Credentials: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The access key's id, which isn't secret.
    package var accessKey: String
    /// The secret access key.
    package var secretKey: String
    /// The session token of temporary credentials; nil for lasting ones.
    package var sessionToken: String?
    /// When they end, in seconds of the Unix epoch; nil for those that last.
    package var expiration: Int?

    /// Credentials that by default last.
    package init(accessKey: String, secretKey: String, sessionToken: String? = nil, expiration: Int? = nil) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.sessionToken = sessionToken
        self.expiration = expiration
    }

    package var description: String { "credentials of \(accessKey)" }
    package var debugDescription: String { description }
    /// What `dump` and debuggers see: the access key's id alone.
    package var customMirror: Mirror { Mirror(self, children: ["accessKey": accessKey]) }
}
