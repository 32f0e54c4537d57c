import CGSSAPI

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What one handshake shows who it is by.
struct GSSIdentity: Sendable, Hashable {
    /// As it was configured: `anna`, `anna@CORP.EXAMPLE` or `CORP\anna`; nil for whoever has the tickets.
    var user: String?
    var password: String?
    /// The path of a file with keys in place of a password.
    var keytab: String?
    /// The proxy's host, whose service is `HTTP`.
    var host: String

    /// The name of a principal: the domain of Windows' form stands for the realm.
    var principal: String? {
        guard let user else { return nil }
        let parts = user.split(separator: "\\", maxSplits: 1)
        return parts.count == 2 ? "\(parts[1])@\(parts[0].uppercased())" : user
    }
}

/// Makes tokens with the library. Its calls may wait for a KDC, so they have a thread of their own, to which this is confined.
struct GSSWorker {
    private struct Session {
        let mechanism: GSSObject
        let isWrapped: Bool
        var credentials: gss_handle?
        var context: gss_handle?
        var isComplete = false
    }

    /// Tickets that a password or a keytab has got stay for the connections that follow: each time the KDC is asked counts there. Not for long,
    /// for a proxy may have got another key since, and refuses then what they show.
    private struct Tickets {
        var credentials: gss_handle
        var until: UInt64
    }

    private static let ticketLimit = 16
    private static let ticketTime: UInt64 = 600
    private var sessions: [UInt64: Session] = [:]
    private var tickets: [GSSIdentity: Tickets] = [:]

    /// The next token of a handshake.
    ///
    /// - Parameters:
    ///   - bytes: What the proxy has sent; none for the first token.
    ///   - now: Seconds of a clock that doesn't jump.
    mutating func step(
        _ id: UInt64, _ scheme: ProxyScheme, _ identity: GSSIdentity, from bytes: [UInt8], now: UInt64
    ) -> Result<[UInt8], ProxyTokenProblem> {
        guard let library = GSSLibrary.shared else {
            return .failure(
                ProxyTokenProblem("\(GSSLibrary.file) isn't installed, which Debian has in the package libgssapi-krb5-2"))
        }
        do throws(ProxyTokenProblem) {
            if bytes.isEmpty { try begin(id, scheme, identity, library, now) }
            return .success(try go(on: id, identity, from: bytes, library))
        } catch {
            forget(id)
            return .failure(error)
        }
    }

    /// The handshake is over.
    mutating func forget(_ id: UInt64) {
        guard var session = sessions.removeValue(forKey: id), let library = GSSLibrary.shared else { return }
        var minor: gss_status = 0
        if session.context != nil { _ = library.deleteContext(&minor, &session.context, nil) }
        if session.credentials != nil { _ = library.releaseCredentials(&minor, &session.credentials) }
    }

    private mutating func begin(
        _ id: UInt64, _ scheme: ProxyScheme, _ identity: GSSIdentity, _ library: GSSLibrary, _ now: UInt64
    ) throws(ProxyTokenProblem) {
        forget(id)
        guard scheme == .negotiate else {
            sessions[id] = try ntlm(identity, library)
            return
        }
        do throws(ProxyTokenProblem) {
            sessions[id] = try kerberos(identity, library, now)
        } catch {
            // NTLM inside of Negotiate, for a domain of which this machine knows no realm: not with a password that a KDC has just refused,
            // which would be another attempt with it, nor where the KDC will be back.
            guard error.isOfNoRealm, identity.password != nil, let session = try? ntlm(identity, library) else { throw error }
            sessions[id] = session
        }
    }

    private func ntlm(_ identity: GSSIdentity, _ library: GSSLibrary) throws(ProxyTokenProblem) -> Session {
        guard library.speaks(.ntlm) else {
            throw ProxyTokenProblem("the system's GSS-API has no NTLM, which Debian has in the package gss-ntlmssp")
        }
        guard let user = identity.user, let password = identity.password else {
            throw ProxyTokenProblem("NTLM needs 'via-user', as CORP\\anna say, and 'via-password'")
        }
        let result = Self.acquire(library, .ntlm, user, password: password)
        guard result.status == 0, let credentials = result.credentials else {
            throw ProxyTokenProblem("NTLM can't be begun with this user and this password")
        }
        return Session(mechanism: .ntlm, isWrapped: false, credentials: credentials)
    }

