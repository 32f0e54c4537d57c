import ArgumentParser
import Pipeline

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

    static func run(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch {
            throw reported(error)
        }
    }

    /// Writes what is wrong and returns the status that stands for it.
    private static func reported(_ error: any Error) -> any Error {
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

    static func write(_ text: String) {
        prompt(text.hasSuffix("\n") ? text : text + "\n")
    }

    /// Writes to standard error, without a line's end.
    static func prompt(_ text: String) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { writeOnce(STDERR_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest.removeFirst(count)
        }
    }
}

private func writeOnce(_ descriptor: CInt, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int { write(descriptor, bytes, count) }
