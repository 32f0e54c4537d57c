package import ConfigurationLanguage
import NIOCore
package import Pipeline
import Platform
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Has a script evaluated by a program of its own, for the script is a stranger's, and so is what runs it: it gets a text, some time and
/// some memory, and nothing else.
package enum ProxyScriptChild {
    /// What the program is to be told beside the script, in a line of its own each: host, port.
    package struct Question: Sendable, Equatable {
        /// Where the way is to lead.
        package var server: HostPort
        /// The script's text.
        package var script: [UInt8]

        /// A question about one server.
        package init(server: HostPort, script: [UInt8]) {
            self.server = server
            self.script = script
        }

        /// As the program reads it.
        package var bytes: [UInt8] { Array("\(server.host)\n\(server.port)\n".utf8) + script }

        /// Nil for what isn't a question.
        package init?(_ bytes: [UInt8]) {
            let parts = bytes.split(separator: 10, maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, let port = Int(String(decoding: parts[1], as: UTF8.self)) else { return nil }
            self.init(server: HostPort(host: String(decoding: parts[0], as: UTF8.self), port: port), script: Array(parts[2]))
        }
    }

    /// What the program says, in its first word; the rest is the answer, or why there is none.
    package enum Verdict: String, Sendable {
        /// What the script says follows.
        case answer
        /// The library isn't installed; its name follows.
        case missing
        /// The script has no answer; what the library says to that follows.
        case broken
    }

    /// The largest script, and the largest answer, in bytes.
    package static let scriptLimit = 1 << 20
    private static let answerLimit = 16 << 10

    private static let command = Mutex<[String]?>(nil)

    /// Says how this program is started to evaluate one. Without it none can be: a program that something else is part of doesn't know the word.
    package static func isEvaluated(by words: [String]) { command.withLock { $0 = words } }

    /// Blocks until there is an answer, `limit` at most.
    package static func evaluate(_ question: Question, within limit: Duration) throws(StageError) -> String {
        guard let words = command.withLock({ $0 }) else {
            throw StageError(
                .unavailable, "a proxy auto-configuration is evaluated by the program 'fluidity', and this is another one")
        }
        var ends: [CInt] = [-1, -1]
        #if os(Linux)
        let kind = CInt(SOCK_STREAM.rawValue)
        #else
        let kind = SOCK_STREAM
        #endif
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw problem("can't be evaluated: too many files are open here") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let own = ends[0]
        defer { close(own) }
        let child: ChildProcess
        do {
            defer { close(ends[1]) }
            child = try ChildProcess(words, ["LANG": "C", "PATH": "/usr/bin:/bin"], ownGroup: true, speaksTo: ends[1])
        } catch {
            throw problem("can't be evaluated: \(error.reason)")
        }
        defer { child.kill() }
        guard let answer = exchange(question.bytes, over: own, until: .now() + TimeAmount(limit)) else {
            throw problem("takes longer than \(limit.printed), and was ended")
        }
        let status = child.wait()
        let text = String(decoding: answer, as: UTF8.self)
        let parts = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        let rest = parts.count > 1 ? String(parts[1]) : ""
        switch parts.first.flatMap({ Verdict(rawValue: String($0)) }) {
        case .answer? where status == 0: return rest
        case .missing?:
            throw problem("can't be evaluated: \(rest) isn't installed, which Debian has in the package libpacparser1")
        case .broken?:
            let said = Self.words(rest)
            throw problem("can't be evaluated" + (said.isEmpty ? ": it has no FindProxyForURL that answers" : ": \"\(said)\""))
        default: throw problem("wants more memory or time than it may have, and was ended")
        }
    }

    /// What the interpreter says, without the places in the library that say it.
    package static func words(_ text: String) -> String {
        let mark = "JSERROR: PAC script:"
        var lines: [String] = []
        var rest = text[...]
        while let start = rest.firstRange(of: mark)?.upperBound, lines.count < 4 {
            rest = rest[start...]
            let end = [mark, "pacparser.c:"].compactMap { rest.firstRange(of: $0)?.lowerBound }.min() ?? rest.endIndex
            lines.append("line \(ForeignText.line(rest[..<end], limit: 200))")
            rest = rest[end...]
        }
        return ForeignText.line(lines.joined(separator: "; "), limit: 200)
    }

    private static func problem(_ what: String) -> StageError {
        StageError(.unavailable, "the proxy auto-configuration \(what)")
    }

    /// Says all of it and hears all that comes back; nil when it takes too long. What is too large is cut off.
    private static func exchange(_ bytes: [UInt8], over socket: CInt, until deadline: NIODeadline) -> [UInt8]? {
        _ = fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK)
        var rest = bytes[...]
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while true {
            let left = deadline - .now()
            guard left > .zero else { return nil }
            var wait = pollfd(fd: socket, events: Int16(POLLIN) | (rest.isEmpty ? 0 : Int16(POLLOUT)), revents: 0)
            guard poll(&wait, 1, CInt(clamping: left.nanoseconds / 1_000_000 + 1)) > 0 else { continue }
            if wait.revents & Int16(POLLOUT) != 0, !rest.isEmpty {
                let sent = rest.withUnsafeBytes { sendBytes(socket, $0) }
                if sent > 0 { rest = rest.dropFirst(sent) }
                // Who doesn't want to hear all of it has said why.
                if sent < 0, errno != EAGAIN, errno != EINTR { rest = [] }
                if rest.isEmpty { shutdown(socket, CInt(SHUT_WR)) }
            }
            guard wait.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 else { continue }
            let count = chunk.withUnsafeMutableBytes { recv(socket, $0.baseAddress, $0.count, 0) }
            if count < 0, errno == EAGAIN || errno == EINTR { continue }
            guard count > 0, answer.count < answerLimit else { return answer }
            answer += chunk[..<count]
        }
    }

    private static func sendBytes(_ socket: CInt, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if os(Linux)
        send(socket, bytes.baseAddress, bytes.count, CInt(MSG_NOSIGNAL))
        #else
        send(socket, bytes.baseAddress, bytes.count, 0)
        #endif
    }
}
