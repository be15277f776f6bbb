//! `numeric`: decimal digits of any length. Must not calculate with them.

use std::fmt::Write;

use super::{Malformed, Reader};

const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const INFINITY: u16 = 0xD000;
const NEGATIVE_INFINITY: u16 = 0xF000;

/// Appends a `numeric`: groups of four decimal digits, the place of the first group, and how many digits follow the point.
pub(crate) fn numeric(bytes: &[u8], out: &mut String) -> Result<(), Malformed> {
    let mut reader = Reader::new(bytes);
    let count = usize::try_from(reader.i16()?).map_err(|_| Malformed)?;
    let (first_place, sign, scale) = (reader.i16()?, reader.u16()?, reader.u16()?);
    let groups = (0..count).map(|_| reader.u16()).collect::<Result<Vec<u16>, _>>()?;
    reader.end()?;
    match sign {
        POSITIVE => {}
        NEGATIVE => out.push('-'),
        NAN => out.push_str("NaN"),
        INFINITY => out.push_str("Infinity"),
        NEGATIVE_INFINITY => out.push_str("-Infinity"),
        _ => return Err(Malformed),
    }
    if sign > NEGATIVE {
        return Ok(());
    }
    // The group at a place: 0 holds the four digits before the point, -1 those after it.
    let group = |place: i32| {
        usize::try_from(i32::from(first_place) - place)
            .ok()
            .and_then(|at| groups.get(at))
            .copied()
            .unwrap_or(0)
    };
    if first_place < 0 {
        out.push('0');
    } else {
        let _ = write!(out, "{}", group(first_place.into()));
        (0..i32::from(first_place)).rev().for_each(|place| {
            let _ = write!(out, "{:04}", group(place));
        });
    }
    if scale > 0 {
        out.push('.');
        let end = out.len() + usize::from(scale);
        let mut place = -1;
        while out.len() < end {
            let _ = write!(out, "{:04}", group(place));
            place -= 1;
        }
        out.truncate(end);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(first_place: i16, sign: u16, scale: u16, groups: &[u16]) -> String {
        let mut bytes = (groups.len() as u16).to_be_bytes().to_vec();
        bytes.extend(first_place.to_be_bytes());
        bytes.extend([sign, scale].into_iter().chain(groups.iter().copied()).flat_map(u16::to_be_bytes));
        let mut out = String::new();
        numeric(&bytes, &mut out).unwrap();
        out
    }

    #[test]
    fn digits_stand_where_they_belong() {
        assert_eq!(text(0, POSITIVE, 0, &[]), "0");
        assert_eq!(text(0, POSITIVE, 2, &[]), "0.00");
        assert_eq!(text(0, NEGATIVE, 0, &[42]), "-42");
        assert_eq!(text(1, POSITIVE, 0, &[1]), "10000");
        assert_eq!(text(1, POSITIVE, 3, &[12, 34, 5600]), "120034.560");
        assert_eq!(text(-2, POSITIVE, 8, &[9]), "0.00000009");
        assert_eq!(text(-1, NEGATIVE, 1, &[5000]), "-0.5");
        assert_eq!(text(0, NAN, 0, &[]), "NaN");
        assert_eq!(text(0, INFINITY, 0, &[]), "Infinity");
        assert_eq!(text(0, NEGATIVE_INFINITY, 0, &[]), "-Infinity");
    }

    #[test]
    fn other_bytes_are_refused() {
        let good = [0, 1, 0, 0, 0, 0, 0, 0, 0, 7];
        assert_eq!(numeric(&good, &mut String::new()), Ok(()));
        for bad in [&good[..9], &[good.as_slice(), &[0]].concat(), &[255, 255, 0, 0, 0, 0, 0, 0], b""] {
            assert_eq!(numeric(bad, &mut String::new()), Err(Malformed), "{bad:?}");
        }
    }
}
