import AWS
import Testing

@testable import Simulation

/// Traces of uses, and faults, as people write them.
@Suite struct UseTraceTests {
    private func read(_ text: String) throws(UseTrace.Problem) -> UseTrace {
        try UseTrace(text) { AWSTime.parse($0) }
    }

    @Test func readsSecondsAndTimes() throws {
        let trace = try read(
            """
            start,agent,kind,duration,bytes
            # a comment

            2026-11-30T09:15:00Z, ada, transfer, 600, 1000000
            2026-11-30T09:00:00Z,grace,request,0.5,300
            2026-12-01T01:00:00Z,ada,events,60,10
            """)
        #expect(trace.uses.map(\.start) == [32_400, 33_300, 90_000])
        #expect(trace.uses.map(\.agent) == [1, 0, 0])
        #expect(trace.uses.map(\.kind) == [.request, .transfer, .events])
        #expect((trace.agents, trace.days) == (2, 2))
        #expect(try read("60,a,silent,5,0\n").uses == [Use(start: 60, agent: 0, kind: .silent, duration: 5, bytes: 0)])
    }

    @Test(arguments: [
        ("", 1, "there are no rows"), ("start,agent,kind,duration,bytes", 1, "there are no rows"),
        ("1,a,request,1", 1, "a row has five values, start, agent, kind, duration and bytes, not 4"),
        ("\n1,,request,1,1", 2, "the agent has no name"),
        ("1,a,download,1,1", 1, "there is no kind of use 'download': request, transfer, events, silent"),
        ("monday,a,request,1,1", 1, "the start is seconds, or a time such as 2026-11-30T09:15:00Z, not 'monday'"),
        ("nan,a,request,1,1", 1, "the start is seconds, or a time such as 2026-11-30T09:15:00Z, not 'nan'"),
        ("1,a,request,-1,1", 1, "the duration is seconds, 30 days at most, not '-1'"),
        ("1,a,request,1,1.5", 1, "the bytes are a whole number, not '1.5'"),
        ("1,a,request,1,1\n9e9,a,request,1,1", 2, "the rows are of 104167 days, more than 100000"),
    ])
    func saysWhatIsWrong(_ text: String, _ line: Int, _ message: String) {
        #expect(throws: UseTrace.Problem(line: line, message: message)) { _ = try read(text) }
    }

    @Test(arguments: [
        ("no-reports", Fault(.noReports)), ("late-reports=290s", Fault(.lateReports(290))),
        ("server-clock=-280s", Fault(.serverClock(-280))),
        ("failing=DescribeServices@2h-5h", Fault(.failing("DescribeServices", 1), from: 7_200, until: 18_000)),
        ("denied=all", Fault(.denied(nil))), ("lost-reports=0.1", Fault(.lostReports(0.1))),
    ])
    func readsFaults(_ text: String, _ fault: Fault) throws {
        #expect(try Fault(text) == fault)
    }

    @Test(arguments: [
        ("noise", "there is no fault 'noise'"), ("late-reports", "'late-reports' needs a value, its time: late-reports=4m"),
        ("no-reports=1", "'no-reports' has no value"), ("late-reports=soon", "'soon' is no time such as 90s, 4m or 2h"),
        ("lost-reports=2", "'2' is no share from 0 to 1"), ("two-tasks@5h-2h", "'two-tasks@5h-2h' ends before it begins"),
        ("two-tasks@5h", "the times of 'two-tasks@5h' are to be two, as in two-tasks@2h-5h"),
        ("restarts=0", "'0' is shorter than a second"),
    ])
    func saysWhatIsWrongWithAFault(_ text: String, _ message: String) {
        do throws(Fault.Problem) {
            let fault = try Fault(text)
            Issue.record("\(fault)")
        } catch { #expect(error.message.hasPrefix(message)) }
    }

    @Test func everyFaultThatIsNamedCanBeRead() throws {
        let values = ["time": "60s", "share": "0.5", "operation": "UpdateService"]
        for fault in Fault.names {
            _ = try Fault(fault.name + (fault.value.map { "=" + (values[$0] ?? "") } ?? ""))
        }
    }

    @Test func bytesOfAUseMoveAsItsKindSays() {
        let transfer = Use(start: 0, agent: 0, kind: .transfer, duration: 100, bytes: 1_000)
        #expect(transfer.moved(after: 25) == (250, 0))
        #expect(transfer.moved(after: 100) == (1_000, 0))
        let silent = Use(start: 0, agent: 0, kind: .silent, duration: 100, bytes: 1_000)
        #expect(silent.moved(after: 25) == (1_000, 25))
        let events = Use(start: 0, agent: 0, kind: .events, duration: 300, bytes: 1_100)
        #expect(events.moved(after: 45) == (200, 15))
        #expect(events.moved(after: 300) == (1_100, 0))
    }
}
