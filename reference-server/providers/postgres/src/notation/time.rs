//! Dates, times of day, instants and intervals, in ISO style. Must not know time zones: instants are written in UTC.

use std::fmt::Write;

use super::{Malformed, Reader};

const MICROSECONDS_PER_DAY: i64 = 86_400_000_000;
/// From 1 March of the year 0 to 1 January 2000, where PostgreSQL's days begin.
const DAYS_TO_2000: i64 = 730_425;
const DAYS_PER_400_YEARS: i64 = 146_097;

/// Appends a `date`.
pub(crate) fn date(bytes: &[u8], out: &mut String) -> Result<(), Malformed> {
    let mut reader = Reader::new(bytes);
    let days = reader.i32()?;
    reader.end()?;
    match days {
        i32::MAX => out.push_str("infinity"),
        i32::MIN => out.push_str("-infinity"),
        days => put_day(i64::from(days), out, |_| {}),
    }
    Ok(())
}

/// Appends a `timestamp`.
pub(crate) fn timestamp(bytes: &[u8], out: &mut String) -> Result<(), Malformed> {
    put_timestamp(bytes, "", out)
}

/// Appends a `timestamp with time zone`, in UTC.
pub(crate) fn timestamp_with_zone(bytes: &[u8], out: &mut String) -> Result<(), Malformed> {
    put_timestamp(bytes, "+00", out)
}

fn put_timestamp(bytes: &[u8], zone: &str, out: &mut String) -> Result<(), Malformed> {
    let mut reader = Reader::new(bytes);
    let microseconds = reader.i64()?;
    reader.end()?;
    match microseconds {
        i64::MAX => out.push_str("infinity"),
        i64::MIN => out.push_str("-infinity"),
        microseconds => put_day(microseconds.div_euclid(MICROSECONDS_PER_DAY), out, |out| {
            out.push(' ');
            put_time(microseconds.rem_euclid(MICROSECONDS_PER_DAY), out);
            out.push_str(zone);
        }),
    }
    Ok(())
}

/// Appends a `time`.
pub(crate) fn time(bytes: &[u8], out: &mut String) -> Result<(), Malformed> {
    let mut reader = Reader::new(bytes);
    let microseconds = reader.i64()?;
    reader.end()?;
    if !(0..=MICROSECONDS_PER_DAY).contains(&microseconds) {
        return Err(Malformed);
    }
    put_time(microseconds, out);
    Ok(())
}

/// Appends a `time with time zone`.
pub(crate) fn time_with_zone(bytes: &[u8], out: &mut String) -> Result<(), Malformed> {
    let (time_bytes, zone) = bytes.split_at_checked(8).ok_or(Malformed)?;
    let mut reader = Reader::new(zone);
    let seconds_west = reader.i32()?;
    reader.end()?;
    time(time_bytes, out)?;
    out.push(if seconds_west > 0 { '-' } else { '+' });
    let seconds = seconds_west.unsigned_abs();
    let _ = write!(out, "{:02}", seconds / 3600);
    if !seconds.is_multiple_of(3600) {
        let _ = write!(out, ":{:02}", seconds / 60 % 60);
    }
    if !seconds.is_multiple_of(60) {
        let _ = write!(out, ":{:02}", seconds % 60);
    }
    Ok(())
}

/// Appends an `interval`, in the style that PostgreSQL calls `postgres`.
pub(crate) fn interval(bytes: &[u8], out: &mut String) -> Result<(), Malformed> {
    let mut reader = Reader::new(bytes);
    let (microseconds, days, months) = (reader.i64()?, reader.i32()?, reader.i32()?);
    reader.end()?;
    match (microseconds, days, months) {
        (i64::MAX, i32::MAX, i32::MAX) => out.push_str("infinity"),
        (i64::MIN, i32::MIN, i32::MIN) => out.push_str("-infinity"),
        _ => put_interval(microseconds, days, months, out),
    }
    Ok(())
}

fn put_interval(microseconds: i64, days: i32, months: i32, out: &mut String) {
    let mut is_first = true;
    // After a part that is negative a positive one shows its sign.
    let mut is_before = false;
    for (count, unit) in [(months / 12, "year"), (months % 12, "mon"), (days, "day")] {
        if count != 0 {
            let space = if is_first { "" } else { " " };
            let plus = if is_before && count > 0 { "+" } else { "" };
            let plural = if count == 1 { "" } else { "s" };
            let _ = write!(out, "{space}{plus}{count} {unit}{plural}");
            is_before = count < 0;
            is_first = false;
        }
    }
    if !is_first && microseconds == 0 {
        return;
    }
    if !is_first {
        out.push(' ');
    }
    match microseconds {
        ..0 => out.push('-'),
        0.. if is_before => out.push('+'),
        _ => {}
    }
    let microseconds = microseconds.unsigned_abs();
    let seconds = microseconds / 1_000_000;
    let _ = write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    put_fraction(microseconds % 1_000_000, out);
}

