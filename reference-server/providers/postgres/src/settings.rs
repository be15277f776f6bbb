//! The operator's configuration: a URL as libpq takes it, and what has no place in one. Must not connect.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use hc_connect::Place;
use http_container::Error;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use crate::encryption::{Encryption, EncryptionOptions};

/// How a connection names itself to the server unless it is told otherwise.
const APPLICATION_NAME: &str = "http-container";
/// Statements that each connection keeps prepared unless it is told otherwise.
const STATEMENTS_KEPT: usize = 256;
const PORT: u16 = 5432;

/// The provider's configuration, as JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `postgres://user:password@host:port/database?option=value&...`.
    url: String,
    /// The name that `pg_stat_activity` shows; also an option of the URL. Default `http-container`.
    application_name: Option<String>,
    /// How many statements each connection keeps prepared; 0: none. Default 256.
    statement_cache: Option<usize>,
}

/// What connections are made from.
pub(crate) struct Settings {
    /// User, password, database, and what else the server is told when a connection begins.
    pub(crate) login: tokio_postgres::Config,
    /// Tried in order until one answers.
    pub(crate) places: Vec<Place>,
    pub(crate) encryption: Encryption,
    /// For each place.
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) wanted: TargetSessionAttrs,
    pub(crate) statements_kept: usize,
}

impl Settings {
    pub(crate) fn new(config: Config) -> Result<Self, Error> {
        let (url, tls) = take_encryption(&config.url)?;
        let mut login: tokio_postgres::Config =
            url.parse().map_err(|error| Error::new(format!("the url is refused: {}", causes(&error))))?;
        if login.get_user().is_none() {
            return Err(Error::new("the url names no user"));
        }
        match (config.application_name, login.get_application_name()) {
            (Some(name), _) => login.application_name(name),
            (None, None) => login.application_name(APPLICATION_NAME),
            (None, Some(_)) => &mut login,
        };
        // Encryption is agreed upon before the library sees the connection.
        login.ssl_mode(SslMode::Disable);
        Ok(Self {
            places: places(&login)?,
            encryption: Encryption::new(tls)?,
            connect_timeout: login.get_connect_timeout().copied(),
            wanted: login.get_target_session_attrs(),
            statements_kept: config.statement_cache.unwrap_or(STATEMENTS_KEPT),
            login,
        })
    }
}

/// The error and what caused it. The library never shows the URL or the password.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// The URL without the options that concern encryption, and these. Options that would be ignored are refused.
fn take_encryption(url: &str) -> Result<(String, EncryptionOptions), Error> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(Error::new("the url must begin with postgres:// or postgresql://"));
    }
    let mut tls = EncryptionOptions::default();
    let Some((front, query)) = url.split_once('?') else { return Ok((url.to_owned(), tls)) };
    let mut rest = Vec::new();
    for option in query.split('&').filter(|option| !option.is_empty()) {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        match key {
            "sslmode" => tls.mode = Some(decode(value)?),
            "sslrootcert" => tls.root_certificates = Some(decode(value)?.into()),
            "sslcert" => tls.certificate = Some(decode(value)?.into()),
            "sslkey" => tls.key = Some(decode(value)?.into()),
            "sslnegotiation" => tls.negotiation = Some(decode(value)?),
            "user"
            | "password"
            | "dbname"
            | "options"
            | "application_name"
            | "host"
            | "hostaddr"
            | "port"
            | "connect_timeout"
            | "target_session_attrs" => rest.push(option),
            // What stands here may be half a password with a `?` in it: only a word is shown.
            word if word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') => {
                return Err(Error::new(format!("the url's option `{word}` is not supported")));
            }
            _ => {
                let text = "the url's options are malformed (`?` within a password must be written `%3F`)";
                return Err(Error::new(text));
            }
        }
    }
    let question = if rest.is_empty() { "" } else { "?" };
    Ok((format!("{front}{question}{}", rest.join("&")), tls))
}

fn decode(value: &str) -> Result<String, Error> {
    let decoded = percent_decode_str(value).decode_utf8();
    Ok(decoded.map_err(|_| Error::new("an option of the url is not UTF-8"))?.into_owned())
}

