//! How a head is turned.

use glam::{EulerRot, Quat};
use serde::{Deserialize, Serialize};

/// The turn of a head against the camera, degrees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeadPose {
    /// Positive: turned to its left, the viewer's right.
    pub yaw: f32,
    /// Positive: looks up.
    pub pitch: f32,
    /// Positive: the top of the head leans to its left, the viewer's right.
    pub roll: f32,
}

impl HeadPose {
    /// `Ry(yaw) * Rx(-pitch) * Rz(-roll)`, about the origin.
    pub fn rotation(&self) -> Quat {
        Quat::from_rotation_y(self.yaw.to_radians())
            * Quat::from_rotation_x(-self.pitch.to_radians())
            * Quat::from_rotation_z(-self.roll.to_radians())
    }

    /// The pose of a rotation: the inverse of [`HeadPose::rotation`].
    pub fn from_rotation(rotation: Quat) -> Self {
        let (yaw, x, z) = rotation.to_euler(EulerRot::YXZ);
        Self { yaw: yaw.to_degrees(), pitch: -x.to_degrees(), roll: -z.to_degrees() }
    }
}
