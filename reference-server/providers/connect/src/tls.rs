//! Encryption by rustls: whom a client trusts, what it shows, and the handshake. Must not know how a protocol comes to it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http_container::Error;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use crate::stream::Stream;

/// How much of a server's certificate is checked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verification {
    /// Nothing: whoever listens to the network cannot read along, but whoever answers may be anybody.
    None,
    /// That a trusted authority vouches for it.
    Authority,
    /// That a trusted authority vouches for it, and that it is for this host.
    Full,
}

/// Whom a client trusts, and what it shows. Files are in PEM format.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsOptions {
    /// How much is checked.
    pub verification: Verification,
    /// Certificates of trusted authorities, or the server's own; `None`: those that the system trusts.
    pub roots: Option<PathBuf>,
    /// The certificate that the client shows, and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// What the client calls the protocol, where the server wants to know.
    pub protocol: Option<&'static str>,
}

/// A client's half of encrypted connections.
#[derive(Clone)]
pub struct Tls(Arc<ClientConfig>);

impl Tls {
    /// Reads the certificates.
    ///
    /// # Errors
    /// A file cannot be read or used, or there is nobody to be trusted.
    pub fn new(options: &TlsOptions) -> Result<Self, Error> {
        let provider = Arc::new(ring::default_provider());
        let verifier = Verifier {
            algorithms: provider.signature_verification_algorithms,
            trusted: match options.verification {
                Verification::None => None,
                _ => Some(Trusted::read(options.roots.as_deref())?),
            },
            checks_name: options.verification == Verification::Full,
        };
        let mut config = client_config(provider, verifier, options.identity.as_ref())?;
        config.alpn_protocols.extend(options.protocol.map(|protocol| protocol.as_bytes().to_vec()));
        Ok(Self(Arc::new(config)))
    }

    /// Encrypts a connection to `host`. Only TCP is encrypted: nobody listens in within a machine.
    ///
    /// # Errors
    /// The handshake failed.
    ///
    /// # Panics
    /// Outside a task.
    pub async fn begin(&self, stream: Stream, host: &str) -> io::Result<Stream> {
        let Stream::Tcp(stream) = stream else { return Ok(stream) };
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let handshake = TlsConnector::from(Arc::clone(&self.0)).connect(name, stream).await;
        let stream = handshake.map_err(|error| io::Error::new(error.kind(), format!("no TLS: {error}")))?;
        Ok(Stream::Tls(Box::new(stream)))
    }
}

fn client_config(
    provider: Arc<CryptoProvider>,
    verifier: Verifier,
    identity: Option<&(PathBuf, PathBuf)>,
) -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let Some((certificate, key)) = identity else { return Ok(builder.with_no_client_auth()) };
    let key_der = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, &error))?;
    Ok(builder.with_client_auth_cert(read(certificate)?, key_der)?)
}

fn read(file: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    match certificates {
        Ok(certificates) if certificates.is_empty() => {
            Err(Error::new(format!("{} holds no certificate", file.display())))
        }
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(unreadable(file, &error)),
    }
}

fn unreadable(file: &Path, error: &dyn std::error::Error) -> Error {
    Error::new(format!("{} cannot be read: {error}", file.display()))
}

/// Whom a server must be vouched for by.
#[derive(Debug)]
struct Trusted {
    roots: RootCertStore,
    /// The same as they were read: one of them may be the server's own.
    certificates: Vec<CertificateDer<'static>>,
}

impl Trusted {
    fn read(file: Option<&Path>) -> Result<Self, Error> {
        let mut roots = RootCertStore::empty();
        let certificates = file.map_or(Ok(Vec::new()), read)?;
        match file {
            Some(_) => roots.add_parsable_certificates(certificates.iter().cloned()),
            None => roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs),
        };
        if roots.is_empty() {
            return Err(Error::new("there is no certificate of an authority to be trusted"));
        }
        Ok(Self { roots, certificates })
    }
}

/// Checks as much of a server's certificate as is wanted; that the server has its key, always.
#[derive(Debug)]
struct Verifier {
    algorithms: WebPkiSupportedAlgorithms,
    /// `None`: whoever it is.
    trusted: Option<Trusted>,
    checks_name: bool,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let parsed = ParsedCertificate::try_from(certificate)?;
        // A certificate that signed itself is its own authority, which no chain can say.
        if let Some(trusted) = &self.trusted
            && !trusted.certificates.contains(certificate)
        {
            let (roots, algorithms) = (&trusted.roots, self.algorithms.all);
            verify_server_cert_signed_by_trust_anchor(&parsed, roots, intermediates, now, algorithms)?;
        }
        if self.checks_name {
            verify_server_name(&parsed, name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
