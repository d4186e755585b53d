//! What Bolt has and JSON has not.

use chrono::{DateTime, Duration, NaiveDate, NaiveTime, SecondsFormat};
use serde_json::{Map, Value, json};

/// A structure as JSON. Ids of the database are left out: they name nothing outside it.
pub(super) fn json(tag: u8, fields: Vec<Value>) -> Value {
    let shown = match tag {
        b'N' => node(&fields),
        b'R' => relationship(&fields, 3),
        b'r' => relationship(&fields, 1),
        b'P' => path(&fields),
        b'D' => date(&fields),
        b't' | b'T' => time(&fields),
        b'd' => local_date_time(&fields),
        b'I' | b'i' | b'F' | b'f' => date_time(tag, &fields),
        b'E' => duration(&fields),
        b'X' | b'Y' => Some(json!({"srid": fields.first(), "coordinates": fields.get(1..)})),
        _ => None,
    };
    shown.unwrap_or(Value::Array(fields))
}

fn node(fields: &[Value]) -> Option<Value> {
    Some(json!({"labels": fields.get(1)?, "properties": fields.get(2)?}))
}

/// Type and properties, from a place on.
fn relationship(fields: &[Value], from: usize) -> Option<Value> {
    Some(json!({"type": fields.get(from)?, "properties": fields.get(from + 1)?}))
}

/// Nodes and relationships in the order of the steps.
fn path(fields: &[Value]) -> Option<Value> {
    let [Value::Array(nodes), Value::Array(relationships), Value::Array(steps)] = fields else {
        return None;
    };
    let (mut walked, mut along) = (vec![nodes.first()?.clone()], Vec::new());
    for step in steps.chunks(2) {
        let [relationship, node] = step else { return None };
        let (relationship, node) = (relationship.as_i64()?, node.as_u64()?);
        let index = usize::try_from(relationship.unsigned_abs()).ok()?.checked_sub(1)?;
        let mut shown = relationships.get(index)?.clone();
        if let Value::Object(entries) = &mut shown {
            entries.insert("backwards".to_owned(), Value::Bool(relationship < 0));
        }
        along.push(shown);
        walked.push(nodes.get(usize::try_from(node).ok()?)?.clone());
    }
    let mut path = Map::new();
    path.insert("nodes".to_owned(), Value::Array(walked));
    path.insert("relationships".to_owned(), Value::Array(along));
    Some(Value::Object(path))
}

fn number(fields: &[Value], at: usize) -> Option<i64> {
    fields.get(at)?.as_i64()
}

fn date(fields: &[Value]) -> Option<Value> {
    let epoch = NaiveDate::from_ymd_opt(1970, 1, 1)?;
    let date = epoch.checked_add_signed(Duration::try_days(number(fields, 0)?)?)?;
    Some(json!(date.to_string()))
}

/// Nanoseconds of the day; the offset of a zone, in seconds, may follow.
fn time(fields: &[Value]) -> Option<Value> {
    const SECOND: i64 = 1_000_000_000;
    let nanos = number(fields, 0)?;
    let seconds = u32::try_from(nanos.div_euclid(SECOND)).ok()?;
    let rest = u32::try_from(nanos.rem_euclid(SECOND)).ok()?;
    let time = NaiveTime::from_num_seconds_from_midnight_opt(seconds, rest)?;
    Some(match number(fields, 1) {
        Some(offset) => {
            json!(format!("{time}{}", chrono::FixedOffset::east_opt(i32::try_from(offset).ok()?)?))
        }
        None => json!(time.to_string()),
    })
}

fn local_date_time(fields: &[Value]) -> Option<Value> {
    let nanos = u32::try_from(number(fields, 1)?).ok()?;
    let time = DateTime::from_timestamp(number(fields, 0)?, nanos)?.naive_utc();
    Some(json!(time.format("%Y-%m-%dT%H:%M:%S%.f").to_string()))
}

/// Seconds and nanoseconds with an offset (`I`, `F`) or the name of a zone (`i`, `f`). The newer
/// ones count in UTC, the older ones on the clock of the zone.
fn date_time(tag: u8, fields: &[Value]) -> Option<Value> {
    let nanos = u32::try_from(number(fields, 1)?).ok()?;
    let seconds = number(fields, 0)?;
    let (seconds, zone) = match fields.get(2)? {
        Value::Number(offset) => {
            let offset = offset.as_i64()?;
            let utc = if tag == b'F' { seconds.checked_sub(offset)? } else { seconds };
            (utc, chrono::FixedOffset::east_opt(i32::try_from(offset).ok()?)?)
        }
        Value::String(zone) if tag == b'i' => {
            let time = DateTime::from_timestamp(seconds, nanos)?;
            let time = time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
            return Some(json!(format!("{time}[{zone}]")));
        }
        _ => return None,
    };
    let time = DateTime::from_timestamp(seconds, nanos)?.with_timezone(&zone);
    Some(json!(time.to_rfc3339_opts(SecondsFormat::AutoSi, true)))
}

fn duration(fields: &[Value]) -> Option<Value> {
    let part = |at| number(fields, at);
    let (months, days, seconds, nanos) = (part(0)?, part(1)?, part(2)?, part(3)?);
    #[expect(clippy::cast_precision_loss, reason = "shown to a reader")]
    let seconds = seconds as f64 + nanos as f64 / 1e9;
    Some(json!(format!("P{months}M{days}DT{seconds}S")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_are_shown() {
        let node = |name: &str| json!({"labels": ["Entity"], "properties": {"name": name}});
        for (tag, fields, wanted) in [
            (b'N', json!([7, ["Entity"], {"name": "Ada"}, "4:x:7"]), node("Ada")),
            (
                b'R',
                json!([1, 7, 8, "knows", {"since": 1}, "5:x:1", "4:x:7", "4:x:8"]),
                json!({"type": "knows", "properties": {"since": 1}}),
            ),
            (
                b'P',
                json!([[node("a"), node("b")], [{"type": "knows", "properties": {}}], [-1, 1, 1, 0]]),
                json!({"nodes": [node("a"), node("b"), node("a")], "relationships": [
                    {"type": "knows", "properties": {}, "backwards": true},
                    {"type": "knows", "properties": {}, "backwards": false},
                ]}),
            ),
            (b'D', json!([20_000]), json!("2024-10-04")),
            (b't', json!([3_723_000_000_000_i64]), json!("01:02:03")),
            (b'T', json!([3_723_000_000_000_i64, 3_600]), json!("01:02:03+01:00")),
            (b'd', json!([1_700_000_000, 5_000_000]), json!("2023-11-14T22:13:20.005")),
            (b'I', json!([1_700_000_000, 0, 3_600]), json!("2023-11-14T23:13:20+01:00")),
            (b'F', json!([1_700_003_600, 0, 3_600]), json!("2023-11-14T23:13:20+01:00")),
            (
                b'i',
                json!([1_700_000_000, 0, "Europe/Zurich"]),
                json!("2023-11-14T22:13:20Z[Europe/Zurich]"),
            ),
            (b'E', json!([1, 2, 3, 500_000_000]), json!("P1M2DT3.5S")),
            (b'X', json!([7_203, 1.5, 2.5]), json!({"srid": 7_203, "coordinates": [1.5, 2.5]})),
            (b'?', json!([1]), json!([1])),
            (b'D', json!([i64::MAX]), json!([i64::MAX])),
            (b'P', json!([[], [], []]), json!([[], [], []])),
        ] {
            let Value::Array(fields) = fields else { panic!("fields") };
            assert_eq!(json(tag, fields), wanted, "{}", char::from(tag));
        }
    }
}
