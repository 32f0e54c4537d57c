import Testing

@testable import CommandLineInterface

@Suite("What 'fluidity top' shows")
struct TopScreenTests {
    private static func report(now: Int64, begun: Int64, open: Int64 = 2) throws -> LiveDocument {
        let json = """
            {"form":1,"version":"9.9","phase":"running","ready":false,"problems":["connect (stage 5): the tunnel is down"],"started":0,
            "now":\(now),"memory":20971520,"cpu":1.5,"generation":3,
            "totals":{"begun":\(begun),"failed":0,"refused":0,"open":\(open),"connections":4,"received":1000,"sent":2000},
            "stages":[{"place":"1","name":"accept","state":{},"connections":7,"connections-open":4,"in":0,"out":0,"open":0,"refused":0,
            "failed":0,"received":0,"sent":0,"timed":0,"time":0}],
            "sessions":[{"number":1,"side":"opened","codec":"mux","peer":"server","remote":"exit.example","since":0,"streams":2}],
            "exchanges":{"form":1,"open":\(open),"exchanges":[
            {"id":"000000000000000a","client":"-","remote":"127.0.0.1:1","method":"GET","target":"b.example:80","age-milliseconds":1000,
            "received":5,"sent":1},
            {"id":"000000000000000b","client":"laptop","remote":"127.0.0.1:2","method":"CONNECT","target":"a.example:443",
            "age-milliseconds":5000,"received":1,"sent":3000}]}}
            """
        return try LiveDocument.read(LiveDocument.self, Array(json.utf8))
    }

    private static func screen(_ order: TopScreen.Order = .age) throws -> TopScreen {
        TopScreen(now: try report(now: 4_000, begun: 130), before: try report(now: 3_990, begun: 30), order: order)
    }

    @Test("Rates are what was counted between two reports")
    func rates() throws {
        let screen = try Self.screen()
        #expect(screen.summary == "not ready  open 2  10/s  failed 0/s  in 0 B/s  out 0 B/s  sessions 1  connections 4")
        let first = TopScreen(now: screen.now, before: nil, order: .age)
        #expect(first.summary.contains("open 2  0/s"))
    }

    @Test("It fills the terminal, and is no wider")
    func size() throws {
        for (width, height) in [(80, 24), (20, 5), (1, 1), (200, 60)] {
            let lines = try Self.screen().lines(width: width, height: height)
            #expect(lines.count == max(1, height) && lines.allSatisfy { $0.count <= width })
        }
        let lines = try Self.screen().lines(width: 200, height: 40)
        #expect(lines[0] == "fluidity 9.9  up 1 h 6 min  memory 20 MiB  generation 3")
        #expect(lines[2] == "! connect (stage 5): the tunnel is down")
    }

    @Test(
        "Exchanges are sorted by what was pressed",
        arguments: [
            (TopScreen.Order.age, "b"), (.received, "a"), (.sent, "b"), (.target, "b"), (.client, "a"),
        ])
    func sorted(order: TopScreen.Order, first: String) throws {
        let lines = try Self.screen(order).lines(width: 200, height: 40)
        let shown = lines.filter { $0.hasPrefix("00000000000000") }.map { $0.prefix(16).suffix(1) }
        #expect(shown.count == 2 && shown.first.map(String.init) == first)
    }

    @Test("Numbers for people")
    func numbers() {
        #expect([0, 1_023, 1_536, 20 << 20, 5 << 40].map(Readable.bytes) == ["0 B", "1023 B", "1.5 KiB", "20 MiB", "5.0 TiB"])
        #expect([0, 59, 61, 7_500, 190_000].map(Readable.span) == ["0 s", "59 s", "1 min", "2 h 5 min", "2 d 4 h"])
        #expect([0.00025, 0.0042, 1.5].map(Readable.time) == ["250 µs", "4.2 ms", "1.5 s"])
        #expect([0, 4.25, 120.4].map(Readable.rate) == ["0", "4.3", "120"])
    }

    @Test("Columns are as wide as their longest entries")
    func columns() {
        var table = Columns([("NAME", .left), ("COUNT", .right), ("", .left)])
        table.add(["a", "1", ""])
        table.add(["longer", "10", "x"])
        #expect(table.lines == ["NAME    COUNT", "a           1", "longer     10  x"])
    }

    @Test("Another program's answer is told as such")
    func foreign() {
        #expect(throws: (any Error).self) { try LiveDocument.read(LiveDocument.self, Array("{}".utf8)) }
    }
}
