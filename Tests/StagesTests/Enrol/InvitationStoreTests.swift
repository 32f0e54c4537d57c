import Foundation
import Testing

@testable import TunnelStages

@Suite struct InvitationStoreTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("invitations-\(UUID().uuidString)")
    private let store: InvitationStore
    private let hash = String(repeating: "a", count: 64)
    private let invitation = Invitation(name: "laptop", until: 1_000, days: 7, uri: "spiffe://example.org/laptop")

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        store = InvitationStore(directory: folder.path)
        try invitation.text.write(to: folder.appendingPathComponent(hash), atomically: true, encoding: .utf8)
    }

    @Test func `An invitation is read as it was written`() {
        #expect(Invitation(text: invitation.text) == invitation)
        #expect(Invitation(text: Invitation(name: "x", until: 1, days: 2).text) == Invitation(name: "x", until: 1, days: 2))
        #expect(Invitation(text: "") == nil && Invitation(text: "name: x\n") == nil && Invitation(text: "name\n") == nil)
    }

    @Test func `Each claim in its turn`() {
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(store.claim(String(repeating: "b", count: 64), for: "k", now: 1) == .unknown)
        #expect(store.claim(hash, for: "k", now: 1_001) == .expired(invitation))
        #expect(store.claim(hash, for: "k", now: 1_000) == .taken(invitation))
        #expect(store.claim(hash, for: "other", now: 1_000) == .used(invitation))
        // Whose answer was lost gets it again, for an hour when the time is over, and not for ever.
        #expect(store.claim(hash, for: "k", now: 4_600) == .taken(invitation))
        #expect(store.claim(hash, for: "k", now: 4_601) == .expired(invitation))
    }

    @Test func `What is withdrawn nobody takes`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(try store.withdraw("desk") == .init())
        #expect(try store.withdraw("laptop") == .init(count: 1, owners: []))
        #expect(store.claim(hash, for: "k", now: 1) == .unknown)
        // Also by one who had read it before it was taken out.
        try invitation.text.write(to: folder.appendingPathComponent(hash), atomically: true, encoding: .utf8)
        #expect(store.claim(hash, for: "k", now: 1) == .unknown)
        #expect(try store.withdraw("laptop") == .init(count: 1, owners: []))
        let mark = folder.appendingPathComponent("\(hash).used")
        #expect(FileManager.default.fileExists(atPath: mark.path))
        store.tidy(now: Int(Date().timeIntervalSince1970) + 31 * 86_400)
        #expect(!FileManager.default.fileExists(atPath: mark.path))
    }

    @Test func `Who has taken one is told when the others are withdrawn`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let owner = String(repeating: "c", count: 64)
        #expect(store.claim(hash, for: owner, now: 1) == .taken(invitation))
        #expect(try store.withdraw("laptop") == .init(count: 0, owners: [owner]))
    }

    /// Each has it or it is withdrawn, never both.
    @Test func `Withdrawing and taking at once`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let (store, invitation, owner) = (store, invitation, String(repeating: "c", count: 64))
        for number in 0..<64 {
            let hash = String(repeating: "0", count: 62) + (number < 10 ? "0\(number)" : "\(number)")
            try invitation.text.write(to: folder.appendingPathComponent(hash), atomically: true, encoding: .utf8)
            async let claim = store.claim(hash, for: owner, now: 1)
            async let withdrawal = store.withdraw("laptop")
            let (taken, withdrawn) = (await claim, try await withdrawal)
            if taken == .taken(invitation) {
                #expect(withdrawn.owners.contains(owner))
            } else {
                #expect(taken == .unknown && withdrawn.count > 0)
            }
        }
    }

    /// A file that somebody else has damaged lets nobody in, and does no harm.
    @Test func `A note that says nothing`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try "".write(to: folder.appendingPathComponent("\(hash).used"), atomically: true, encoding: .utf8)
        #expect(store.claim(hash, for: "k", now: 1) == .unknown)
    }

    @Test func `Nothing is left behind`() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        _ = store.claim(hash, for: "k", now: 1)
        _ = store.claim(hash, for: "other", now: 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == [hash, "\(hash).used"])
    }

    @Test func `Names that lead elsewhere`() {
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in ["../\(hash)", "\(hash)/../\(hash)", "", "a", String(repeating: "A", count: 64)] {
            #expect(store.claim(name, for: "k", now: 1) == .unknown)
        }
    }

    @Test func `Of many who come at once one gets it`() async {
        defer { try? FileManager.default.removeItem(at: folder) }
        let (store, hash) = (store, hash)
        let taken = await withTaskGroup(of: Bool.self) { group in
            for key in 0..<32 {
                group.addTask { if case .taken = store.claim(hash, for: "\(key)", now: 1) { true } else { false } }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(taken == 1)
    }

    @Test func `What is long over goes`() {
        defer { try? FileManager.default.removeItem(at: folder) }
        _ = store.claim(hash, for: "k", now: 1)
        store.tidy(now: 1_000 + 30 * 86_400)
        #expect(store.peek(hash) == invitation)
        store.tidy(now: 1_001 + 30 * 86_400)
        #expect(store.peek(hash) == nil)
        #expect((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) == [])
    }
}
