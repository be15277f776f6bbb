//! `inet` and `cidr`. Written here since a cast to text is not what the server shows: it adds the length of every network.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::Malformed;

const VERSION_4: u8 = 2;
const VERSION_6: u8 = 3;

/// Appends an `inet` or `cidr`: an address, and how much of it is the network's where that is not all or must be said.
pub(crate) fn address(bytes: &[u8], out: &mut String) -> Result<(), Malformed> {
    let (&[family, bits, is_network, _size], address) = bytes.split_first_chunk().ok_or(Malformed)?;
    let all = match family {
        VERSION_4 => {
            let address: [u8; 4] = address.try_into().map_err(|_| Malformed)?;
            let _ = write!(out, "{}", Ipv4Addr::from(address));
            32
        }
        VERSION_6 => {
            let address: [u8; 16] = address.try_into().map_err(|_| Malformed)?;
            put_version_6(address.into(), out);
            128
        }
        _ => return Err(Malformed),
    };
    if bits != all || is_network != 0 {
        let _ = write!(out, "/{bits}");
    }
    Ok(())
}

fn put_version_6(address: Ipv6Addr, out: &mut String) {
    // PostgreSQL writes the end as of version 4 not only in mapped addresses, as Rust does.
    let _ = match address.segments() {
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => {
            let [[a, b], [c, d]] = [high, low].map(u16::to_be_bytes);
            write!(out, "::{}", Ipv4Addr::new(a, b, c, d))
        }
        _ => write!(out, "{address}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_is_shown_where_it_says_something() {
        let text = |head: [u8; 4], rest: &[u8]| {
            let mut out = String::new();
            address(&[&head[..], rest].concat(), &mut out).map(|()| out)
        };
        assert_eq!(text([2, 32, 0, 4], &[10, 0, 0, 1]).as_deref(), Ok("10.0.0.1"));
        assert_eq!(text([2, 8, 0, 4], &[10, 0, 0, 1]).as_deref(), Ok("10.0.0.1/8"));
        assert_eq!(text([2, 32, 1, 4], &[10, 0, 0, 1]).as_deref(), Ok("10.0.0.1/32"));
        assert_eq!(text([3, 128, 0, 16], &Ipv6Addr::LOCALHOST.octets()).as_deref(), Ok("::1"));
        assert_eq!(text([2, 32, 0, 4], &[10]), Err(Malformed));
        assert_eq!(text([9, 32, 0, 4], &[10, 0, 0, 1]), Err(Malformed));
    }
}
