import AWS
import Logging
import Pipeline

/// Signs calls of the control plane's endpoints with whatever AWS credentials there are here (`authentication: iam`).
struct EndpointSigner: Sendable {
    private let credentials: any CredentialsProvider
    private let surroundings: AWSSurroundings
    private let now: @Sendable () -> Int

    /// A signer that has asked for no credentials yet.
    init(
        surroundings: AWSSurroundings, transport: any AWSTransport, logger: Logger,
        now: @escaping @Sendable () -> Int = AWSClient.Clock.system.now
    ) {
        self.surroundings = surroundings
        self.now = now
        credentials = surroundings.credentials(transport: transport, logger: logger)
    }

    /// What is to be sent beside the request's own fields, `Host` among it, for a request without a body.
    func fields(method: String, url: EndpointURL) async throws(AWSError) -> [(name: String, value: String)] {
        guard let signed = SignedURL(url.text) else { throw AWSError(.configuration, "\(url.host) can't be signed for") }
        let place = Self.place(of: url.host)
        guard let region = place.region ?? surroundings.region else {
            throw AWSError(.configuration, "the AWS region is not known: set AWS_REGION")
        }
        let time = now()
        let signature = SignatureV4(
            method: method, url: signed, fields: [], body: [], service: place.scope, region: region,
            credentials: try await credentials.credentials(now: time), at: time)
        return [(name: "Host", value: signed.host)] + signature.fields
    }

    /// AWS's own names say what signs for them: `ID.execute-api.REGION.amazonaws.com`, and `ID.lambda-url.REGION.on.aws`.
    private static func place(of host: String) -> (scope: String, region: String?) {
        let labels = host.lowercased().split(separator: ".")
        guard labels.count > 3 else { return ("execute-api", nil) }
        switch labels[1] {
        case "execute-api": return ("execute-api", String(labels[2]))
        case "lambda-url": return ("lambda", String(labels[2]))
        default: return ("execute-api", nil)
        }
    }
}
