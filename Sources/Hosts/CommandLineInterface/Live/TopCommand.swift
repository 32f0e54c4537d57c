import ArgumentParser
import Pipeline
import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

struct TopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "Watch a running agent or server: stages, sessions and open exchanges, each second.",
        discussion: """
            Asks the admin listener that the configuration file names; a browser sees the same at its address. In a terminal, \
            keys sort the exchanges, and q ends. Elsewhere there is one line each second.

            EXAMPLES
              fluidity top
              fluidity top --config server.yaml
              fluidity top --config server.yaml --times 60 > minute.txt
            """)

    @OptionGroup var program: RunningProgram

    @Option(help: "End after so many reports.")
    var times: Int?

    func validate() throws {
        if let times, times < 1 { throw ValidationError("'--times' wants a number from 1") }
    }

    func run() async throws {
        try await Reporting.run {
            let admin = try program.admin()
            // Whatever keeps the first report away is told as of any command.
            let first = try await report(admin)
            if let terminal = LiveTerminal() { try await watch(admin, first, on: terminal) } else { try await list(admin, first) }
        }
    }

    private func report(_ admin: AdminClient) async throws -> LiveDocument {
        try LiveDocument.read(LiveDocument.self, try await admin.document("/live?limit=1000"))
    }

    private func watch(_ admin: AdminClient, _ first: LiveDocument, on terminal: borrowing LiveTerminal) async throws {
        var (before, now, order, shown) = (LiveDocument?.none, first, TopScreen.Order.age, 1)
        var trouble: String?
        while true {
            let (width, height) = terminal.size
            var lines = TopScreen(now: now, before: before, order: order).lines(width: width, height: height)
            if let trouble, lines.count > 1 { lines[1] = String(trouble.prefix(width)) }
            terminal.draw(lines)
            if shown == times { return }
            let (isThere, key) = terminal.key(within: 1_000)
            guard isThere, key != "q", key != "\u{4}" else { return }
            if let key, let other = TopScreen.Order(rawValue: key) { order = other }
            if key != nil { continue }
            do {
                (before, now) = (now, try await report(admin))
                trouble = nil
            } catch {
                // It may be starting anew; what was last seen stays.
                trouble = "\((error as? StageError)?.message ?? "\(error)")"
            }
            shown += 1
        }
    }

    private func list(_ admin: AdminClient, _ first: LiveDocument) async throws {
        var (before, now, shown) = (LiveDocument?.none, first, 1)
        while true {
            // At once, whatever reads it.
            let line = "\(Timestamp.utc(Int(now.now)))  \(TopScreen(now: now, before: before, order: .age).summary)\n"
            guard WholeWrite.write(line.utf8, to: STDOUT_FILENO) else { return }
            if shown == times { return }
            try await Task.sleep(for: .seconds(1))
            (before, now) = (now, try await report(admin))
            shown += 1
        }
    }
}
