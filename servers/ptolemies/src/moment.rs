//! Points in time.

use std::{fmt, time::SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

/// Milliseconds since 1970 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub(crate) struct Moment(i64);

impl Moment {
    /// After every other moment: an interval that is still open ends here.
    pub(crate) const NEVER: Self = Self(i64::MAX);
    /// Before every other moment.
    pub(crate) const EVER: Self = Self(i64::MIN);
    /// The year 9999 ends: nothing later is stored.
    const LAST: i64 = 253_402_300_799_999;

    pub(crate) const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub(crate) const fn millis(self) -> i64 {
        self.0
    }

    /// Now, by the system's clock.
    pub(crate) fn now() -> Self {
        Self(DateTime::<Utc>::from(SystemTime::now()).timestamp_millis())
    }

    /// RFC 3339 with an offset; not after the year 9999.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let millis = DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis();
        (millis <= Self::LAST).then_some(Self(millis))
    }

    pub(crate) fn after_seconds(self, seconds: u64) -> Self {
        let millis = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000);
        Self(self.0.saturating_add(millis).min(Self::LAST))
    }

    pub(crate) fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// `None` for [`Self::NEVER`].
    pub(crate) fn known(self) -> Option<Self> {
        (self != Self::NEVER).then_some(self)
    }

    pub(crate) fn to_utc(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_millis(self.0)
    }
}

impl From<DateTime<Utc>> for Moment {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.timestamp_millis())
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_utc() {
            Some(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true)),
            None => f.write_str("never"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_rfc_3339() {
        let moment = Moment::parse("2026-02-03T04:05:06.789+01:00").unwrap();
        assert_eq!(moment.to_string(), "2026-02-03T03:05:06.789Z");
        assert_eq!(Moment::parse(&moment.to_string()), Some(moment));
        for wrong in
            ["", "yesterday", "2026-02-03", "2026-02-03T04:05:06", "+12026-02-03T04:05:06Z"]
        {
            assert_eq!(Moment::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn saturates() {
        let end = Moment(0).after_seconds(u64::MAX);
        assert_eq!(end.to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Moment::NEVER.known(), None);
        assert!(Moment::now() > Moment(1_700_000_000_000));
    }
}
