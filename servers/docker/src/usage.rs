//! Disk usage, summed up as `docker system df` does.

use mcp_core::prelude::*;

use crate::engine::info::DiskUsage;

/// Bytes on disk by kind.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Usage {
    images: Kind,
    /// Writable layers.
    containers: Kind,
    volumes: Kind,
    build_cache: Kind,
}

/// One kind of object.
#[derive(Debug, Default, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Kind {
    count: usize,
    /// Used by a container.
    in_use: usize,
    bytes: u64,
    /// Bytes of those not in use.
    reclaimable_bytes: u64,
}

/// Sum up.
pub(crate) fn sum(usage: &DiskUsage) -> Usage {
    Usage {
        images: images(usage),
        containers: kind(usage.containers.iter().flatten(), |container| {
            let is_active =
                matches!(container.state.as_deref(), Some("running" | "paused" | "restarting"));
            (container.size_rw, is_active)
        }),
        volumes: kind(usage.volumes.iter().flatten(), |volume| {
            let data = volume.usage_data.clone().unwrap_or_default();
            (data.size, data.ref_count.unwrap_or(0) > 0)
        }),
        build_cache: kind(
            usage.build_cache.iter().flatten().filter(|record| record.shared != Some(true)),
            |record| (record.size, record.in_use.unwrap_or(false)),
        ),
    }
}

/// Images share layers: the total is that of the layers, and only what no image in use shares is
/// freed by removing the others.
fn images(usage: &DiskUsage) -> Kind {
    let images = usage.images.as_deref().unwrap_or_default();
    let own = |image: &crate::engine::info::ImageUsage| {
        let shared = image.shared_size.unwrap_or(0).max(0);
        bytes(image.size.map(|size| size - shared))
    };
    let total: u64 = images.iter().map(|image| bytes(image.size)).sum();
    let is_used = |image: &&crate::engine::info::ImageUsage| image.containers.unwrap_or(0) > 0;
    Kind {
        count: images.len(),
        in_use: images.iter().filter(is_used).count(),
        bytes: usage.layers_size.map_or(total, |layers| bytes(Some(layers))),
        reclaimable_bytes: images.iter().filter(|image| !is_used(image)).map(own).sum(),
    }
}

fn kind<'a, T: 'a>(
    items: impl Iterator<Item = &'a T>,
    measure: impl Fn(&T) -> (Option<i64>, bool),
) -> Kind {
    items.fold(Kind::default(), |mut kind, item| {
        let (size, in_use) = measure(item);
        kind.count += 1;
        kind.bytes += bytes(size);
        if in_use {
            kind.in_use += 1;
        } else {
            kind.reclaimable_bytes += bytes(size);
        }
        kind
    })
}

/// -1 means unknown.
fn bytes(size: Option<i64>) -> u64 {
    size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_unused_is_reclaimable() {
        let usage: DiskUsage = serde_json::from_value(json!({
            "LayersSize": 150,
            "Images": [{"Size": 100, "SharedSize": 50, "Containers": 1}, {"Size": 100, "SharedSize": 50, "Containers": 0}],
            "Containers": [{"SizeRw": 5, "State": "running"}, {"SizeRw": 7, "State": "exited"}, {"State": "exited"}],
            "Volumes": [{"UsageData": {"Size": -1, "RefCount": 0}}, {"UsageData": {"Size": 9, "RefCount": 0}}, {}],
            "BuildCache": null
        }))
        .unwrap();
        let sums = serde_json::to_value(sum(&usage)).unwrap();
        assert_eq!(
            sums["images"],
            json!({"count": 2, "in_use": 1, "bytes": 150, "reclaimable_bytes": 50})
        );
        assert_eq!(
            sums["containers"],
            json!({"count": 3, "in_use": 1, "bytes": 12, "reclaimable_bytes": 7})
        );
        assert_eq!(
            sums["volumes"],
            json!({"count": 3, "in_use": 0, "bytes": 9, "reclaimable_bytes": 9})
        );
        assert_eq!(
            sums["build_cache"],
            json!({"count": 0, "in_use": 0, "bytes": 0, "reclaimable_bytes": 0})
        );
    }
}
