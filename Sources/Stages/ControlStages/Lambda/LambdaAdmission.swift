import ConfigurationLanguage
import Crypto
package import HTTPMessages

/// Decides whose events a function does.
///
/// The address of a function URL, or of an HTTP API, is all that it takes to send it a request, unless AWS was told to check who
/// comes. Where it wasn't, the request itself has to prove it, or the function would start and stop a server for everybody.
package struct LambdaAdmission: Sendable {
    private let access: LambdaAccess
    /// What the right key's hash is under a key that only this process has: how long a comparison takes says nothing about it.
    private let expected: HMAC<SHA256>.MAC?
    private let key = SymmetricKey(size: .bits256)

    /// A check by the configuration's `access` and `api-key`; an empty key lets nobody in.
    package init(_ configuration: LambdaConfiguration) {
        access = configuration.access
        let secret = configuration.apiKey?.revealed ?? ""
        expected = secret.isEmpty ? nil : HMAC<SHA256>.authenticationCode(for: Array(secret.utf8), using: key)
    }

    /// What whoever sent the event is told instead of an answer; nil for who is let in.
    package func refusal(of event: LambdaEvent) -> LocalResponse? {
        guard access == .authenticated, !event.isAuthenticated else { return nil }
        if let expected, let given = event.head.fields.first("x-api-key"),
            HMAC<SHA256>.isValidAuthenticationCode(expected, authenticating: Array(given.utf8), using: key)
        {
            return nil
        }
        return .error(ServiceError(code: "forbidden", message: "the key in 'x-api-key' is missing or wrong", status: 403))
    }
}
