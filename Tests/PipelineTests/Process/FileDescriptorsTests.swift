import NIOCore
import Synchronization
import Testing

@testable import Pipeline

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

@Suite struct FileDescriptorsTests {
    @Test func `Those who can do without some are asked, and no longer when they have left`() {
        let descriptors = FileDescriptors()
        let asked = Mutex<[String]>([])
        let first = descriptors.add { asked.withLock { $0.append("first") } }
        _ = descriptors.add { asked.withLock { $0.append("second") } }
        descriptors.relieve()
        #expect(asked.withLock { $0.sorted() } == ["first", "second"])
        descriptors.remove(first)
        descriptors.relieve()
        #expect(asked.withLock { $0.sorted() } == ["first", "second", "second"])
    }

    @Test(
        arguments: [
            (IOError(errnoCode: EMFILE, reason: "accept"), true), (IOError(errnoCode: ENFILE, reason: "socket"), true),
            (IOError(errnoCode: ECONNREFUSED, reason: "connect"), false), (ChannelError.eof, false),
        ] as [(any Error, Bool)])
    func `Which errors say that there are none left`(_ error: any Error, _ expected: Bool) {
        #expect(FileDescriptors.areExhausted(error) == expected)
    }

    @Test func `The reserve is a part of the limit`() {
        let descriptors = FileDescriptors()
        #expect(descriptors.limit > 0 && descriptors.reserve >= 8 && descriptors.reserve <= 256)
        #expect(!descriptors.areScarce)
    }
}
