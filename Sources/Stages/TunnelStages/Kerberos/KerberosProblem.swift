import CGSSAPI
import Platform

/// Why Kerberos shows nothing, by the number of the library's error: those of RFC 4120, 7.5.9, and of MIT's own behind them.
struct KerberosProblem: Sendable, Equatable {
    /// Of what there are the credentials.
    enum Source: Sendable, Equatable {
        case cache
        case keytab(String)
        case password
    }

    let code: Int32
    /// What the library says, for a code that isn't known here.
    let text: String
    let source: Source
    let user: String?
    /// The proxy.
    let host: String

    private static let base: Int32 = -1_765_328_384

    /// Somebody who knows has refused user and password, or key: an account may be locked by more.
    var isRefusal: Bool {
        guard source != .cache else { return false }
        return [6, 18, 23, 24, 31].contains(code &- Self.base)
    }

    var sentence: String {
        let who = user.map { "'\(ForeignText.line($0, limit: 60))'" } ?? "the user"
        switch code &- Self.base {
        case 6: return "the KDC knows no user \(who)"
        case 7:
            return "the KDC knows no service HTTP/\(host): 'via' has to name the proxy by the name that it has there"
        case 12: return "the KDC's policy doesn't allow it"
        case 18: return "the KDC has locked or disabled the account of \(who)"
        case 23: return "the password of \(who) has expired"
        case 24, 31:
            if case .keytab(let path) = source { return "the KDC refuses the key of \(who) in \(path): it is an old one" }
            return "the KDC refuses the password of \(who)"
        case 32: return "the Kerberos ticket has expired: 'kinit' gets another"
        case 33: return "the Kerberos ticket isn't valid yet: is the clock of this machine right?"
        case 37: return "the clocks of this machine and of the KDC differ by minutes: set this one"
        case 135, 154, 217, 220, 224:
            return "no KDC is known for the realm: /etc/krb5.conf or the name servers have to say where it is"
        case 156: return "no KDC of the realm can be reached"
        case 141, 195, 181:
            if case .keytab(let path) = source { return "\(path) has no key of \(who), or can't be read" }
            return "there is no Kerberos ticket: 'kinit' gets one, and 'via-user' with 'via-password' or 'via-keytab' does without"
        default:
            if case .keytab(let path) = source, code == 2 || code == 13 { return "\(path) has no key of \(who), or can't be read" }
            let said = ForeignText.line(text, limit: 120)
            return said.isEmpty ? "Kerberos fails" : "Kerberos fails: \"\(said)\""
        }
    }

    /// No KDC is known for the realm, or no realm for the user.
    private var isOfNoRealm: Bool { [135, 154, 217, 220, 224].contains(code &- Self.base) }

    var problem: ProxyTokenProblem { ProxyTokenProblem(sentence, isRefusal: isRefusal, isOfNoRealm: isOfNoRealm) }
}
