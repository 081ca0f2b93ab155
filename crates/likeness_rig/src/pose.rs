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

#[cfg(test)]
mod tests {
    use glam::Vec3;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_signs_are_those_of_the_words() {
        let turned = |yaw, pitch, roll, point: Vec3| HeadPose { yaw, pitch, roll }.rotation() * point;
        assert!(turned(30.0, 0.0, 0.0, Vec3::Z).x > 0.4, "to its left is the viewer's right");
        assert!(turned(0.0, 30.0, 0.0, Vec3::Z).y > 0.4, "looks up");
        assert!(turned(0.0, 0.0, 30.0, Vec3::Y).x > 0.4, "the top leans to the viewer's right");
    }

    #[test]
    fn yaw_is_outermost_and_roll_innermost() {
        let pose = HeadPose { yaw: 40.0, pitch: 25.0, roll: -15.0 };
        let one = |yaw, pitch, roll| HeadPose { yaw, pitch, roll }.rotation();
        let product = one(40.0, 0.0, 0.0) * one(0.0, 25.0, 0.0) * one(0.0, 0.0, -15.0);
        assert!(pose.rotation().abs_diff_eq(product, 1e-6));
    }

    proptest! {
        #[test]
        fn a_rotation_gives_its_pose(yaw in -85.0_f32..85.0, pitch in -80.0_f32..80.0, roll in -170.0_f32..170.0) {
            let pose = HeadPose { yaw, pitch, roll };
            let back = HeadPose::from_rotation(pose.rotation());
            prop_assert!((back.yaw - yaw).abs() < 0.05 && (back.pitch - pitch).abs() < 0.05);
            prop_assert!((back.roll - roll).abs() < 0.05);
        }
    }
}
