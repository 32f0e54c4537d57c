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
