import Testing

@testable import Instruments
@testable import Pipeline
@testable import Platform

@Suite struct MetricSnapshotTests {
    @Test func oneNameAndOneSetOfLabelsIsOneInstrument() {
        let table = MetricTable()
        let first = table.counter(MetricDescription(.counter, "a_total", "A."), [.init("stage", "x")])
        table.counter(MetricDescription(.counter, "a_total", "A."), [.init("stage", "x")]).add(2)
        table.counter(MetricDescription(.counter, "a_total", "A."), [.init("stage", "y")]).add(5)
        first.add()
        #expect(table.read()["a_total", .init("stage", "x")] == .counter(3))
        #expect(table.read().sum("a_total") == 8)
    }

    @Test func loopsAddUp() {
        let tables = [MetricTable(), MetricTable()]
        for (index, table) in tables.enumerated() {
            table.counter(MetricDescription(.counter, "c_total", "C.")).add(Int64(index) + 1)
            table.gauge(MetricDescription(.gauge, "g", "G.")).value = Int64(index) + 10
            table.gauge(MetricDescription(.gauge, "m", "M."), merging: .largest).value = Int64(index) + 100
            let histogram = table.histogram(MetricDescription(.histogram, "h_seconds", "H."), bounds: [1_000, 2_000], scale: 1e-9)
            histogram.record(1_000)
            histogram.record(5_000)
        }
        var sum = MetricSnapshot()
        for table in tables { sum.add(table.read()) }
        #expect(sum["c_total"] == .counter(3))
        #expect(sum["g"] == .gauge(21))
        #expect(sum["m"] == .gauge(101))
        #expect(sum["h_seconds"] == .histogram(bounds: [1e-6, 2e-6], counts: [2, 0, 2], sum: 1.2e-5))
        #expect(sum.lasting["g"] == nil)
        #expect(sum.lasting["c_total"] == .counter(3))
    }

    @Test func gaugesAreBroughtUpToDateWhenTheyAreRead() {
        let table = MetricTable()
        let gauge = table.gauge(MetricDescription(.gauge, "g", "G."))
        table.beforeReading { gauge.add(1) }
        #expect(table.read()["g"] == .gauge(1))
        #expect(table.read()["g"] == .gauge(2))
    }

    @Test("What stands for a label is read in its place, and counts from nothing when it is another thing")
    func shownLabels() {
        let table = MetricTable()
        let (label, other) = (MetricTable.Label("server", "#1"), MetricTable.Label("stage", "x"))
        let counter = table.counter(MetricDescription(.counter, "c_total", "C."), [other, label])
        let gauge = table.gauge(MetricDescription(.gauge, "g", "G."), [label])
        counter.add(3)
        gauge.add(2)
        table.show(label, as: nil)
        #expect(table.read().series.isEmpty)
        let shown = [MetricTable.Label("server", "a"), .init("address", "1")]
        table.show(label, as: shown)
        #expect(table.read()["c_total", other, shown[0], shown[1]] == .counter(3))
        table.show(label, as: [shown[0], .init("address", "2")])
        #expect(table.read()["c_total", other, shown[0], .init("address", "2")] == .counter(0))
        #expect(table.read()["g", shown[0], .init("address", "2")] == .gauge(2))
        // Two that are shown alike are one.
        let second = MetricTable.Label("server", "#2")
        table.counter(MetricDescription(.counter, "c_total", "C."), [other, second]).add(5)
        table.show(second, as: [shown[0], .init("address", "2")])
        #expect(table.read()["c_total", other, shown[0], .init("address", "2")] == .counter(5))
    }

    @Test func prometheusTextIsExact() {
        let table = MetricTable()
        table.counter(
            MetricDescription(.counter, "b_total", "Line\nbreak and \\."), [.init("stage", "say \"hi\"\\\n"), .init("place", "1")]
        ).add(7)
        table.gauge(MetricDescription(.gauge, "g_bytes", "G.")).value = -2
        table.counter(MetricDescription(.counter, "b_total", "ignored"), [.init("stage", "other")]).add(1)
        let histogram = table.histogram(
            MetricDescription(.histogram, "h_seconds", "H."), bounds: [50_000, 1_000_000_000], scale: 1e-9)
        histogram.record(50_000)
        histogram.record(50_001)
        histogram.record(3_000_000_000)
        #expect(
            PrometheusText.write(table.read()) == #"""
                # HELP b_total Line\nbreak and \\.
                # TYPE b_total counter
                b_total{stage="say \"hi\"\\\n",place="1"} 7
                b_total{stage="other"} 1
                # HELP g_bytes G.
                # TYPE g_bytes gauge
                g_bytes -2
                # HELP h_seconds H.
                # TYPE h_seconds histogram
                h_seconds_bucket{le="5e-05"} 1
                h_seconds_bucket{le="1"} 2
                h_seconds_bucket{le="+Inf"} 3
                h_seconds_sum 3.000100001
                h_seconds_count 3

                """#)
    }

    @Test func theProcessKnowsItself() throws {
        let snapshot = ProcessMetrics.read()
        guard case .gauge(let memory)? = snapshot["process_resident_memory_bytes"] else {
            Issue.record("no memory")
            return
        }
        #expect(memory > 1_048_576)
        let processor = snapshot.sum("process_cpu_seconds_total")
        let descriptors = snapshot.sum("process_open_fds")
        let limit = snapshot.sum("process_max_fds")
        let start = snapshot.sum("process_start_time_seconds")
        let now = Double(WallTime.seconds)
        #expect(processor > 0)
        #expect(descriptors >= 3)
        #expect(descriptors <= limit)
        #expect(start > 1_500_000_000)
        #expect(start <= now + 1)
    }
}
