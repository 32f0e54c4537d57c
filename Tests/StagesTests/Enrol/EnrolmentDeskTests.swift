import Logging
import NIOSSL
import Testing

@testable import TunnelStages

/// The certificates that who joins is shown, while their files change.
@Suite struct EnrolmentDeskTests {
    private let files: DeskFiles
    private let desk: EnrolmentDesk

    init() throws {
        files = try DeskFiles()
        desk = try EnrolmentDesk(files.configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    @Test func `What didn't change isn't read again`() {
        defer { files.remove() }
        let before = desk.tls
        desk.refresh()
        #expect(desk.tls === before)
    }

    @Test func `A renewed certificate is shown, once its key is there too`() throws {
        defer { files.remove() }
        let before = desk.tls
        let renewed = try files.issue(for: "server.example")
        try files.write("server.pem", renewed.certificatePEM())
        desk.refresh()
        #expect(desk.tls === before)
        try files.write("server-key.pem", renewed.keyPEM())
        desk.refresh()
        #expect(desk.tls !== before)
    }
}
