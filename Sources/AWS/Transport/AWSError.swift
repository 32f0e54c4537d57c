/// Why a call to AWS didn't succeed. Its text has no secret, no header and no body in it.
package struct AWSError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it is.
    package enum Code: Sendable, Equatable {
        /// None were found, or they can't be had now.
        case credentials
        /// The region or an endpoint can't be told from the surroundings.
        case configuration
        /// No answer: the connection, TLS or the time for it failed.
        case unreachable
        /// The time for the call is over, retries included.
        case deadline
        /// An answer that isn't what the service promises.
        case invalidAnswer
        /// AWS refused, and said why: `name` is its word for it.
        case service(name: String, status: Int)
    }

    /// The kind of failure.
    package var code: Code
    /// What went wrong, as a sentence's end for people.
    package var message: String

    /// A failure whose message has no secret, header or body in it.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// AWS's name for what is wrong, `ServiceNotFoundException` say.
    package var serviceName: String? {
        guard case .service(let name, _) = code else { return nil }
        return name
    }

    package var description: String {
        switch code {
        case .service(let name, let status): "\(name) (\(status)): \(message)"
        default: message
        }
    }

    /// Whether the service asks to be left alone for a while.
    package var isThrottling: Bool {
        guard case .service(let name, let status) = code else { return false }
        return status == 429 || Self.throttlingNames.contains(name)
    }

    /// Whether the same request may succeed in a moment.
    package var isTransient: Bool {
        switch code {
        case .unreachable, .invalidAnswer: true
        case .service(_, let status): isThrottling || status == 500 || status == 502 || status == 503 || status == 504
        case .credentials, .configuration, .deadline: false
        }
    }

    /// Whether the caller isn't allowed to do this.
    package var isDenial: Bool { serviceName?.hasPrefix("AccessDenied") ?? false }

    /// Whether it can come from a clock that is wrong.
    var mayBeSkew: Bool {
        guard let serviceName else { return false }
        return [
            "RequestTimeTooSkewed", "RequestExpired", "InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure",
            "RequestInTheFuture",
        ].contains(serviceName)
    }

    /// Whether it can come from credentials that have ended.
    var mayBeExpiry: Bool {
        guard let serviceName else { return false }
        return ["ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"]
            .contains(serviceName)
    }

    private static let throttlingNames: Set<String> = [
        "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException",
        "TooManyRequestsException", "RequestLimitExceeded", "BandwidthLimitExceeded", "SlowDown", "PriorRequestNotComplete",
        "EC2ThrottledException", "ProvisionedThroughputExceededException", "LimitExceededException",
    ]
}
