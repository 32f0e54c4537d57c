import NIOCore
import NIOSSL
import Pipeline

/// What all dialers of a stage have in common for proxies on the way.
struct ProxyTools: Sendable {
    let tries: ProxyTries
    let access: ProxyAccess
    let tls: ProxyTLS
    let scripts = ProxyScripts.process

    init(_ configuration: ConnectConfiguration, tries: ProxyTries = .process) {
        self.tries = tries
        access = ProxyAccess(
            schemes: configuration.viaAuth?.schemes, keytab: configuration.viaKeytab?.path,
            principal: configuration.viaKeytab == nil ? nil : configuration.viaUser)
        tls = ProxyTLS(authorities: configuration.viaCA)
    }

    /// Says now what the first connection would come to nothing by.
    func check(_ routes: [Route]) throws(StageError) {
        let isSecure = routes.contains { if case .proxy(let proxy) = $0 { proxy.isSecure } else { false } }
        if isSecure || tls.hasOwnAuthorities { _ = try tls.context() }
    }

    /// Who makes what Negotiate and NTLM show, for one attempt; nil where neither may be used.
    func tokens(for proxy: ProxyAddress, on loop: any EventLoop) -> (any ProxyTokenMaker)? {
        guard access.usesTokens else { return nil }
        let given = proxy.userAndPassword
        return GSSTokens(
            GSSIdentity(
                user: given?.user ?? access.principal, password: given.flatMap { $0.password.isEmpty ? nil : $0.password },
                keytab: access.keytab, host: proxy.host),
            on: loop)
    }

    /// What isn't there that the configuration wants, though it may do without.
    var warning: String? {
        guard access.usesTokens else { return nil }
        guard let library = GSSLibrary.shared else {
            return
                "'via-auth' has 'negotiate' or 'ntlm', and \(GSSLibrary.file) isn't installed here, which Debian has in the package "
                + "libgssapi-krb5-2"
        }
        guard access.schemes.contains(.ntlm), !library.speaks(.ntlm) else { return nil }
        return "'via-auth' has 'ntlm', and the system's GSS-API has none, which Debian has in the package gss-ntlmssp"
    }
}
