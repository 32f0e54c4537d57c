public import ConfigurationLanguage

/// The `address-record` key of a file: a record of Route 53 that a server points to itself when it starts.
public struct AddressRecordSettings: NestedConfiguration {
    /// `zone`: the id of the hosted zone.
    public var zone = ""
    /// `name`: the name of the record.
    public var name = ""
    /// `time-to-live`: how long resolvers may keep the address.
    public var timeToLive = Duration.seconds(30)
    /// `address`: the address that the record gets; nil for the public one of the ECS task.
    public var address: String?
    /// `region`: the AWS region; nil for that of the environment or the shared file.
    public var region: String?

    public init() {}

    public static let schema = Schema<AddressRecordSettings>(
        .required("zone", \.zone, "The id of the hosted zone, Z0123456789ABCDEFGHIJ say."),
        .required("name", \.name, "The record's name, tunnel.example.org say."),
        .optional(
            "time-to-live", \.timeToLive, in: .seconds(1)...(.seconds(86_400)), "How long others may remember the address."),
        .optional("address", \.address, "The address; by default, the public one of the ECS task that the server runs in."),
        .optional("region", \.region, "The AWS region; by default, what AWS_REGION or the shared file says.")
    )
}
