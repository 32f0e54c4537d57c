import Addresses
import HTTPMessages
package import Logging
import Pipeline

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What the process's environment and files say about AWS: region, endpoints and credentials.
package struct AWSSurroundings: Sendable {
    private let environment: [String: String]
    private let configuration: SharedFile?
    private let credentialsFile: SharedFile?
    private let profile: String

    /// - Parameter readFile: a file's text, or nil where there is none.
    package init(
        environment: [String: String],
        readFile: (String) -> String? = { try? String(contentsOfFile: $0, encoding: .utf8) }
    ) {
        let set = environment.filter { !$0.value.isEmpty }
        self.environment = set
        let folder = (set["HOME"] ?? "") + "/.aws"
        profile = set["AWS_PROFILE"] ?? "default"
        configuration = readFile(set["AWS_CONFIG_FILE"] ?? folder + "/config").map(SharedFile.init)
        credentialsFile = readFile(set["AWS_SHARED_CREDENTIALS_FILE"] ?? folder + "/credentials").map(SharedFile.init)
    }

    /// The surroundings of this process, with the shared files as they are now.
    package static var process: AWSSurroundings { AWSSurroundings(environment: ProcessInfo.processInfo.environment) }

    /// The region that the environment or the shared file names; nil if neither does.
    package var region: String? {
        environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? configuration?.value("region", profile: profile)
    }

    /// Where a service is reached, which scope signs for it.
    package func endpoint(_ service: AWSService, region configured: String? = nil) throws(AWSError) -> AWSEndpoint {
        let chosen = configured ?? region
        guard let region = chosen else {
            throw AWSError(.configuration, "the AWS region is not known: set AWS_REGION, or 'region' in the configuration")
        }
        guard region.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D }) else {
            throw AWSError(.configuration, "'\(region)' is no AWS region")
        }
        let scope = service.signingRegion(region)
        if let override = environment["AWS_ENDPOINT_URL_\(service.variable)"] ?? environment["AWS_ENDPOINT_URL"] {
            guard let url = SignedURL(override) else {
                throw AWSError(.configuration, "AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_\(service.variable) is no http(s) URL")
            }
            return AWSEndpoint(url: url, region: scope, scope: service.scope)
        }
        guard let url = SignedURL("https://\(service.host(region))/") else {
            throw AWSError(.configuration, "'\(region)' is no AWS region")
        }
        return AWSEndpoint(url: url, region: scope, scope: service.scope)
    }

    /// Where credentials come from: the environment's own before the container's endpoint, and that before the shared file.
    package func credentials(transport: any AWSTransport, logger: Logger) -> any CredentialsProvider {
        if let access = environment["AWS_ACCESS_KEY_ID"], let secret = environment["AWS_SECRET_ACCESS_KEY"] {
            return FixedCredentials(
                Credentials(accessKey: access, secretKey: secret, sessionToken: environment["AWS_SESSION_TOKEN"]))
        }
        if let relative = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] {
            guard relative.hasPrefix("/"), let url = SignedURL("http://169.254.170.2" + relative) else {
                return NoCredentials("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is no path")
            }
            return ContainerCredentials(url: url, token: token(), transport: transport, logger: logger)
        }
        if let full = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] {
            guard let url = SignedURL(full), url.isSecure || Self.isLocal(url.host) else {
                return NoCredentials(
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither an https URL nor one of this machine or its container host")
            }
            return ContainerCredentials(url: url, token: token(), transport: transport, logger: logger)
        }
        let found = credentialsFile?.credentials(profile: profile) ?? configuration?.credentials(profile: profile)
        return found.map { FixedCredentials($0) }
            ?? NoCredentials(
                "no AWS credentials: neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, nor a container's endpoint, nor profile '\(profile)' in the shared file"
            )
    }

    /// Read at each fetch where it is in a file: it is replaced there while the container runs.
    private func token() -> @Sendable () throws(AWSError) -> String? {
        let file = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]
        let fixed = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
        return { () throws(AWSError) -> String? in
            guard let file else { return fixed }
            guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
                throw AWSError(.credentials, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE can't be read")
            }
            return text.split(whereSeparator: \.isNewline).first.map(String.init)
        }
    }

    private static let credentialEndpoints = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"].compactMap(IPAddress.init(_:))

    /// Loopback, and the addresses at which ECS and EKS give credentials: a token is sent nowhere else without TLS.
    private static func isLocal(_ host: String) -> Bool {
        guard let name = Authority(host)?.host else { return false }
        return IPAddress.isLoopback(host: name) || IPAddress(host: name).map(credentialEndpoints.contains) ?? false
    }
}

/// Where a service is reached and what signs for it.
package struct AWSEndpoint: Sendable, Hashable {
    /// The URL without the operation's path.
    package var url: SignedURL
    /// The region that signatures are for, which isn't always that of the service.
    package var region: String
    /// The service's name in signatures.
    package var scope: String
}

/// The services that the control plane uses.
package enum AWSService: Sendable, CaseIterable {
    /// Amazon ECS.
    case ecs
    /// Amazon EC2.
    case ec2
    /// Amazon CloudWatch.
    case cloudWatch
    /// Amazon Route 53, which isn't regional.
    case route53
    /// AWS Systems Manager: its parameters.
    case systemsManager
    /// AWS Secrets Manager.
    case secretsManager

    var variable: String {
        switch self {
        case .ecs: "ECS"
        case .ec2: "EC2"
        case .cloudWatch: "CLOUDWATCH"
        case .route53: "ROUTE_53"
        case .systemsManager: "SSM"
        case .secretsManager: "SECRETS_MANAGER"
        }
    }

    var scope: String {
        switch self {
        case .ecs: "ecs"
        case .ec2: "ec2"
        case .cloudWatch: "monitoring"
        case .route53: "route53"
        case .systemsManager: "ssm"
        case .secretsManager: "secretsmanager"
        }
    }

    /// Route 53 is one service for all regions of a partition.
    func signingRegion(_ region: String) -> String {
        guard self == .route53 else { return region }
        if region.hasPrefix("cn-") { return "cn-northwest-1" }
        return region.hasPrefix("us-gov-") ? "us-gov-west-1" : "us-east-1"
    }

    func host(_ region: String) -> String {
        let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
        guard self == .route53 else { return "\(scope).\(region).\(domain)" }
        return region.hasPrefix("us-gov-") ? "route53.us-gov.\(domain)" : "route53.\(domain)"
    }
}
