//! The pinhole camera of renders.

use glam::{Mat4, Vec2, Vec3};

const NEAR: f32 = 0.01;
const FAR: f32 = 100.0;

/// A pinhole camera that looks from `position` at `target`, y up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// Where it stands, metres.
    pub position: Vec3,
    /// What it looks at, metres.
    pub target: Vec3,
    /// The vertical field of view, radians.
    pub fov_y: f32,
    /// The picture's width, pixels.
    pub width: u32,
    /// The picture's height, pixels.
    pub height: u32,
}

impl Camera {
    /// World to camera space (right-handed, looking along -z).
    pub fn view(&self) -> Mat4 {
        Mat4::look_at_rh(self.position, self.target, Vec3::Y)
    }

    /// Camera to clip space, depth 0 (1 cm) to 1 (100 m).
    pub fn projection(&self) -> Mat4 {
        Mat4::perspective_rh(self.fov_y, self.width.max(1) as f32 / self.height.max(1) as f32, NEAR, FAR)
    }

    /// Where a point is seen: pixels from the top left corner, y down. `None` behind the camera.
    pub fn project(&self, point: Vec3) -> Option<Vec2> {
        let clip = self.projection() * self.view() * point.extend(1.0);
        if clip.w <= NEAR {
            return None;
        }
        let unit = clip.truncate() / clip.w;
        Some(Vec2::new((unit.x + 1.0) * 0.5 * self.width as f32, (1.0 - unit.y) * 0.5 * self.height as f32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_count_from_the_top_left() {
        let camera =
            Camera { position: Vec3::new(0.0, 0.0, 1.0), target: Vec3::ZERO, fov_y: 1.0, width: 200, height: 100 };
        assert_eq!(camera.project(Vec3::ZERO), Some(Vec2::new(100.0, 50.0)));
        let edge = (0.5_f32).tan();
        let top = camera.project(Vec3::new(0.0, edge, 0.0)).map(|point| point.round());
        assert_eq!(top, Some(Vec2::new(100.0, 0.0)), "the field of view is the vertical one, y points down");
        let right = camera.project(Vec3::new(2.0 * edge, 0.0, 0.0)).map(|point| point.round());
        assert_eq!(right, Some(Vec2::new(200.0, 50.0)));
        assert_eq!(camera.project(Vec3::new(0.0, 0.0, 2.0)), None, "behind the camera");
    }
}
