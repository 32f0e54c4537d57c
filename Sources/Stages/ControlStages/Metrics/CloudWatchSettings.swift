public import ConfigurationLanguage

/// Where in CloudWatch a server's metrics go: what the control plane decides by.
public struct CloudWatchSettings: NestedConfiguration {
    /// The value of the dimension `Service`; nil for what the variable `SERVICE` says.
    public var service: String?
    /// The namespace of the metrics.
    public var namespace = "Fluidity"
    /// How often values are sent.
    public var interval = Duration.seconds(60)
    /// The resolution that values are kept in; below 60 seconds it is one second, which costs more.
    public var resolution = Duration.seconds(60)
    /// The AWS region; nil for what `AWS_REGION` or the shared file says.
    public var region: String?

    public init() {}

    /// Settings with the default times.
    ///
    /// - Parameter service: The value of the dimension `Service`; nil for what the variable `SERVICE` says.
    public init(service: String?, namespace: String = "Fluidity") {
        self.service = service
        self.namespace = namespace
    }

    public static let schema = Schema<CloudWatchSettings>(
        .optional("service", \.service, "The value of the dimension 'Service'; by default, what SERVICE says."),
        .optional("namespace", \.namespace, "The namespace of the metrics."),
        .optional("interval", \.interval, in: .seconds(1)...(.seconds(3_600)), "How often values are sent."),
        .optional(
            "resolution", \.resolution, in: .seconds(1)...(.seconds(60)),
            "Below 60s, values are kept by the second, which costs more."),
        .optional("region", \.region, "The AWS region; by default, what AWS_REGION or the shared file says.")
    )
}
