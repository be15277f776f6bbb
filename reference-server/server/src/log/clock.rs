//! The texts of time, in UTC, made once a second. Reads no clock: what time it is is an argument.

use std::time::{SystemTime, UNIX_EPOCH};

const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
const WEEKDAYS: [&[u8; 3]; 7] = [b"Sun", b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat"];

const DAY_SECONDS: u64 = 86_400;
/// 9999-12-31T23:59:59Z: the last second whose year has four digits. Later times are shown as this one.
const LAST_SECOND: u64 = 253_402_300_799;

/// The texts of one second. A worker keeps one and calls [`DateCache::set`] once a turn of its event loop.
#[derive(Clone, Debug)]
pub struct DateCache {
    second: u64,
    http: [u8; 29],
    common: [u8; 26],
    rfc3339: [u8; 20],
}

impl DateCache {
    /// The texts of that second since 1970-01-01T00:00:00Z.
    pub fn new(unix_seconds: u64) -> Self {
        let civil = Civil::of(unix_seconds);
        Self { second: unix_seconds, http: civil.http(), common: civil.common(), rfc3339: civil.rfc3339() }
    }

    /// Go to another second; costs one comparison when it is the same.
    #[inline]
    pub fn set(&mut self, unix_seconds: u64) {
        if self.second != unix_seconds {
            *self = Self::new(unix_seconds);
        }
    }

    /// The second whose texts these are, since 1970-01-01T00:00:00Z.
    #[inline]
    pub const fn second(&self) -> u64 {
        self.second
    }

    /// The field value of `Date` (IMF-fixdate, RFC 9110 section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`.
    #[inline]
    pub const fn http_date(&self) -> &[u8; 29] {
        &self.http
    }

    /// The time of the Common Log Format, without its brackets: `06/Nov/1994:08:49:37 +0000`.
    #[inline]
    pub const fn common(&self) -> &[u8; 26] {
        &self.common
    }

    /// RFC 3339: `1994-11-06T08:49:37Z`.
    #[inline]
    pub const fn rfc3339(&self) -> &[u8; 20] {
        &self.rfc3339
    }
}

/// RFC 3339 with milliseconds: `1994-11-06T08:49:37.125Z`. Times before 1970 are shown as its beginning.
pub fn rfc3339_milliseconds(time: SystemTime) -> [u8; 24] {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut text = *b"0000-00-00T00:00:00.000Z";
    text[..19].copy_from_slice(&Civil::of(since.as_secs()).rfc3339()[..19]);
    digits(&mut text[20..23], since.subsec_millis());
    text
}

/// A time of the Gregorian calendar, in UTC.
struct Civil {
    year: u32,
    /// 1 to 12.
    month: u32,
    /// 1 to 31.
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    /// 0 is Sunday.
    weekday: usize,
}

impl Civil {
    fn of(unix_seconds: u64) -> Self {
        let seconds = unix_seconds.min(LAST_SECOND);
        let days = seconds / DAY_SECONDS;
        let clock = (seconds % DAY_SECONDS) as u32;
        let (year, month, day) = date_of(days as u32);
        Self {
            year,
            month,
            day,
            hour: clock / 3600,
            minute: clock / 60 % 60,
            second: clock % 60,
            weekday: ((days + 4) % 7) as usize, // 1970-01-01 was a Thursday.
        }
    }

    fn http(&self) -> [u8; 29] {
        let mut text = *b"Day, 00 Mon 0000 00:00:00 GMT";
        text[..3].copy_from_slice(WEEKDAYS[self.weekday]);
        digits(&mut text[5..7], self.day);
        text[8..11].copy_from_slice(self.month_name());
        digits(&mut text[12..16], self.year);
        self.put_clock(&mut text[17..25]);
        text
    }

    fn common(&self) -> [u8; 26] {
        let mut text = *b"00/Mon/0000:00:00:00 +0000";
        digits(&mut text[..2], self.day);
        text[3..6].copy_from_slice(self.month_name());
        digits(&mut text[7..11], self.year);
        self.put_clock(&mut text[12..20]);
        text
    }

    fn rfc3339(&self) -> [u8; 20] {
        let mut text = *b"0000-00-00T00:00:00Z";
        digits(&mut text[..4], self.year);
        digits(&mut text[5..7], self.month);
        digits(&mut text[8..10], self.day);
        self.put_clock(&mut text[11..19]);
        text
    }

    fn month_name(&self) -> &'static [u8; 3] {
        MONTHS[self.month as usize - 1]
    }

    /// `HH:MM:SS`; the colons are there already.
    fn put_clock(&self, text: &mut [u8]) {
        digits(&mut text[..2], self.hour);
        digits(&mut text[3..5], self.minute);
        digits(&mut text[6..8], self.second);
    }
}