    private mutating func kerberos(
        _ identity: GSSIdentity, _ library: GSSLibrary, _ now: UInt64
    ) throws(ProxyTokenProblem) -> Session {
        if let known = tickets[identity], known.until > now {
            // They are the table's, and outlive the session.
            return Session(mechanism: .kerberos, isWrapped: true, context: nil)
        }
        let user = identity.principal
        let result: Acquired
        if let keytab = identity.keytab {
            result = Self.acquire(library, user, keytab: keytab)
        } else if let user, let password = identity.password {
            result = Self.acquire(library, .kerberos, user, password: password)
        } else {
            result = Self.acquire(library, nil)
        }
        guard result.status == 0, let credentials = result.credentials else {
            throw Self.problem(result.minor, identity, library)
        }
        guard identity.keytab != nil || identity.password != nil else {
            return Session(mechanism: .kerberos, isWrapped: true, credentials: credentials)
        }
        if tickets.count >= Self.ticketLimit || tickets[identity] != nil {
            let victim = tickets[identity] != nil ? identity : tickets.min { $0.value.until < $1.value.until }?.key
            if let victim, let old = tickets.removeValue(forKey: victim) {
                var minor: gss_status = 0
                var handle: gss_handle? = old.credentials
                _ = library.releaseCredentials(&minor, &handle)
            }
        }
        tickets[identity] = Tickets(
            credentials: credentials, until: now + min(UInt64(max(result.seconds, 120)) - 60, Self.ticketTime))
        return Session(mechanism: .kerberos, isWrapped: true)
    }

    private mutating func go(
        on id: UInt64, _ identity: GSSIdentity, from bytes: [UInt8], _ library: GSSLibrary
    ) throws(ProxyTokenProblem) -> [UInt8] {
        guard var session = sessions[id] else { throw ProxyTokenProblem("the handshake is over") }
        let isFirst = session.context == nil
        var input = bytes
        if !isFirst {
            guard !session.isComplete, let inner = session.isWrapped ? SPNEGOToken.answer(bytes) : bytes else {
                throw ProxyTokenProblem("the proxy refuses what it was shown")
            }
            input = inner
        }
        let mechanism = session.mechanism
        let credentials = session.credentials ?? tickets[identity]?.credentials
        var minor: gss_status = 0
        var output = gss_bytes()
        let status = Self.withName(library, "HTTP@\(identity.host)", .service) { name -> gss_status in
            mechanism.withID { mechanism in
                input.withUnsafeMutableBytes { raw in
                    withUnsafePointer(to: gss_bytes(length: raw.count, value: raw.baseAddress)) { taken in
                        library.initContext(
                            &minor, credentials, &session.context, name, mechanism, 0, 0, nil, isFirst ? nil : taken, nil, &output,
                            nil, nil)
                    }
                }
            }
        }
        sessions[id] = session
        let token = library.take(&output) ?? []
        guard let status, status == 0 || status == gss_continue_needed else {
            // The tickets may be what is wrong with it.
            discardTickets(of: identity, library)
            if mechanism == .ntlm { throw ProxyTokenProblem("what the proxy answers in NTLM can't be understood") }
            throw Self.problem(minor, identity, library)
        }
        sessions[id]?.isComplete = status == 0
        guard !token.isEmpty else { throw ProxyTokenProblem("the proxy wants more than there is to show") }
        return session.isWrapped && isFirst ? SPNEGOToken.first(mechanism, token) : token
    }

    private mutating func discardTickets(of identity: GSSIdentity, _ library: GSSLibrary) {
        guard let old = tickets.removeValue(forKey: identity) else { return }
        var minor: gss_status = 0
        var handle: gss_handle? = old.credentials
        _ = library.releaseCredentials(&minor, &handle)
    }

