import NIOCore
import Synchronization
import Testing

@testable import Platform

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
        let now = NIODeadline.now()
        descriptors.relieve(now: now)
        #expect(asked.withLock { $0.sorted() } == ["first", "second"])
        // All who want a descriptor in the same moment ask once.
        descriptors.relieve(now: now + .milliseconds(49))
        #expect(asked.withLock { $0.count } == 2)
        descriptors.remove(first)
        descriptors.relieve(now: now + .milliseconds(50))
        #expect(asked.withLock { $0.sorted() } == ["first", "second", "second"])
    }

    @Test func `A shortage is said once a minute, however it comes and goes`() {
        let descriptors = FileDescriptors()
        let now = NIODeadline.now()
        let times = [(0, true), (1, false), (59, false), (118, false), (178, true)]
        for (seconds, isNews) in times { #expect(descriptors.noteShortage(now: now + .seconds(Int64(seconds))) == isNews) }
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
        #expect(!descriptors.areScarce && !descriptors.areExhausted)
        #expect(!descriptors.isScarce(descriptors.limit - descriptors.reserve - 1))
        #expect(descriptors.isScarce(descriptors.limit - descriptors.reserve))
    }
}
