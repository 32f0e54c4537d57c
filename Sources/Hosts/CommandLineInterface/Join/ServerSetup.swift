import ArgumentParser
import ConfigurationLanguage
import Crypto
import NIOCore
import Pipeline
import SwiftASN1
import TunnelStages
import X509

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// A server's configuration, for those who let machines join it.
struct ServerSetup {
    let file: String
    let enrol: EnrolConfiguration?
    let mtls: MTLSConfiguration?
    private let accept: AcceptConfiguration?
    /// Where it is kept who has joined, each place once: what is revoked is revoked in all of them.
    let rosters: [Roster]
    /// Whether an `mtls` of the file looks there.
    let enforces: Bool

    /// - Parameters:
    ///   - config: What the command line names; else the server's usual file.
    ///   - checksFiles: Whether what the file names has to be there, as for a server that runs. Who is revoked is revoked whatever is missing.
    init(_ config: String?, _ options: ConfigurationOptions, checksFiles: Bool) throws {
        file = try ConfigurationPlace.server.find(config)
        let stages = try options.load(file, host: .server, checksFiles: checksFiles).allStages.map(\.configuration)
        enrol = stages.lazy.compactMap { $0 as? EnrolConfiguration }.first
        mtls = stages.lazy.compactMap { $0 as? MTLSConfiguration }.first
        accept = stages.lazy.compactMap { $0 as? AcceptConfiguration }.first
        let enforced = stages.compactMap { ($0 as? MTLSConfiguration)?.agents?.path }
        enforces = !enforced.isEmpty
        let noted = stages.compactMap { ($0 as? EnrolConfiguration)?.agents?.path }
        rosters = Set(enforced + noted).sorted().map { Roster(path: $0) }
    }

    /// Where the server is reached.
    ///
    /// - Parameter given: What the command line says; else this machine's first address that others reach.
    func address(_ given: String?) throws -> HostPort {
        guard let given else { return try ownAddress() }
        do throws(InvalidValue) { return try HostPort(configured: given) } catch {
            throw ValidationError("--server is a host and a port such as tunnel.example.org:8443, not '\(given)'")
        }
    }

    private func ownAddress() throws -> HostPort {
        guard case .tcp(let host, let port)? = accept?.listen, port != 0 else {
            throw StageError(
                .configuration, "the port that the server listens on isn't known; say with --server where it is reached")
        }
        let isEverywhere = ["0.0.0.0", "::"].contains(host)
        if !isEverywhere { return HostPort(host: host, port: port) }
        let devices = (try? System.enumerateDevices()) ?? []
        let addresses = devices.compactMap(\.address)
        // What others reach: none of this machine's own, and of two kinds the one that is spoken everywhere.
        let candidates = addresses.filter { !$0.isLoopback && $0.ipAddress?.hasPrefix("fe80") == false }
        guard let found = (candidates.first { $0.protocol == .inet } ?? candidates.first)?.ipAddress else {
            throw StageError(
                .configuration, "this machine has no address that others reach; say with --server where the server is reached")
        }
        return HostPort(host: found, port: port)
    }

    /// SHA-256 of the first certificate of a file, in DER.
    static func fingerprint(_ source: PEMSource) throws -> [UInt8] {
        guard let document = try? PEMDocument(pemString: text(source)) else {
            throw StageError(.configuration, "the authority's certificate can't be read: it is no PEM file")
        }
        return Array(SHA256.hash(data: document.derBytes))
    }

    /// The PEM text.
    static func text(_ source: PEMSource) throws(StageError) -> String {
        switch source {
        case .text(let secret): return secret.revealed
        case .file(let file):
            do { return try PrivateFile.read(URL(fileURLWithPath: file.path)) } catch {
                throw StageError(.unavailable, error.message)
            }
        }
    }

    /// The name by which agents know the server: the first DNS name, or URI, of its certificate.
    func serverName() throws -> String {
        guard let source = enrol?.certificate ?? mtls?.certificate else {
            throw StageError(.configuration, "\(file) has no stage 'mtls', so agents can't know its server")
        }
        guard let certificate = try? Certificate(pemEncoded: Self.text(source)), let identity = try? PeerIdentity(certificate),
            let name = identity.dnsNames.first ?? identity.uris.first
        else {
            throw StageError(
                .configuration, "the server's certificate of \(file) can't be read, or has no name by which agents could know it")
        }
        return name
    }
}
