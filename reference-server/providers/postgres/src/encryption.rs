//! Whether a connection is encrypted: what the URL's `sslmode` wants, and what the server agrees to. Must not know
//! certificates.
//!
//! As with libpq: `disable`, `prefer` (the default: encrypted when the server can, unverified), `require` (encrypted,
//! unverified unless `sslrootcert` is given), `verify-ca` (by a trusted authority), `verify-full` (and for this host).

use std::io;
use std::path::PathBuf;

use hc_connect::{Place, Stream, Tls, TlsOptions, Verification};
use http_container::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A message of eight bytes with the code that asks for encryption.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
/// What a client calls the protocol when it begins with TLS at once.
const PROTOCOL: &str = "postgresql";

/// The URL's options that concern encryption.
#[derive(Default)]
pub(crate) struct EncryptionOptions {
    pub(crate) mode: Option<String>,
    pub(crate) negotiation: Option<String>,
    /// A file, or `system`.
    pub(crate) root_certificates: Option<PathBuf>,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
}

/// Whether and how connections are encrypted.
pub(crate) struct Encryption {
    /// `None`: never.
    tls: Option<Tls>,
    is_required: bool,
    /// TLS begins at once, without a question in clear.
    is_direct: bool,
}

impl Encryption {
    pub(crate) fn new(options: EncryptionOptions) -> Result<Self, Error> {
        let mode = options.mode.as_deref().unwrap_or("prefer");
        let is_direct = match options.negotiation.as_deref() {
            None | Some("postgres") => false,
            Some("direct") => true,
            Some(other) => return Err(Error::new(format!("there is no sslnegotiation `{other}`"))),
        };
        let verification = match mode {
            "disable" => return Ok(Self { tls: None, is_required: false, is_direct: false }),
            "require" if options.root_certificates.is_some() => Verification::Authority,
            "prefer" | "require" => Verification::None,
            "verify-ca" => Verification::Authority,
            "verify-full" => Verification::Full,
            other => return Err(Error::new(format!("there is no sslmode `{other}`"))),
        };
        let is_required = mode != "prefer";
        if is_direct && !is_required {
            return Err(Error::new("sslnegotiation=direct needs an sslmode that requires encryption"));
        }
        let tls = Tls::new(&TlsOptions {
            verification,
            roots: options.root_certificates.filter(|file| file.as_os_str() != "system"),
            identity: match (options.certificate, options.key) {
                (None, None) => None,
                (Some(certificate), Some(key)) => Some((certificate, key)),
                _ => return Err(Error::new("sslcert and sslkey belong together")),
            },
            protocol: is_direct.then_some(PROTOCOL),
        })?;
        Ok(Self { tls: Some(tls), is_required, is_direct })
    }

    /// Connects to a server, and encrypts the connection as both sides want it. Unix sockets never are.
    pub(crate) async fn connect(&self, place: &Place) -> io::Result<Stream> {
        let mut stream = place.connect().await?;
        let (Some(tls), Place::Tcp { host, .. }) = (&self.tls, place) else { return Ok(stream) };
        if self.is_direct || is_offered(&mut stream).await? {
            return tls.begin(stream, host).await;
        }
        match self.is_required {
            true => Err(io::Error::other("the server does not offer TLS, which `sslmode` requires")),
            false => Ok(stream),
        }
    }
}

/// Asks whether the server can encrypt. Exactly one byte is read, so nothing that came in clear is taken for encrypted.
async fn is_offered(stream: &mut Stream) -> io::Result<bool> {
    stream.write_all(&SSL_REQUEST).await?;
    match stream.read_u8().await? {
        b'S' => Ok(true),
        b'N' => Ok(false),
        _ => Err(io::Error::other("the server does not answer like PostgreSQL")),
    }
}
