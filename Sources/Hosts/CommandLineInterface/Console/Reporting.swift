import ArgumentParser
import ConfigurationLanguage
import Pipeline
import Platform

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// How errors come out of commands: what is wrong on standard error, and a status that scripts can tell apart (sysexits).
enum Reporting {
    /// EX_DATAERR: the configuration can't work.
    static let badConfiguration = ExitCode(65)
    /// EX_UNAVAILABLE: something that is needed can't be had.
    static let unavailable = ExitCode(69)
    /// How long the end of a command waits until the last lines are written: whoever reads them may have stopped.
    private static let patience = Duration.seconds(2)

    /// Runs a command that does its work and ends. It waits for whoever reads what it has to say.
    static func run(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch {
            throw reported(error, by: write)
        }
    }

    /// Runs what is there for others, as long as it is wanted. What it has to say about its end goes behind its other lines, and waits for
    /// whoever reads them no longer than these do.
    static func runHost(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch {
            let failure = reported(error, by: log)
            guard failure is ExitCode || failure is ValidationError else {
                log("error: \(failure)")
                throw ExitCode.failure
            }
            throw failure
        }
    }

    /// Lets the last lines out, of whatever the program writes lines to.
    static func finish() async { await LineWriter.flushAll(within: patience) }

    /// Writes what is wrong and returns the status that stands for it, or the error if it has none.
    private static func reported(_ error: any Error, by write: (String) -> Void) -> any Error {
        switch error {
        case let error as ConfigurationErrors:
            write(error.description)
            return badConfiguration
        case let error as StageError:
            write("error: \(error.message)")
            return error.code == .configuration ? badConfiguration : unavailable
        default:
            return error
        }
    }

    private static func log(_ text: String) {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last == "" { lines.removeLast() }
        for line in lines { LineWriter.standardError.write(isUrgent: true) { $0.append("\(line)\n") } }
    }

    /// Writes to standard error, behind what was logged, and waits until it is taken.
    static func write(_ text: String) {
        LineWriter.standardError.settle(within: patience)
        prompt(text.hasSuffix("\n") ? text : text + "\n")
    }

    /// The same without a line's end.
    static func prompt(_ text: String) {
        _ = WholeWrite.write(text.utf8, to: STDERR_FILENO)
    }
}
