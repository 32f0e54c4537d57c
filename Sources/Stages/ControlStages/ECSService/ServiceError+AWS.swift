import AWS

extension ServiceError {
    static let noSuchService = ServiceError(
        code: "service_not_found", message: "the service does not exist, or is being deleted", status: 404)

    init(_ error: AWSError) {
        switch error.code {
        case .credentials:
            self.init(code: "no_credentials", message: "AWS credentials can't be had", status: 500)
        case .configuration:
            self.init(code: "not_configured", message: "the region or endpoint of AWS is not known", status: 500)
        case .unreachable:
            self.init(code: "aws_unreachable", message: "AWS can't be reached", status: 502)
        case .deadline:
            self.init(code: "aws_timeout", message: "AWS took too long", status: 504)
        case .invalidAnswer:
            self.init(code: "aws_invalid", message: "AWS answered with something that can't be read", status: 502)
        case .service(let name, let status):
            if error.isThrottling {
                self.init(code: "aws_throttled", message: "AWS takes no more requests for now", status: 503)
            } else if ["ServiceNotFoundException", "ServiceNotActiveException", "ClusterNotFoundException"].contains(name) {
                self = .noSuchService
            } else if name.hasPrefix("AccessDenied") || name == "UnauthorizedOperation" || status == 403 || error.isAuthentication {
                self.init(code: "aws_denied", message: "AWS does not allow it: the function's role lacks a permission", status: 502)
            } else {
                self.init(code: "aws_failed", message: "AWS could not do it", status: 502)
            }
        }
    }
}

extension AWSError {
    fileprivate var isAuthentication: Bool {
        ["UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException", "InvalidClientTokenId"]
            .contains(serviceName ?? "")
    }
}