    private static func problem(_ minor: gss_status, _ identity: GSSIdentity, _ library: GSSLibrary) -> ProxyTokenProblem {
        let source: KerberosProblem.Source =
            if let keytab = identity.keytab { .keytab(keytab) } else if identity.password != nil { .password } else { .cache }
        return KerberosProblem(
            code: Int32(bitPattern: minor), text: library.text(of: minor, .kerberos), source: source, user: identity.principal,
            host: identity.host
        ).problem
    }

    // MARK: - The library's calls

    private struct Acquired {
        var status: gss_status
        var minor: gss_status
        var credentials: gss_handle?
        /// For how long.
        var seconds: UInt32
    }

    /// With whatever the user has.
    private static func acquire(_ library: GSSLibrary, _ name: gss_handle?) -> Acquired {
        acquired { minor, credentials, seconds in
            GSSObject.kerberos.withSet {
                library.acquire(minor, name, gss_for_ever, $0, gss_usage_initiate, credentials, nil, seconds)
            }
        }
    }

    private static func acquire(
        _ library: GSSLibrary, _ mechanism: GSSObject, _ user: String, password: String
    ) -> Acquired {
        acquired { minor, credentials, seconds in
            withName(library, user, .user) { name -> gss_status in
                withBytes(password) { secret in
                    mechanism.withSet {
                        library.acquireWithPassword(
                            minor, name, secret, gss_for_ever, $0, gss_usage_initiate, credentials, nil, seconds)
                    }
                }
            } ?? 1
        }
    }

    /// With the keys of a file; the tickets stay in memory.
    private static func acquire(_ library: GSSLibrary, _ user: String?, keytab: String) -> Acquired {
        let cache = "MEMORY:fluidity-\(UInt64.random(in: 0 ... .max))"
        return acquired { minor, credentials, seconds in
            func acquire(_ name: gss_handle?) -> gss_status {
                withStore(["client_keytab": keytab, "ccache": cache]) { store in
                    GSSObject.kerberos.withSet {
                        library.acquireFrom(minor, name, gss_for_ever, $0, gss_usage_initiate, store, credentials, nil, seconds)
                    }
                }
            }
            guard let user else { return acquire(nil) }
            return withName(library, user, .user, acquire) ?? 1
        }
    }

    private static func acquired(
        _ body: (UnsafeMutablePointer<gss_status>, UnsafeMutablePointer<gss_handle?>, UnsafeMutablePointer<UInt32>) -> gss_status
    ) -> Acquired {
        var minor: gss_status = 0
        var credentials: gss_handle?
        var seconds: UInt32 = 0
        let status = body(&minor, &credentials, &seconds)
        return Acquired(status: status, minor: minor, credentials: credentials, seconds: seconds)
    }

    private static func withStore<Result>(
        _ entries: KeyValuePairs<String, String>, _ body: (UnsafePointer<gss_store>) -> Result
    ) -> Result {
        let texts = entries.map { (strdup($0.key), strdup($0.value)) }
        defer {
            for (key, value) in texts {
                free(key)
                free(value)
            }
        }
        var elements = texts.map { gss_store_entry(key: $0.0, value: $0.1) }
        return elements.withUnsafeMutableBufferPointer { elements in
            withUnsafePointer(to: gss_store(count: UInt32(elements.count), elements: elements.baseAddress)) { body($0) }
        }
    }

    /// The text with a null byte behind it, which doesn't count: there are mechanisms that read up to one. Wiped afterwards.
    private static func withBytes<Result>(_ text: String, _ body: (UnsafePointer<gss_bytes>) -> Result) -> Result {
        var bytes = Array(text.utf8) + [0]
        defer { for index in bytes.indices { bytes[index] = 0 } }
        return bytes.withUnsafeMutableBytes { raw in
            withUnsafePointer(to: gss_bytes(length: raw.count - 1, value: raw.baseAddress)) { body($0) }
        }
    }

    /// Nil for a name that is none.
    private static func withName<Result>(
        _ library: GSSLibrary, _ text: String, _ kind: GSSObject, _ body: (gss_handle?) -> Result
    ) -> Result? {
        var name: gss_handle?
        var minor: gss_status = 0
        let status = withBytes(text) { given in kind.withID { library.importName(&minor, given, $0, &name) } }
        guard status == 0 else { return nil }
        defer { _ = library.releaseName(&minor, &name) }
        return body(name)
    }
}
