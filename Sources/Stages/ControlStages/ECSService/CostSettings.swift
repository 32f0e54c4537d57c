public import ConfigurationLanguage

/// What a service costs and may cost.
public struct CostSettings: NestedConfiguration {
    /// The price of an hour in which one task runs.
    public var perHour = 0.0
    /// What a month of UTC may cost; nil for whatever it does.
    public var perMonth: Double?
    /// The name of the currency, for people.
    public var currency = "USD"
    /// From which part of the budget on it is warned, in percent.
    public var warnAt = 80

    public init() {}

    public static let schema = Schema<CostSettings>(
        .required("per-hour", \.perHour, in: 0.000001...10_000, "The price of an hour in which one task runs."),
        .optional(
            "per-month", \.perMonth, in: 0.01...10_000_000,
            "What a month of UTC may cost: beyond it the service is stopped, and not woken before the next."),
        .optional("currency", \.currency, "The name of the currency, for people."),
        .optional("warn-at", \.warnAt, in: 1...100, "From which part of the budget and of the hours on it is warned, in percent.")
    )
}
