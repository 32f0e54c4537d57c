import ArgumentParser
import NIOCore
import Pipeline

struct ReloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have a running agent or server use its changed configuration, and say what became of that.",
        discussion: """
            As SIGHUP does it, and waits for the verdict. Ends with status 0 if the configuration is in use, or was already; \
            with 65 if it can't be used, so that the one before stays in use.

            EXAMPLES
              fluidity reload --config server.yaml
            """)

    @OptionGroup var program: RunningProgram

    /// Certificates are tried, and what is listened on is taken over.
    private static let patience = TimeAmount.seconds(60)

    func run() async throws {
        try await Reporting.run {
            let admin = try program.admin()
            let answer = try await admin.ask("/reload", method: "POST", patience: Self.patience)
            guard answer.status == 200 || answer.status == 409 else { throw admin.refused(answer) }
            let reload = try LiveDocument.read(LiveDocument.Reloaded.self, answer.body).reload
            guard reload.result != "refused" else {
                throw StageError(
                    .configuration,
                    "the configuration can't be used; the one before stays in use: \(reload.message ?? "no reason is known")")
            }
            let words =
                reload.result == "used"
                ? "the configuration is in use, as generation \(reload.generation)" : "the configuration is as before"
            print(words + (reload.message.map { "; \($0)" } ?? ""))
        }
    }
}
