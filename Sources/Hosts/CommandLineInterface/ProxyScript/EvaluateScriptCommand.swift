import ArgumentParser
import Platform
import TunnelStages

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// `fluidity evaluate-proxy-script`, by which this program starts itself: reads a question from its input and writes the verdict.
struct EvaluateScriptCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate-proxy-script",
        abstract: "Evaluate a proxy auto-configuration: how this program starts itself for it.", shouldDisplay: false)

    /// How another one is started.
    static var words: [String] { [OwnProgram.path, configuration.commandName ?? ""] }

    /// What it may take.
    private static let memory: rlim_t = 1 << 30
    private static let seconds: rlim_t = 4

    func run() throws {
        Self.confine()
        guard let bytes = Self.read(upTo: ProxyScriptChild.scriptLimit + 4_096), let question = ProxyScriptChild.Question(bytes)
        else { throw ExitCode(1) }
        let (verdict, text) = Self.evaluate(question)
        _ = WholeWrite.write("\(verdict.rawValue) \(text)".utf8, to: STDOUT_FILENO)
        // Nothing of the library's is run any more.
        _exit(0)
    }

    /// Nothing is open but what it was given, and there is an end to what it may use.
    private static func confine() {
        // But for what the runtime's threads wait with, which ends the process where it is taken from them; none of that is inherited.
        for descriptor in 3..<CInt(1_024) where !isOfTheRuntime(descriptor) { close(descriptor) }
        func limit(_ resource: CInt, _ value: rlim_t) {
            var limits = rlimit(rlim_cur: value, rlim_max: value)
            #if os(Linux)
            setrlimit(__rlimit_resource_t(UInt32(resource)), &limits)
            #else
            setrlimit(resource, &limits)
            #endif
        }
        #if os(Linux)
        limit(CInt(RLIMIT_AS.rawValue), memory)
        limit(CInt(RLIMIT_CPU.rawValue), seconds)
        limit(CInt(RLIMIT_CORE.rawValue), 0)
        limit(CInt(RLIMIT_FSIZE.rawValue), 0)
        #else
        limit(RLIMIT_CPU, seconds)
        limit(RLIMIT_CORE, 0)
        #endif
        // Should nobody be there any more who would end it.
        alarm(30)
    }

    /// Whether a descriptor is one that events are waited for with (epoll, eventfd, timerfd).
    private static func isOfTheRuntime(_ descriptor: CInt) -> Bool {
        var name = [CChar](repeating: 0, count: 32)
        guard readlink("/proc/self/fd/\(descriptor)", &name, name.count - 1) > 0 else { return false }
        return name.starts(with: "anon_inode:".utf8.map { CChar(bitPattern: $0) })
    }

    private static func read(upTo limit: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = chunk.withUnsafeMutableBytes { readOnce(STDIN_FILENO, $0) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0, bytes.count <= limit else { return nil }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
    }

    private static func evaluate(_ question: ProxyScriptChild.Question) -> (ProxyScriptChild.Verdict, String) {
        guard let parser = PACParser() else { return (.missing, PACParser.file) }
        // The library writes what is wrong to where errors go.
        var ends: [CInt] = [-1, -1]
        guard pipe(&ends) == 0 else { return (.broken, "") }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        dup2(ends[1], STDERR_FILENO)
        guard let answer = parser.find(question) else {
            var said = [UInt8](repeating: 0, count: 2_048)
            let count = said.withUnsafeMutableBytes { readOnce(ends[0], $0) }
            return (.broken, count > 0 ? String(decoding: said[..<count], as: UTF8.self) : "")
        }
        return (.answer, answer)
    }
}

private func readOnce(_ descriptor: CInt, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    read(descriptor, buffer.baseAddress, buffer.count)
}
