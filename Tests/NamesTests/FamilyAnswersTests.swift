import NIOCore
import Pipeline
import Testing

@testable import Names

@Suite struct FamilyAnswersTests {
    private static let four = IPAddress(v4: 4)
    private static let six = IPAddress(high: 6, low: 6)
    private static let v4 = FamilyAnswers.Answer.found([four], ttl: .seconds(40))
    private static let v6 = FamilyAnswers.Answer.found([six], ttl: .seconds(60))

    struct Case: CustomTestStringConvertible, Sendable {
        var answers: FamilyAnswers
        var verdict: FamilyAnswers.Verdict
        var testDescription: String { "\(answers)" }

        init(_ v6: FamilyAnswers.Answer?, _ v4: FamilyAnswers.Answer?, _ verdict: FamilyAnswers.Verdict) {
            answers = FamilyAnswers(v4: v4, v6: v6)
            self.verdict = verdict
        }
    }

    @Test(arguments: [
        Case(nil, nil, .wait),
        Case(.failed(.noAddress), nil, .wait), Case(nil, .failed(.noSuchName), .wait), Case(.failed(.noAnswer), nil, .wait),
        Case(v6, nil, .waitBriefly([six], ttl: .seconds(60))), Case(nil, v4, .waitBriefly([four], ttl: .seconds(40))),
        Case(v6, v4, .found([six, four], ttl: .seconds(40))),
        Case(v6, .failed(.noAnswer), .found([six], ttl: .seconds(60))),
        Case(.failed(.noAddress), v4, .found([four], ttl: .seconds(40))),
        // Some name servers say of an address that isn't there that its name isn't.
        Case(.failed(.noSuchName), v4, .found([four], ttl: .seconds(40))),
        Case(.failed(.noSuchName), .failed(.noSuchName), .nothing(.noSuchName)),
        Case(.failed(.noSuchName), .failed(.noAddress), .nothing(.noAddress)),
        Case(.failed(.noAddress), .failed(.noSuchName), .nothing(.noAddress)),
        Case(.failed(.noAddress), .failed(.noAnswer), .failed(.noAnswer)),
        Case(.failed(.serverFailed), .failed(.noAddress), .failed(.serverFailed)),
        Case(.failed(.serverFailed), .failed(.noAnswer), .failed(.serverFailed)),
    ])
    func `What follows from two answers`(test: Case) {
        #expect(test.answers.verdict == test.verdict)
    }
}
