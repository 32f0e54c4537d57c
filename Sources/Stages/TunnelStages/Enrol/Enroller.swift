import Crypto
import Platform
import SwiftASN1
import X509

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Decides whether somebody gets a certificate, and makes it. What it is for, whose name it has and how long it is valid says the invitation;
/// of the request only the key is taken, and a request that asks for anything else is refused.
struct Enroller: Sendable {
    /// How it went, for the metrics.
    enum Result: String, CaseIterable {
        case granted
        /// No such code, or none any more: somebody guesses, or is too late.
        case unknown
        case expired
        case used
        /// The key was revoked.
        case revoked
        /// The request for a certificate isn't one that is granted.
        case unsuitable
        /// Too many were at it: nobody has looked at the code.
        case busy
        /// Not for what was asked: the authority can't sign.
        case failed
    }

    private let authority: CertificateAuthority
    private let store: InvitationStore
    /// Where it is noted who has joined; nil where nobody keeps it.
    private let roster: Roster?
    private let serverName: String

    init(authority: CertificateAuthority, store: InvitationStore, roster: Roster?, serverName: String) {
        self.authority = authority
        self.store = store
        self.roster = roster
        self.serverName = serverName
    }

    /// Blocks for as long as the file system does.
    ///
    /// - Parameter now: Seconds of the Unix epoch.
    func answer(_ request: EnrolMessage.Request, now: Int) -> (EnrolMessage.Answer, Result, Invitation?) {
        let wanted: CertificateSigningRequest
        do throws(Unsuitable) {
            wanted = try Self.read(request.certificateRequest)
        } catch {
            return (.refused(error.reason), .unsuitable, nil)
        }
        guard let key = try? wanted.publicKey.infoHash() else {
            return (.refused("the request's key can't be read"), .unsuitable, nil)
        }
        let hash = InvitationLine.hash(request.code)
        if let roster {
            guard roster.make() else { return (unwritable(roster), .failed, nil) }
            guard !roster.isRevoked(key) else { return (Self.revoked, .revoked, nil) }
        }
        // The name is looked at before the code is spent.
        switch store.peek(hash) {
        case let invitation? where wanted.subject != Self.subject(invitation):
            return (
                .refused("the invitation is for the name '\(invitation.name)', and the request is for another"), .unsuitable,
                invitation
            )
        default: break
        }
        switch store.claim(hash, for: key, now: now) {
        case .unknown: return (.refused("there is no such invitation; ask for another"), .unknown, nil)
        case .expired(let invitation):
            let end = Timestamp.utc(invitation.until)
            return (.refused("the invitation for '\(invitation.name)' ended on \(end); ask for another"), .expired, invitation)
        case .used(let invitation):
            return (
                .refused("the invitation for '\(invitation.name)' was taken by another machine; ask for another"), .used, invitation
            )
        case .taken(let invitation):
            let granted = grant(invitation, to: wanted.publicKey)
            if granted.1 == .granted { store.tidy(now: now) }
            return granted
        }
    }

    private static let revoked = EnrolMessage.Answer.refused(
        "this machine's key was revoked; move its folder of certificates away, and ask for another invitation")

    private func unwritable(_ roster: Roster) -> EnrolMessage.Answer {
        .refused("the server can't write down who joins; its folder '\(Self.leaf(roster.path))' can't be written")
    }

    private func grant(
        _ invitation: Invitation, to key: Certificate.PublicKey
    ) -> (EnrolMessage.Answer, Result, Invitation?) {
        do {
            let request = CertificateRequest(
                name: invitation.name, isClient: true, uris: invitation.uri.map { [$0] } ?? [], days: invitation.days)
            let certificate = try authority.issue(request, for: key)
            var serializer = DER.Serializer()
            try serializer.serialize(certificate)
            if let roster {
                var entry = RosterEntry(key: try key.infoHash())
                (entry.name, entry.uri) = (invitation.name, invitation.uri)
                (entry.joined, entry.end) = (WallTime.seconds, Int(certificate.notValidAfter.timeIntervalSince1970))
                // Whom nobody could revoke by name isn't let in.
                guard roster.make(), roster.note(joined: entry) else { return (unwritable(roster), .failed, invitation) }
                // Somebody may have revoked who took the invitation meanwhile.
                guard !roster.isRevoked(entry.key) else { return (Self.revoked, .revoked, invitation) }
            }
            return (.granted(certificate: serializer.serializedBytes, serverName: serverName), .granted, invitation)
        } catch {
            return (.refused("the server can't make a certificate now; its log says why"), .failed, invitation)
        }
    }

    /// Why a request for a certificate isn't one that is granted.
    struct Unsuitable: Error {
        let reason: String
    }

    private static func read(_ bytes: [UInt8]) throws(Unsuitable) -> CertificateSigningRequest {
        let request: CertificateSigningRequest
        do {
            request = try CertificateSigningRequest(derEncoded: bytes)
        } catch {
            throw Unsuitable(reason: "what was sent is no request for a certificate (PKCS #10), or its key can't be read")
        }
        // An elliptic curve's key is small, and quick to check, whatever number the asker has chosen.
        let isKnown =
            P256.Signing.PublicKey(request.publicKey) != nil || P384.Signing.PublicKey(request.publicKey) != nil
            || P521.Signing.PublicKey(request.publicKey) != nil || Curve25519.Signing.PublicKey(request.publicKey) != nil
        guard isKnown else {
            throw Unsuitable(reason: "the key is of no kind that is certified here: P-256, P-384, P-521, Ed25519")
        }
        guard request.attributes.isEmpty else {
            throw Unsuitable(reason: "the request asks for extensions, and what a certificate is for the invitation says")
        }
        guard request.publicKey.isValidSignature(request.signature, for: request) else {
            throw Unsuitable(reason: "the request isn't signed with the key that it is for")
        }
        return request
    }

    /// A path's last part: the rest is no stranger's business.
    private static func leaf(_ path: String) -> Substring { path.split(separator: "/").last ?? "" }

    private static func subject(_ invitation: Invitation) -> DistinguishedName? {
        try? DistinguishedName { CommonName(invitation.name) }
    }
}
