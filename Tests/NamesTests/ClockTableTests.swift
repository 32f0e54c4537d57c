import Testing

@testable import Names

@Suite struct ClockTableTests {
    @Test func `It finds, replaces and removes`() {
        var table = ClockTable<Int, String>(limit: 3)
        table[1] = "a"
        table[2] = "b"
        table[1] = "c"
        #expect(table[1] == "c" && table[2] == "b" && table[3] == nil && table.count == 2)
        table[1] = nil
        table[1] = nil
        #expect(table[1] == nil && table[2] == "b" && table.count == 1)
    }

    @Test func `What was used stays, what wasn't goes`() {
        var table = ClockTable<Int, Int>(limit: 3)
        for key in 1...3 { table[key] = key }
        _ = (table[1], table[3])
        table[4] = 4
        #expect(table[2] == nil && table[1] == 1 && table[3] == 3 && table[4] == 4)
    }

    @Test func `Where all were used one goes all the same`() {
        var table = ClockTable<Int, Int>(limit: 3)
        for key in 1...3 {
            table[key] = key
            _ = table[key]
        }
        table[4] = 4
        #expect(table.count == 3 && table[4] == 4)
    }

    /// Against a dictionary, whatever comes in whatever order.
    @Test func `It agrees with a dictionary and keeps its limit`() {
        var generator = SystemRandomNumberGenerator()
        var table = ClockTable<Int, Int>(limit: 5)
        var model: [Int: Int] = [:]
        for step in 0..<20_000 {
            let key = Int.random(in: 0..<12, using: &generator)
            switch Int.random(in: 0..<3, using: &generator) {
            case 0:
                table[key] = step
                model[key] = step
            case 1:
                table[key] = nil
                model[key] = nil
            default:
                // It may have forgotten, and never says anything else.
                if let value = table[key] { #expect(value == model[key]) }
            }
            #expect(table.count <= 5)
        }
    }
}
