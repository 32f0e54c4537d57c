import Foundation
import Testing

@testable import Hosting

/// What the service manager is told, and whether.
@Suite struct ServiceManagerTests {
    @Test func `Its lines`() {
        #expect(ServiceManager.News.ready.lines(now: 7) == "READY=1\nSTATUS=running")
        #expect(ServiceManager.News.reloading.lines(now: 7) == "RELOADING=1\nMONOTONIC_USEC=7\nSTATUS=reading the configuration")
        #expect(ServiceManager.News.reloaded(nil).lines(now: 7) == "READY=1\nSTATUS=running")
        // A line of a file can't become a line of the protocol.
        #expect(
            ServiceManager.News.reloaded("line 1: no\nMAINPID=1").lines(now: 7)
                == "READY=1\nSTATUS=running with the configuration before: line 1: no MAINPID=1")
        #expect(ServiceManager.News.stopping("SIGTERM").lines(now: 7) == "STOPPING=1\nSTATUS=finishing what is open (SIGTERM)")
        #expect(ServiceManager.News.alive.lines(now: 7) == "WATCHDOG=1")
    }

    @Test func `Whose watchdog it is`() {
        func interval(_ environment: [String: String]) -> Duration? {
            ServiceManager(environment: environment, process: 5).watchdog
        }
        #expect(interval(["NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "2000000"]) == .seconds(2))
        #expect(interval(["NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "5"]) == .microseconds(1))
        #expect(interval(["NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "6"]) == nil)
        for wrong in ["", "0", "-1", "x", "99999999999999999999"] {
            #expect(interval(["NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": wrong]) == nil)
        }
        #expect(interval(["WATCHDOG_USEC": "1"]) == nil)
        #expect(interval(["NOTIFY_SOCKET": "vsock:2:1", "WATCHDOG_USEC": "1"]) == nil)
    }

    @Test(arguments: ["/nowhere/at/all", "@nobody-listens-here", "/" + String(repeating: "x", count: 200), "relative"])
    func `Nobody listens`(_ path: String) {
        ServiceManager(environment: ["NOTIFY_SOCKET": path]).tell(.ready)
    }
}
