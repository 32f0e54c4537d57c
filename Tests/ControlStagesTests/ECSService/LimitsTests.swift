import ControlStages
import Testing

/// What a service used this month and today, and what follows from it. It is 8 o'clock on 23 November 2026.
@Suite struct LimitsTests {
    static let now = 1_795_420_800
    static let day = Double(now - 8 * 3_600)

    @Test func timesAreCountedOnce() {
        var record = UptimeRecord(nil, now: Self.now)
        let start = Double(Self.now - 3_600)
        let first = record.count([(start, Double(Self.now))], until: Double(Self.now))
        #expect(first)
        #expect(record.month == 3_600 && record.day == 3_600)
        #expect(record.tag == "1795420800 2026-11 3600 2026-11-23 3600")
        // Five minutes later the same task, and another one.
        let later = Self.now + 300
        var again = UptimeRecord(record.tag, now: later)
        let second = again.count([(start, Double(later)), (Double(later - 100), Double(later))], until: Double(later))
        #expect(second)
        #expect(again.month == 4_000 && again.day == 4_000)
        var third = UptimeRecord(again.tag, now: later)
        let none = third.count([(start, Double(later))], until: Double(later))
        #expect(!none)
        #expect(third == again)
    }

    @Test func whatWasBeforeTheMonthOrTheDayDoesNotCount() {
        var record = UptimeRecord(nil, now: Self.now)
        // From the evening before on.
        _ = record.count([(Self.day - 7_200, Self.day + 600)], until: Double(Self.now))
        #expect(record.month == 7_800 && record.day == 600)
        var first = UptimeRecord("1793491000 2026-10 900000 2026-10-31 50000", now: 1_793_491_200 + 60)
        #expect(first.month == 0 && first.day == 0)
        _ = first.count([(1_793_000_000, 1_793_491_260)], until: 1_793_491_260)
        #expect(first.month == 60 && first.day == 60)
    }

    @Test(
        arguments: [
            "", "x", "1 2 3 4 5", "-1 2026-11 5 2026-11-23 5", "9999999999999999 2026-11 5 2026-11-23 5",
            "1795420800 2026-11 99999999999999999999 2026-11-23 5",
        ])
    func strangeTagsAreBorne(_ tag: String) {
        var record = UptimeRecord(tag, now: Self.now)
        #expect(record.month == 0 && record.day == 0)
        _ = record.count([(.infinity, .nan), (Double(Self.now - 60), Double(Self.now))], until: Double(Self.now))
        #expect((0...60).contains(record.month))
        #expect(record.tag.utf8.count < 256)
    }

    @Test func aTimeThatIsYetToComeKeepsNothingFromBeingCounted() {
        var record = UptimeRecord("1999999999 2026-11 3600 2026-11-23 3600", now: Self.now)
        _ = record.count([(Double(Self.now - 60), Double(Self.now + 240))], until: Double(Self.now + 240))
        #expect(record.month == 3_840)
    }

    private func record(month: Int, day: Int) -> UptimeRecord {
        UptimeRecord("\(Self.now) 2026-11 \(month) 2026-11-23 \(day)", now: Self.now)
    }

    /// Seconds of the month and of the day; which limit is reached, and whether one is near. A budget of 10 at 0.50 an hour are 20 hours.
    @Test(
        arguments: [
            (0, 0, nil, false), (16 * 3_600 - 1, 0, nil, false), (16 * 3_600, 0, nil, true), (20 * 3_600, 0, "over_budget", true),
            (0, 4 * 3_600 - 1, nil, true), (0, 4 * 3_600, "over_hours", true),
        ] as [(Int, Int, String?, Bool)])
    func limits(_ month: Int, _ day: Int, _ code: String?, _ isNear: Bool) {
        var limits = ServiceLimits()
        limits.cost = .init(perHour: 0.5, perMonth: 10, currency: "USD", warnAt: 0.8)
        limits.perDay = 4 * 3_600
        #expect(limits.reached(record(month: month, day: day))?.code == code)
        #expect((limits.warning(record(month: month, day: day)) != nil) == isNear)
    }

    @Test func whatIsReachedIsSaid() {
        var limits = ServiceLimits()
        limits.cost = .init(perHour: 0.0173, perMonth: 1, currency: "EUR", warnAt: 0.8)
        #expect(
            limits.reached(record(month: 58 * 3_600, day: 0))?.message
                == "this month's budget is spent: 1.00 EUR of 1.00 EUR; it can be woken next month")
        limits = ServiceLimits()
        limits.perMonth = 36_000
        #expect(
            limits.reached(record(month: 37_800, day: 0))?.message
                == "this month's hours are used up: 10.5 of 10 h; it can be woken next month")
        limits = ServiceLimits()
        limits.uptime = 43_200
        #expect(limits.reached(record(month: 0, day: 0), upSince: Double(Self.now - 43_199), now: Double(Self.now)) == nil)
        #expect(
            limits.reached(record(month: 0, day: 0), upSince: Double(Self.now - 43_200), now: Double(Self.now))
                == .init(code: "over_uptime", message: "it was up for 12 h in a row, and may be for 12 h"))
    }
}
