//! Points in time as the engine writes and reads them: nanoseconds since the Unix epoch, UTC.

use std::time::{SystemTime, UNIX_EPOCH};

const NANOS: i64 = 1_000_000_000;

/// Nanoseconds since 1970-01-01T00:00:00Z; spans the years 1678 to 2262.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub(crate) struct Timestamp(pub(crate) i64);

impl Timestamp {
    /// The host's clock.
    pub(crate) fn now() -> Self {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX))
    }

    /// Parse RFC 3339 with any number of fraction digits. `None` for anything else, and for
    /// years outside the range: Go's zero time (year 1) means "never".
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::parse_bytes(text.as_bytes())
    }

    /// [`Self::parse`] on bytes, for log lines.
    pub(crate) fn parse_bytes(text: &[u8]) -> Option<Self> {
        let (date_time, rest) = text.split_at_checked(19)?;
        let seconds = civil_seconds(date_time)?;
        let (nanos, zone) = fraction(rest)?;
        let offset = zone_seconds(zone)?;
        seconds.checked_sub(offset)?.checked_mul(NANOS)?.checked_add(nanos).map(Self)
    }

    /// Parse what a caller may give: RFC 3339, Unix seconds (fraction allowed), or an age such as
    /// `45s`, `10m`, `1h30m`, `2d` before `now`.
    pub(crate) fn parse_argument(text: &str, now: Self) -> Option<Self> {
        Self::parse(text).or_else(|| unix_seconds(text)).or_else(|| {
            let age = age_seconds(text)?.checked_mul(NANOS)?;
            now.0.checked_sub(age).filter(|nanos| *nanos > 0).map(Self)
        })
    }

    /// Unix seconds with nine fraction digits, the form of the engine's `since` and `until`.
    pub(crate) fn to_query(self) -> String {
        format!("{}.{:09}", self.0.div_euclid(NANOS), self.0.rem_euclid(NANOS))
    }

    /// RFC 3339 in UTC with milliseconds, truncated.
    pub(crate) fn to_rfc3339(self) -> String {
        let seconds = self.0.div_euclid(NANOS);
        let millis = self.0.rem_euclid(NANOS) / 1_000_000;
        let (days, clock) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }

    /// Whole seconds from `self` to `now`; zero when `self` is later.
    pub(crate) fn age_s(self, now: Self) -> u64 {
        u64::try_from(now.0.saturating_sub(self.0) / NANOS).unwrap_or(0)
    }
}

fn number(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    digits.iter().try_fold(0_i64, |sum, byte| {
        byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0'))
    })
}

fn civil_seconds(text: &[u8]) -> Option<i64> {
    let [
        y0,
        y1,
        y2,
        y3,
        b'-',
        m0,
        m1,
        b'-',
        d0,
        d1,
        b'T' | b't' | b' ',
        h0,
        h1,
        b':',
        i0,
        i1,
        b':',
        s0,
        s1,
    ] = text
    else {
        return None;
    };
    let year = number(&[*y0, *y1, *y2, *y3])?;
    let [month, day] = [number(&[*m0, *m1])?, number(&[*d0, *d1])?];
    let [hour, minute, second] = [number(&[*h0, *h1])?, number(&[*i0, *i1])?, number(&[*s0, *s1])?];
    let valid = (1678..=2261).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    valid.then(|| days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Nanoseconds of an optional `.fraction`, and what follows it.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.', rest)) = text.split_first() else { return Some((0, text)) };
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, zone) = rest.split_at_checked(length)?;
    let mut nanos = 0;
    let mut unit = NANOS / 10;
    for digit in digits {
        nanos += i64::from(digit - b'0') * unit;
        unit /= 10;
    }
    (length > 0).then_some((nanos, zone))
}

fn zone_seconds(zone: &[u8]) -> Option<i64> {
    match zone {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h0, h1, b':', m0, m1] => {
            let seconds = number(&[*h0, *h1])? * 3600 + number(&[*m0, *m1])? * 60;
            Some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

fn unix_seconds(text: &str) -> Option<Timestamp> {
    let (whole, nanos) = match text.split_once('.') {
        Some((whole, _)) => {
            let rest = text.as_bytes().get(whole.len()..)?;
            let (nanos, rest) = fraction(rest)?;
            (whole, rest.is_empty().then_some(nanos)?)
        }
        None => (text, 0),
    };
    number(whole.as_bytes())?.checked_mul(NANOS)?.checked_add(nanos).map(Timestamp)
}

fn age_seconds(text: &str) -> Option<i64> {
    let mut total = 0_i64;
    let mut digits = Vec::new();
    for byte in text.bytes() {
        let unit = match byte {
            b'0'..=b'9' => {
                digits.push(byte);
                continue;
            }
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            b'd' => 86_400,
            _ => return None,
        };
        total = total.checked_add(number(&digits)?.checked_mul(unit)?)?;
        digits.clear();
    }
    (digits.is_empty() && total > 0).then_some(total)
}

/// Days since the epoch of a date of the proleptic Gregorian calendar
/// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Inverse of [`days_from_civil`] (same source).
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_instants_parse() {
        for (text, nanos) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600 * NANOS),
            ("2026-11-21T11:32:02.761590341Z", 1_795_260_722_761_590_341),
            ("2026-11-21T13:32:02.5+02:00", 1_795_260_722_500_000_000),
            ("2026-11-21T06:02:02-05:30", 1_795_260_722 * NANOS),
        ] {
            assert_eq!(Timestamp::parse(text), Some(Timestamp(nanos)), "{text}");
        }
    }

    #[test]
    fn nonsense_and_gos_zero_time_do_not() {
        for text in [
            "",
            "now",
            "0001-01-01T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+0200",
            "ä026-01-01T00:00:00Z",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn arguments_may_be_instants_seconds_or_ages() {
        let now = Timestamp(2_000_000_000 * NANOS);
        for (text, nanos) in [
            ("1999999999", Some(1_999_999_999 * NANOS)),
            ("1999999999.25", Some(1_999_999_999 * NANOS + NANOS / 4)),
            ("10m", Some((2_000_000_000 - 600) * NANOS)),
            ("1h30m", Some((2_000_000_000 - 5400) * NANOS)),
            ("2d", Some((2_000_000_000 - 172_800) * NANOS)),
            ("1970-01-01T00:00:01Z", Some(NANOS)),
            ("10", Some(10 * NANOS)),
            ("m", None),
            ("10x", None),
            ("10m5", None),
            ("-5", None),
            ("99999999999999999999d", None),
        ] {
            assert_eq!(Timestamp::parse_argument(text, now), nanos.map(Timestamp), "{text}");
        }
    }

    #[test]
    fn ages_never_run_backwards() {
        assert_eq!(Timestamp(5 * NANOS).age_s(Timestamp(8 * NANOS)), 3);
        assert_eq!(Timestamp(8 * NANOS).age_s(Timestamp(5 * NANOS)), 0);
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(millis in -9_000_000_000_000_i64..9_000_000_000_000) {
            let instant = Timestamp(millis * 1_000_000);
            prop_assert_eq!(Timestamp::parse(&instant.to_rfc3339()), Some(instant));
        }

        #[test]
        fn the_query_form_keeps_every_nanosecond(nanos in 0_i64..i64::MAX) {
            let instant = Timestamp(nanos);
            prop_assert_eq!(Timestamp::parse_argument(&instant.to_query(), instant), Some(instant));
        }

        #[test]
        fn arbitrary_text_is_refused_or_read_but_never_panics(text in ".{0,40}") {
            let now = Timestamp(1);
            let _parsed = Timestamp::parse_argument(&text, now);
        }
    }
}