/// Hosts with their addresses and ports; lists go side by side, and one port serves all.
fn places(login: &tokio_postgres::Config) -> Result<Vec<Place>, Error> {
    let (hosts, addresses, ports) = (login.get_hosts(), login.get_hostaddrs(), login.get_ports());
    let count = hosts.len().max(addresses.len());
    if count == 0 {
        return Err(Error::new("the url names no host"));
    }
    let fits = |length: usize| length == 0 || length == count;
    if !fits(hosts.len()) || !fits(addresses.len()) || !(fits(ports.len()) || ports.len() == 1) {
        return Err(Error::new("the url has other numbers of hosts, addresses and ports"));
    }
    let place = |at: usize| {
        let port = if ports.len() == 1 { ports[0] } else { ports.get(at).copied().unwrap_or(PORT) };
        let address: Option<IpAddr> = addresses.get(at).copied();
        match (hosts.get(at), address) {
            (Some(Host::Unix(folder)), _) => Ok(Place::Unix(socket(folder, port))),
            (Some(Host::Tcp(host)), address) => Ok(Place::tcp(host, address, port)),
            (None, Some(address)) => Ok(Place::tcp(&address.to_string(), Some(address), port)),
            (None, None) => Err(Error::new("the url names no host")),
        }
    };
    (0..count).map(place).collect()
}

/// The server's socket within its folder.
fn socket(folder: &std::path::Path, port: u16) -> PathBuf {
    folder.join(format!(".s.PGSQL.{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> Result<Settings, Error> {
        Settings::new(Config { url: url.to_owned(), application_name: None, statement_cache: None })
    }

    fn refusal(url: &str) -> String {
        settings(url).map(|_| "accepted".to_owned()).unwrap_or_else(|error| error.to_string())
    }

    fn shown(settings: &Settings) -> Vec<String> {
        settings.places.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_url_says_all() {
        let settings =
            settings("postgres://me:a%40b@db.example:5433/shop?sslmode=disable&connect_timeout=3").unwrap();
        assert_eq!(settings.login.get_user(), Some("me"));
        assert_eq!(settings.login.get_password(), Some(&b"a@b"[..]));
        assert_eq!(settings.login.get_dbname(), Some("shop"));
        assert_eq!(settings.login.get_application_name(), Some(APPLICATION_NAME));
        assert_eq!(settings.connect_timeout, Some(Duration::from_secs(3)));
        assert_eq!(settings.statements_kept, STATEMENTS_KEPT);
        assert_eq!(shown(&settings), ["db.example:5433"]);
    }

    #[test]
    fn there_may_be_several_places_and_sockets() {
        let several = settings("postgresql://me@a,b:1,[::1]:2/x?sslmode=disable").unwrap();
        assert_eq!(shown(&several), ["a:5432", "b:1", "[::1]:2"]);
        let socket = settings("postgres://me@%2Fvar%2Frun%2Fpostgresql:7/x").unwrap();
        assert_eq!(shown(&socket), ["/var/run/postgresql/.s.PGSQL.7"]);
        let address = settings("postgres:///x?user=me&host=db&hostaddr=10.0.0.1").unwrap();
        assert_eq!(shown(&address), ["db:5432"]);
    }

    #[test]
    fn what_would_be_ignored_is_refused() {
        assert_eq!(refusal("mysql://x"), "the url must begin with postgres:// or postgresql://");
        assert_eq!(refusal("postgres://me@/x"), "the url names no host");
        assert_eq!(refusal("postgres://db/x"), "the url names no user");
        assert_eq!(
            refusal("postgres://me@db/x?keepalives=1"),
            "the url's option `keepalives` is not supported"
        );
        assert!(refusal("postgres://me@db/x?sslmode=maybe").contains("`maybe`"));
        assert!(refusal("postgres://me@db:port/x").contains("invalid value for option `port`"));
    }

    #[test]
    fn a_password_is_never_shown() {
        for url in [
            "postgres://me:se?cret@db/x?sslmode=require",
            "postgres://me:secret@db:port/x",
            "postgres://me:secret@db/x?port=secret",
            "postgres://me:secret@db/x?sslmode=%ff",
            "postgres://me:secret@/x",
        ] {
            let text = refusal(url);
            assert!(!text.contains("cret") && text != "accepted", "{url}: {text}");
        }
    }

    #[test]
    fn the_name_comes_from_the_configuration_or_the_url() {
        let url = "postgres://me@db/x?application_name=shop".to_owned();
        assert_eq!(settings(&url).unwrap().login.get_application_name(), Some("shop"));
        let config = Config { url, application_name: Some("notes".into()), statement_cache: Some(0) };
        assert_eq!(Settings::new(config).unwrap().login.get_application_name(), Some("notes"));
    }
}
