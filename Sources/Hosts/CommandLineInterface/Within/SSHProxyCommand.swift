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

/// `fluidity ssh-proxy`.
struct SSHProxyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ssh-proxy",
        abstract: "Carry standard input and output through the agent to a host: a ProxyCommand of ssh.",
        discussion: """
            EXAMPLES
              ssh -o ProxyCommand="fluidity ssh-proxy %h %p" git.example.org
            """)

    @Argument(help: "The host.")
    var host: String

    @Argument(help: "The port.")
    var port: Int

    @Option(name: .shortAndLong, help: "The agent's configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    @OptionGroup var options: ConfigurationOptions

    /// The longest head of an answer that is read.
    private static let headLimit = 16 << 10

    func validate() throws {
        guard (1...65_535).contains(port) else { throw ValidationError("a port is a number from 1 to 65535, not \(port)") }
        guard (try? HostPort(configured: "\(bracketed):\(port)")) != nil else { throw ValidationError("'\(host)' is no host") }
    }

    private var bracketed: String { host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host }

    func run() async throws {
        try await Reporting.run {
            let proxy = try OwnProxy(config, options)
            guard proxy.speaksHTTP else {
                throw StageError(
                    .configuration, "the agent of \(proxy.file) speaks SOCKS5 alone; 'detect' in place of 'socks' speaks HTTP too")
            }
            guard let connection = PlainSocket(connectingTo: proxy.address) else {
                throw StageError(.unavailable, "no agent runs at \(proxy.address); 'fluidity agent --config \(proxy.file)' runs it")
            }
            signal(SIGPIPE, SIG_IGN)
            let target = "\(bracketed):\(port)"
            _ = WholeWrite.write("CONNECT \(target) HTTP/1.1\r\nHost: \(target)\r\n\r\n".utf8, to: connection.descriptor)
            let early = try Self.opened(connection.descriptor, target)
            guard WholeWrite.write(early, to: STDOUT_FILENO) else { return }
            Self.carry(connection.descriptor)
        }
    }

    /// Reads the answer. The result is what came behind it.
    private static func opened(_ descriptor: CInt, _ target: String) throws -> [UInt8] {
        var head: [UInt8] = []
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let range = head.firstRange(of: end) {
                let status =
                    String(decoding: head.prefix { $0 != 13 }, as: UTF8.self).split(separator: " ").dropFirst().first ?? "?"
                guard status.hasPrefix("2") else {
                    let rest = head[range.upperBound...] + (PlainSocket.read(descriptor, 4_096) ?? [])
                    let reason = ForeignText.line(String(decoding: rest, as: UTF8.self), limit: 300)
                    throw StageError(.unavailable, "\(target) can't be reached (\(status)): \(reason)")
                }
                return Array(head[range.upperBound...])
            }
            guard head.count < headLimit, let more = PlainSocket.read(descriptor), !more.isEmpty else {
                throw StageError(.unavailable, "the agent gave no answer")
            }
            head += more
        }
    }

    /// Both ways, until the host has ended; what the end of standard input says goes on as the end of one half.
    private static func carry(_ descriptor: CInt) {
        var waits = [
            pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0), pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
        ]
        while true {
            guard poll(&waits, nfds_t(waits.count), -1) >= 0 || errno == EINTR else { return }
            if waits[1].revents != 0 {
                guard let bytes = PlainSocket.read(descriptor), !bytes.isEmpty, WholeWrite.write(bytes, to: STDOUT_FILENO) else {
                    return
                }
            }
            if waits[0].revents != 0 {
                let bytes = PlainSocket.read(STDIN_FILENO) ?? []
                if bytes.isEmpty {
                    shutdown(descriptor, CInt(SHUT_WR))
                    waits[0].fd = -1
                } else if !WholeWrite.write(bytes, to: descriptor) {
                    return
                }
            }
            waits[0].revents = 0
            waits[1].revents = 0
        }
    }
}
