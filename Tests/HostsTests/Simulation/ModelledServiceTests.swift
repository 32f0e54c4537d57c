import Testing

@testable import Simulation

/// The modelled ECS: what its documentation says of a service, event by event.
@Suite struct ModelledServiceTests {
    private let start = Moment(seconds: 1_000)
    private let fate = ModelledTask.Fate(startTakes: 30)

    private func running(desired: Int = 1) -> ModelledService {
        var service = ModelledService(now: start)
        service.want(desired, start)
        for change in service.reconcile(start, fate: { fate }).changes {
            guard case .launched(let task) = change else { continue }
            #expect(service.started(task.number, start + 30) == [])
        }
        return service
    }

    @Test func wantsATaskAndHasOneLater() {
        var service = ModelledService(now: start)
        service.want(1, start)
        #expect(service.pending == 0)
        #expect(service.reconcile(start, fate: { fate }).changes.count == 1)
        #expect((service.running, service.pending) == (0, 1))
        _ = service.started(1, start + 30)
        #expect((service.running, service.pending) == (1, 0))
        #expect(service.reconcile(start + 31, fate: { fate }).changes == [])
    }

    @Test func whatIsTooMuchGetsSIGTERM() {
        var service = running()
        service.want(0, start + 100)
        #expect(service.reconcile(start + 101, fate: { fate }).changes == [.told(1)])
        #expect(service.running == 0)
        #expect(service.task(1)?.isAlive == true)
        #expect(service.exited(1, status: 0, start + 150) == [.stopped(1)])
        #expect(service.task(1)?.stopCode == "ServiceSchedulerInitiated")
        #expect(service.task(1)?.exitCode == 0)
    }

    @Test func aProtectedTaskStaysUntilItsProtectionEnds() {
        var service = running()
        #expect(service.protect(1, until: start + 400, start + 90) == nil)
        service.want(0, start + 100)
        let held = service.reconcile(start + 101, fate: { fate })
        #expect(held.changes == [])
        #expect(held.again == start + 400)
        #expect(service.reconcile(start + 401, fate: { fate }).changes == [.told(1)])
    }

    /// `DEPLOYMENT_BLOCKED`: more would be protected than are wanted.
    @Test func protectionIsntRenewedWhereNoTaskIsWanted() {
        var service = running()
        #expect(service.protect(1, until: start + 400, start + 90) == nil)
        service.want(0, start + 100)
        #expect(service.protect(1, until: start + 800, start + 110) == .blocked)
        #expect(service.task(1)?.isProtected(start + 399) == true)
        service.want(1, start + 120)
        #expect(service.protect(1, until: start + 800, start + 130) == nil)
    }

    @Test func stopTaskDoesntAskWhetherItIsProtected() {
        var service = running()
        #expect(service.protect(1, until: start + 4_000, start + 90) == nil)
        #expect(service.stop(1, .stopped(by: "by hand"), start + 100) == [.told(1)])
        // The service wants one all the same.
        #expect(service.reconcile(start + 101, fate: { fate }).changes.count == 1)
    }

    @Test func tasksThatNeverRunAreMadeMoreAndMoreSeldom() {
        var service = ModelledService(now: start)
        service.want(1, start)
        var now = start
        var pauses: [Double] = []
        let broken = ModelledTask.Fate(startTakes: 10, failure: "CannotPullContainerError")
        for number in 1...12 {
            var made = service.reconcile(now, fate: { broken })
            if let again = made.again {
                pauses.append(again - now)
                now = again
                made = service.reconcile(now, fate: { broken })
            }
            #expect(made.changes.count == 1)
            #expect(service.started(number, now) == [.stopped(number)])
        }
        #expect(pauses == pauses.sorted())
        #expect(pauses.last == 1_620)
    }

    @Test func tasksThatDieAfterHavingRunAreMadeAtOnce() {
        var service = running()
        for number in 1...20 {
            #expect(service.exited(number, status: 1, start + Double(100 * number)) == [.stopped(number)])
            let made = service.reconcile(start + Double(100 * number + 1), fate: { fate })
            #expect(made.changes.count == 1 && made.again == nil)
            _ = service.started(number + 1, start + Double(100 * number + 30))
        }
        #expect(service.task(3)?.stopCode == "EssentialContainerExited")
    }

    @Test func whatHasStoppedIsForgottenAfterAnHour() {
        var service = running()
        service.want(0, start)
        _ = service.exited(1, status: 0, start + 100)
        _ = service.reconcile(start + 3_600, fate: { fate })
        #expect(service.tasks.count == 1)
        _ = service.reconcile(start + 3_701, fate: { fate })
        #expect(service.tasks.isEmpty)
    }
}
