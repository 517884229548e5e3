//! Volumes. They hold data, so they outlive the Registry unless its `deletionPolicy` is Delete.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements},
    apimachinery::pkg::api::resource::Quantity,
};
use slipway_crds::registry::FilesystemStorage;

use super::names::{Component, Names};

/// The part in names.
pub(crate) const PART: &str = "storage";

/// The volume for the content of images.
pub(crate) fn content_claim(names: &Names, storage: &FilesystemStorage) -> PersistentVolumeClaim {
    let class = storage.storage_class_name.as_deref();
    claim(
        names,
        PART,
        Component::Registry,
        storage.size.as_str(),
        class,
        storage.access_mode().as_str(),
    )
}

/// A volume.
pub(crate) fn claim(
    names: &Names,
    part: &str,
    component: Component,
    size: &str,
    class: Option<&str>,
    mode: &str,
) -> PersistentVolumeClaim {
    PersistentVolumeClaim {
        metadata: names.kept(part, component),
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec![mode.to_owned()]),
            storage_class_name: class.map(str::to_owned),
            resources: Some(VolumeResourceRequirements {
                requests: Some(BTreeMap::from([(
                    "storage".to_owned(),
                    Quantity(size.to_owned()),
                )])),
                limits: None,
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}
