import NIOCore
import Testing

@testable import TunnelStages

@Suite struct KerberosProblemTests {
    private static let base: Int32 = -1_765_328_384

    /// The number behind the table's base, of what there are credentials, and what is said.
    @Test(
        arguments: [
            (24, .password, "the KDC refuses the password of 'anna'", true),
            (24, .keytab("/k"), "the KDC refuses the key of 'anna' in /k: it is an old one", true),
            (6, .password, "the KDC knows no user 'anna'", true),
            (23, .password, "the password of 'anna' has expired", true),
            (18, .password, "the KDC has locked or disabled the account of 'anna'", true),
            (24, .cache, "the KDC refuses the password of 'anna'", false),
            (7, .cache, "the KDC knows no service HTTP/proxy: 'via' has to name the proxy by the name that it has there", false),
            (32, .cache, "the Kerberos ticket has expired: 'kinit' gets another", false),
            (37, .password, "the clocks of this machine and of the KDC differ by minutes: set this one", false),
            (156, .password, "no KDC of the realm can be reached", false),
            (154, .password, "no KDC is known for the realm: /etc/krb5.conf or the name servers have to say where it is", false),
            (
                141, .cache,
                "there is no Kerberos ticket: 'kinit' gets one, and 'via-user' with 'via-password' or 'via-keytab' does without",
                false
            ),
            (195, .keytab("/k"), "/k has no key of 'anna', or can't be read", false),
            (60, .cache, "Kerberos fails: \"Generic error\"", false),
        ] as [(Int32, KerberosProblem.Source, String, Bool)])
    func `Sentences`(number: Int32, source: KerberosProblem.Source, sentence: String, isRefusal: Bool) {
        let problem = KerberosProblem(
            code: Self.base + number, text: "Generic\n error", source: source, user: "anna", host: "proxy")
        #expect(problem.problem == ProxyTokenProblem(sentence, isRefusal: isRefusal, isOfNoRealm: number == 154))
    }

    @Test func `A library that isn't there`() { #expect(GSSLibrary("libnothing-of-that-name.so.9") == nil) }

    @Test(arguments: [("anna", "anna"), ("anna@CORP.TEST", "anna@CORP.TEST"), ("corp\\anna", "anna@CORP"), (nil, nil)])
    func `Principals`(user: String?, principal: String?) {
        #expect(GSSIdentity(user: user, host: "proxy").principal == principal)
    }

    /// Who isn't served by his deadline hears of that, and nobody is served late.
    @Test func `Deadlines`() throws {
        let loop = MultiThreadedLoop.shared
        let (promise, late) = (loop.makePromise(of: ProxyTokenProblem?.self), GSSThread())
        loop.execute {
            let tokens = GSSTokens(GSSIdentity(host: "proxy"), on: loop, thread: late)
            tokens.make(.negotiate, from: [], until: .now()) { result in
                if case .failure(let problem) = result { promise.succeed(problem) } else { promise.succeed(nil) }
            }
        }
        #expect(try promise.futureResult.wait() == ProxyTokenProblem("no answer has come from the KDC in time"))
    }
}
