import Logging
import Pipeline
import Runtime

extension Logger {
    /// For stages that are made only to be checked: their warnings are shown, as text.
    static var quiet: Logger {
        Logger(label: "fluidity") { _ in StandardErrorLogHandler(level: .warning, format: .text) }
    }

    /// For stages whose troubles are said in another way.
    static var silent: Logger { Logger(label: "fluidity") { _ in SwiftLogNoOpLogHandler() } }
}
