import Testing

@testable import Names

@Suite struct NameFailureTests {
    @Test(arguments: [
        (NameFailure.noSuchName, Duration?.some(.seconds(1)), "the name 'a.test' doesn't exist"),
        (.noAddress, .seconds(1), "the name 'a.test' has no address"),
        (.noAnswer, .milliseconds(5_020), "the name 'a.test' can't be resolved: no name server answered in 5 s"),
        (.deadline, .milliseconds(2_500), "the name 'a.test' can't be resolved: no name server answered in 2.5 s"),
        (.noAnswer, nil, "the name 'a.test' can't be resolved: no name server answered"),
        (.deadline, .milliseconds(300), "the name 'a.test' can't be resolved: no name server answered in 300 ms"),
    ])
    func `It says what is wrong with which name`(failure: NameFailure, time: Duration?, sentence: String) {
        #expect(failure.sentence(about: "a.test", after: time) == sentence)
    }

    @Test func `Metrics tell them apart`() {
        #expect(Set(NameFailure.allCases.map(\.name)).count == NameFailure.allCases.count)
    }
}
