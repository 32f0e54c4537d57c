public import ConfigurationLanguage

/// How a server on ECS keeps its task from being stopped while it is in use.
public struct TaskProtectionSettings: NestedConfiguration {
    /// Whether it does so at all.
    public var enabled = true
    /// How long nothing must have passed before the task may be stopped. It is longer than the control plane's `sleep` has between two
    /// runs, so that each server that protects its task is seen to do so.
    public var quiet = Duration.seconds(360)
    /// How long a task stays protected whose server says nothing more.
    public var expiry = Duration.seconds(900)
    /// How long what begins after a pause waits for the protection.
    public var hold = Duration.seconds(2)
    /// How long what is open and moves nothing counts as use.
    public var silentStreams = Duration.seconds(3_600)

    public init() {}

    public static let schema = Schema<TaskProtectionSettings>(
        .optional("enabled", \.enabled, "Whether the task is protected while it is in use."),
        .optional(
            "quiet", \.quiet, in: .seconds(1)...(.seconds(86_400)),
            "How long nothing must have passed before the task may be stopped: longer than 'sleep' has between two runs."),
        .optional(
            "expiry", \.expiry, in: .seconds(60)...(.seconds(172_800)),
            "How long a task stays protected whose server says nothing more, in whole minutes: three times what 'sleep' has between two runs."
        ),
        .optional(
            "hold", \.hold, in: .zero...(.seconds(30)), "How long what begins after a pause waits for the protection at most."),
        .optional(
            "silent-streams", \.silentStreams, in: .zero...(.seconds(86_400)),
            "How long what is open and moves nothing counts as use.")
    )
}