/// A time of day, which is not negative.
fn put_time(microseconds: i64, out: &mut String) {
    let microseconds = microseconds.unsigned_abs();
    let seconds = microseconds / 1_000_000;
    let _ = write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    put_fraction(microseconds % 1_000_000, out);
}

/// The decimal fraction of a second, without zeros at its end.
fn put_fraction(microseconds: u64, out: &mut String) {
    if microseconds != 0 {
        let _ = write!(out, ".{microseconds:06}");
        out.truncate(out.trim_end_matches('0').len());
    }
}

/// A day by its distance from 1 January 2000, then what belongs to it, then the era where it is not ours.
fn put_day(days: i64, out: &mut String, put_rest: impl FnOnce(&mut String)) {
    // Years that begin in March have their leap day at the end, so months need no table.
    let days = days + DAYS_TO_2000;
    let (cycle, day_of_cycle) = (days.div_euclid(DAYS_PER_400_YEARS), days.rem_euclid(DAYS_PER_400_YEARS));
    let year_of_cycle =
        (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = cycle * 400 + year_of_cycle + i64::from(month <= 2);
    let (shown, is_before_christ) = if year > 0 { (year, false) } else { (1 - year, true) };
    let _ = write!(out, "{shown:04}-{month:02}-{day:02}");
    put_rest(out);
    if is_before_christ {
        out.push_str(" BC");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut String) -> Result<(), Malformed>) -> String {
        let mut out = String::new();
        write(&mut out).unwrap();
        out
    }

    #[test]
    fn days_before_and_after_2000() {
        let text = |days: i32| written(|out| date(&days.to_be_bytes(), out));
        assert_eq!(text(0), "2000-01-01");
        assert_eq!(text(-1), "1999-12-31");
        assert_eq!(text(59), "2000-02-29");
        assert_eq!(text(8830), "2024-03-05");
        assert_eq!(text(-730_119), "0001-01-01");
        assert_eq!(text(-730_120), "0001-12-31 BC");
        assert_eq!(text(2_921_940), "10000-01-01");
        assert_eq!(text(i32::MAX), "infinity");
        assert_eq!(text(i32::MIN), "-infinity");
    }

    #[test]
    fn instants_and_times_of_day() {
        let at = |microseconds: i64| written(|out| timestamp(&microseconds.to_be_bytes(), out));
        assert_eq!(at(0), "2000-01-01 00:00:00");
        assert_eq!(at(-1), "1999-12-31 23:59:59.999999");
        assert_eq!(at(1_500_000), "2000-01-01 00:00:01.5");
        assert_eq!(at(-730_120 * MICROSECONDS_PER_DAY + 1), "0001-12-31 00:00:00.000001 BC");
        assert_eq!(at(i64::MAX), "infinity");
        assert_eq!(written(|out| timestamp_with_zone(&0_i64.to_be_bytes(), out)), "2000-01-01 00:00:00+00");
        assert_eq!(written(|out| time(&MICROSECONDS_PER_DAY.to_be_bytes(), out)), "24:00:00");
        assert_eq!(time(&(-1_i64).to_be_bytes(), &mut String::new()), Err(Malformed));
    }

    #[test]
    fn zones_of_times_of_day() {
        let text = |west: i32| {
            let bytes = [&3_600_000_000_i64.to_be_bytes()[..], &west.to_be_bytes()].concat();
            written(|out| time_with_zone(&bytes, out))
        };
        assert_eq!(text(0), "01:00:00+00");
        assert_eq!(text(-7200), "01:00:00+02");
        assert_eq!(text(12_600), "01:00:00-03:30");
        assert_eq!(text(-3601), "01:00:00+01:00:01");
    }

    #[test]
    fn signs_of_intervals() {
        let text = |months: i32, days: i32, microseconds: i64| {
            let bytes =
                [&microseconds.to_be_bytes()[..], &days.to_be_bytes(), &months.to_be_bytes()].concat();
            written(|out| interval(&bytes, out))
        };
        assert_eq!(text(0, 0, 0), "00:00:00");
        assert_eq!(text(14, 3, 14_706_500_000), "1 year 2 mons 3 days 04:05:06.5");
        assert_eq!(text(-14, 3, 0), "-1 years -2 mons +3 days");
        assert_eq!(text(0, -1, 1_000_000), "-1 days +00:00:01");
        assert_eq!(text(0, 1, -1_000_000), "1 day -00:00:01");
        assert_eq!(text(0, 0, i64::MIN), "-2562047788:00:54.775808");
        assert_eq!(text(i32::MAX, i32::MAX, i64::MAX), "infinity");
    }
}