/// Year, month and day of a day counted from 1970-01-01. Years are counted from March, so that the leap day is the last
/// of its year, within cycles of 400 years, which all have the same number of days.
fn date_of(days_since_1970: u32) -> (u32, u32, u32) {
    const CYCLE_DAYS: u32 = 146_097;
    const CENTURY_DAYS: u32 = 36_524;
    const FOUR_YEAR_DAYS: u32 = 1_461;
    let days_since_march_0000 = days_since_1970 + 719_468;
    let cycle = days_since_march_0000 / CYCLE_DAYS;
    let day_of_cycle = days_since_march_0000 % CYCLE_DAYS;
    let leap_days = day_of_cycle / (FOUR_YEAR_DAYS - 1) + day_of_cycle / (CYCLE_DAYS - 1);
    let year_of_cycle = (day_of_cycle + day_of_cycle / CENTURY_DAYS - leap_days) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153; // Five months from March on have 153 days.
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let (month, carry) =
        if month_from_march < 10 { (month_from_march + 3, 0) } else { (month_from_march - 9, 1) };
    (cycle * 400 + year_of_cycle + carry, month, day)
}

/// The last digits of `number`, as many as there is room for.
fn digits(text: &mut [u8], number: u32) {
    let mut rest = number;
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::{Civil, DateCache, date_of, rfc3339_milliseconds};
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn known_seconds() {
        let cases = [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT", "01/Jan/1970:00:00:00 +0000", "1970-01-01T00:00:00Z"),
            (
                784_111_777,
                "Sun, 06 Nov 1994 08:49:37 GMT",
                "06/Nov/1994:08:49:37 +0000",
                "1994-11-06T08:49:37Z",
            ),
            (
                951_782_400,
                "Tue, 29 Feb 2000 00:00:00 GMT",
                "29/Feb/2000:00:00:00 +0000",
                "2000-02-29T00:00:00Z",
            ),
            (
                4_107_542_399,
                "Sun, 28 Feb 2100 23:59:59 GMT",
                "28/Feb/2100:23:59:59 +0000",
                "2100-02-28T23:59:59Z",
            ),
            (
                4_107_542_400,
                "Mon, 01 Mar 2100 00:00:00 GMT",
                "01/Mar/2100:00:00:00 +0000",
                "2100-03-01T00:00:00Z",
            ),
            (
                253_402_300_799,
                "Fri, 31 Dec 9999 23:59:59 GMT",
                "31/Dec/9999:23:59:59 +0000",
                "9999-12-31T23:59:59Z",
            ),
            (u64::MAX, "Fri, 31 Dec 9999 23:59:59 GMT", "31/Dec/9999:23:59:59 +0000", "9999-12-31T23:59:59Z"),
        ];
        for (second, http, common, rfc3339) in cases {
            let mut cache = DateCache::new(1);
            cache.set(second);
            assert_eq!(cache.http_date(), http.as_bytes(), "{second}");
            assert_eq!(cache.common(), common.as_bytes(), "{second}");
            assert_eq!(cache.rfc3339(), rfc3339.as_bytes(), "{second}");
            assert_eq!(cache.second(), second);
        }
    }

    #[test]
    fn milliseconds_are_cut_not_rounded() {
        let time = UNIX_EPOCH + Duration::new(784_111_777, 7_999_999);
        assert_eq!(&rfc3339_milliseconds(time), b"1994-11-06T08:49:37.007Z");
        assert_eq!(&rfc3339_milliseconds(UNIX_EPOCH - Duration::from_secs(9)), b"1970-01-01T00:00:00.000Z");
    }

    /// Walks day by day by the plain rules of the calendar, over two whole cycles of 400 years.
    #[test]
    fn every_day_of_800_years() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..292_194_u32 {
            assert_eq!(date_of(days), (year, month, day), "day {days}");
            assert_eq!(Civil::of(u64::from(days) * 86_400).weekday, (days as usize + 4) % 7);
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = match month {
                2 if leap => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > length {
                (day, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
        }
    }
}
