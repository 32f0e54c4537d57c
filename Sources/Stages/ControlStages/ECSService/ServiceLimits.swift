import Pipeline
import Platform

/// What a service may use of time and money, whoever uses it. Times are seconds.
package struct ServiceLimits: Sendable, Equatable {
    /// How long it may be up in a row; nil for as long as it is used.
    package var uptime: Double?
    /// How long its tasks may run in a day of UTC.
    package var perDay: Double?
    /// How long its tasks may run in a month of UTC.
    package var perMonth: Double?
    /// What it costs, and may cost.
    package var cost: Cost?

    /// A price and a budget.
    package struct Cost: Sendable, Equatable {
        /// The price of a task's hour.
        package var perHour: Double
        /// What a month may cost; nil for whatever it does.
        package var perMonth: Double?
        /// The name of the currency, for people.
        package var currency: String
        /// From which part of the budget on it is warned, up to 1.
        package var warnAt: Double

        /// A price and a budget in one currency.
        package init(perHour: Double, perMonth: Double?, currency: String, warnAt: Double) {
            self.perHour = perHour
            self.perMonth = perMonth
            self.currency = currency
            self.warnAt = warnAt
        }

        /// What this month has cost.
        package func spent(_ record: UptimeRecord) -> Double { record.month / 3_600 * perHour }

        /// An amount as people write it.
        package func text(_ amount: Double) -> String {
            let cents = amount.isFinite ? Int(min(max(amount * 100, 0), 1e15).rounded()) : 0
            return "\(cents / 100).\(CivilTime.two(cents % 100)) \(currency)"
        }
    }

    /// A limit that is reached: a word for programs, and a sentence's end for people.
    package struct Reached: Sendable, Equatable {
        /// `over_budget`, `over_hours` or `over_uptime`.
        package var code: String
        /// What is reached, and what it is.
        package var message: String

        /// A limit that is reached.
        package init(code: String, message: String) {
            self.code = code
            self.message = message
        }
    }

    /// No limits.
    package init() {}

    /// The configuration's limits, with what the environment says in its gaps.
    init(_ configuration: ECSServiceConfiguration, _ environment: [String: String]) throws(StageError) {
        func hours(_ configured: Duration?, _ variable: String, _ most: Double) throws(StageError) -> Double? {
            if let configured { return ServiceSettings.seconds(configured) }
            return try ServiceSettings.number(variable, "of hours", most, environment).map { $0 * 3_600 }
        }
        uptime = try hours(configuration.maxUptime, "MAX_UPTIME_HOURS", 744)
        perDay = try hours(configuration.maxPerDay, "MAX_HOURS_PER_DAY", 1_000)
        perMonth = try hours(configuration.maxPerMonth, "MAX_HOURS_PER_MONTH", 10_000)
        let given = configuration.cost
        let price = try ServiceSettings.number("COST_PER_HOUR", "above 0 and", 10_000, environment)
        let amount = try ServiceSettings.number("BUDGET_PER_MONTH", "above 0 and", 10_000_000, environment)
        let perHour = given?.perHour ?? price
        let budget = given?.perMonth ?? amount
        if let perHour {
            cost = Cost(
                perHour: perHour, perMonth: budget, currency: given?.currency ?? environment["COST_CURRENCY"] ?? "USD",
                warnAt: Double(given?.warnAt ?? 80) / 100)
        } else if budget != nil {
            throw StageError(
                .configuration, "a budget needs a price: set 'cost.per-hour' or the variable COST_PER_HOUR",
                key: given == nil ? nil : "cost")
        }
    }

    /// Which limit of the month or the day is reached: nobody may wake the service until it is over.
    package func reached(_ record: UptimeRecord) -> Reached? {
        if let cost, let budget = cost.perMonth, cost.spent(record) >= budget {
            return Reached(
                code: "over_budget",
                message:
                    "this month's budget is spent: \(cost.text(cost.spent(record))) of \(cost.text(budget)); it can be woken next month"
            )
        }
        if let perMonth, record.month >= perMonth {
            return Reached(
                code: "over_hours",
                message:
                    "this month's hours are used up: \(Self.hours(record.month)) of \(Self.hours(perMonth)) h; it can be woken next month"
            )
        }
        if let perDay, record.day >= perDay {
            return Reached(
                code: "over_hours",
                message:
                    "today's hours are used up: \(Self.hours(record.day)) of \(Self.hours(perDay)) h; it can be woken after midnight UTC"
            )
        }
        return nil
    }

    /// Which limit a service has reached that is up since a time.
    package func reached(_ record: UptimeRecord, upSince: Double?, now: Double) -> Reached? {
        if let reached = reached(record) { return reached }
        guard let uptime, let upSince, now - upSince >= uptime else { return nil }
        return Reached(
            code: "over_uptime",
            message: "it was up for \(Self.hours(now - upSince)) h in a row, and may be for \(Self.hours(uptime)) h")
    }

    /// What is said before the budget or the hours are used up; nil while there is enough of both.
    package func warning(_ record: UptimeRecord) -> String? {
        let part = cost?.warnAt ?? 0.8
        if let cost, let budget = cost.perMonth, cost.spent(record) >= budget * part {
            return "\(cost.text(cost.spent(record))) of this month's budget of \(cost.text(budget)) are spent"
        }
        if let perMonth, record.month >= perMonth * part {
            return "\(Self.hours(record.month)) of this month's \(Self.hours(perMonth)) hours are used"
        }
        if let perDay, record.day >= perDay * part {
            return "\(Self.hours(record.day)) of today's \(Self.hours(perDay)) hours are used"
        }
        return nil
    }

    private static func hours(_ seconds: Double) -> String {
        let tenths = seconds.isFinite ? Int((min(max(seconds, 0), 1e12) / 360).rounded()) : 0
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}
