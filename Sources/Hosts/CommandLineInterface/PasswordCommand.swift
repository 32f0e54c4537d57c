import ArgumentParser
import Filters
import TunnelStages

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// `fluidity passwd`.
struct PasswordCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "passwd",
        abstract: "Set a user's password in a file for 'auth'.",
        discussion: """
            Asks for the password, or takes it from standard input when that is no terminal: one line. The file is made if it \
            isn't there; only its owner can read it. A running 'auth' reads it again.

            EXAMPLES
              fluidity passwd users.txt alice
              pass show proxy/alice | fluidity passwd users.txt alice
              fluidity passwd users.txt alice --delete
            """)

    @Argument(help: "The file.", completion: .file())
    var file: String

    @Argument(help: "The user's name.")
    var user: String

    @Flag(help: "Take the user out of the file.")
    var delete = false

    func validate() throws {
        guard UsersFile.isName(user) else {
            throw ValidationError("a user's name has printable characters, no colon, and doesn't begin with '#'")
        }
    }

    func run() throws {
        try CertificateCommand.reporting {
            let url = URL(fileURLWithPath: file)
            var users = try Self.read(url, file)
            if delete {
                guard users.remove(user) else { throw CertificateCommandError(.data, "\(file) has no user '\(user)'") }
            } else {
                let isNew = users.users[user] == nil
                users.set(user, try PasswordHash(password: try PasswordEntry.ask(for: user)))
                print("\(file): \(isNew ? "added" : "changed") '\(user)'")
            }
            try PrivateFile.write([(url, users.text)], replacing: true)
        }
    }

    private static func read(_ url: URL, _ file: String) throws(CertificateCommandError) -> UsersFile {
        guard FileManager.default.fileExists(atPath: url.path) else { return UsersFile() }
        let text = try PrivateFile.read(url)
        do {
            return try UsersFile(text)
        } catch {
            throw CertificateCommandError(.data, "\(file), \(error)")
        }
    }
}

/// A password from whoever types it, or from a program.
enum PasswordEntry {
    private static let longest = 1_024

    static func ask(for user: String) throws(CertificateCommandError) -> String {
        guard isatty(STDIN_FILENO) == 1 else {
            guard let line = readLine(strippingNewline: true) else {
                throw CertificateCommandError(.usage, "standard input has no password")
            }
            return try checked(line)
        }
        let password = try checked(hidden("password for \(user): "))
        guard try hidden("once more: ") == password else { throw CertificateCommandError(.usage, "the two aren't the same") }
        return password
    }

    private static func checked(_ password: String) throws(CertificateCommandError) -> String {
        guard !password.isEmpty else { throw CertificateCommandError(.usage, "the password is empty") }
        guard password.utf8.count <= longest else {
            throw CertificateCommandError(.usage, "the password has more than \(longest) bytes")
        }
        return password
    }

    /// Reads a line that the terminal doesn't show. Ctrl-C is a character meanwhile, which ends the line: a process that it ended
    /// here would leave a terminal that shows nothing.
    private static func hidden(_ prompt: String) throws(CertificateCommandError) -> String {
        var settings = termios()
        tcgetattr(STDIN_FILENO, &settings)
        var silent = settings
        silent.c_lflag &= ~tcflag_t(ECHO | ISIG)
        silent.c_lflag |= tcflag_t(ICANON)
        withUnsafeMutableBytes(of: &silent.c_cc) { $0[Int(VEOL)] = $0[Int(VINTR)] }
        // What was typed before is thrown away, so the question comes after.
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        Reporting.prompt(prompt)
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
            Reporting.prompt("\n")
        }
        // A terminal gives one line at a time, none longer.
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = read(STDIN_FILENO, &bytes, bytes.count)
        var typed = bytes.prefix(max(0, count))
        if typed.last == UInt8(ascii: "\n") { typed.removeLast() }
        guard let line = String(validating: typed, as: UTF8.self) else {
            throw CertificateCommandError(.usage, "what was typed is not UTF-8 text")
        }
        guard line.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) else {
            throw CertificateCommandError(.usage, "cancelled")
        }
        return line
    }
}
