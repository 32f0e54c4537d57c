import Foundation
import Simulation
import Testing

/// What a simulation says of costs agrees with the table of docs/operations.md.
@Suite(.serialized) struct CostsTests {
    private static func table() throws -> [String: String] {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "../../../docs/operations.md")
        let text = try String(contentsOf: root, encoding: .utf8)
        var rows: [String: String] = [:]
        for line in text.split(separator: "\n") where line.hasPrefix("| ") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            if cells.count == 3 { rows[cells[0]] = cells[1] + " | " + cells[2] }
        }
        return rows
    }

    private static func dollars(_ text: String) -> [Double] {
        text.split(separator: "$", omittingEmptySubsequences: false).dropFirst()
            .compactMap { Double($0.prefix { $0.isNumber || $0 == "." }) }
    }

    @Test func thePriceOfAnHourIsThatOfTheTable() throws {
        let table = try Self.table()
        let task = Self.dollars(try #require(table["task"]))
        let address = Self.dollars(try #require(table["public IPv4 address of a running task"]))
        // vCPU-hour, GB-hour, the hour of the smallest task, and the month with three hours a day.
        try #require(task.count == 4 && address.count == 2)
        let hour = 0.25 * task[0] + 0.5 * task[1] + address[0]
        #expect(abs(Scenario.usualPrice - hour) < 1e-9)
        #expect(abs(0.25 * task[0] + 0.5 * task[1] - task[2]) < 0.00006)
        // Ninety hours cost what the column says, to the cent.
        #expect(abs(90 * hour - task[3] - address[1]) < 0.01)
    }

    @Test func aMonthOfThreeHoursADayCostsThat() async throws {
        var scenario = try Scenario.of(.none, days: 30)
        let stay = scenario.idleBound
        // Three hours from the wake to the end of the last task, less what is spent on being idle.
        scenario.uses = (0..<30).map { day in
            Use(start: Double(day) * 86_400 + 36_000, agent: 0, kind: .transfer, duration: 10_800 - stay, bytes: 1_000_000)
        }
        let report = await SimulationReport(World.simulated(scenario), of: scenario)
        #expect(report.hoursUp > 70 && report.hoursUp <= 91)
        #expect(abs(report.cost - report.hoursUp * Scenario.usualPrice) < 0.000_1)
        #expect(report.costPerMonth == report.cost)
        #expect(report.cost < 1.58 && report.cost > 1.2)
    }
}
