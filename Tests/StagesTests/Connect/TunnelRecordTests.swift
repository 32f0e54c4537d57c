import Testing

@testable import TunnelStages

@Suite("What is told of a tunnel")
struct TunnelRecordTests {
    @Test("That it is up is told with the first connection, that it is down with the last")
    func once() {
        let record = TunnelRecord()
        #expect(record.came(to: "a") && !record.came(to: "a") && record.came(to: "b"))
        #expect(!record.went(from: "a", because: "lost") && record.went(from: "a", because: "lost"))
        #expect(!record.went(from: "a", because: "lost"), "it can't be more than down")
        #expect(record.came(to: "a"))
    }

    @Test("Why it stays down is told when it is another reason, and not while it is up")
    func reasons() {
        let record = TunnelRecord()
        #expect(record.isNews("refused", of: "a") && !record.isNews("refused", of: "a") && record.isNews("late", of: "a"))
        #expect(record.isNews("late", of: "b"))
        _ = record.came(to: "a")
        #expect(!record.isNews("refused", of: "a"))
        _ = record.went(from: "a", because: "lost")
        #expect(!record.isNews("lost", of: "a") && record.isNews("refused", of: "a"))
    }
}
