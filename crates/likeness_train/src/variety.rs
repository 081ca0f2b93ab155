//! Kinds of variety in synthetic pictures, each of which can be held still to learn what it is worth.

use clap::ValueEnum;
use glam::Vec3;

use crate::{
    backdrop::Backdrop,
    scene::{CENTRE, HALF_HEIGHT, Lamp, Scene},
};

/// What differs from one synthetic picture to the next, besides the person and the head's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Variety {
    /// Lamps and the light from all around; held still: a soft lamp from beside the camera.
    Light,
    /// What the bust wears; held still: nothing.
    Clothes,
    /// What is behind the head; held still: grey.
    Background,
    /// Distance, framing and so the perspective; held still: a metre away, the face in the middle.
    Camera,
    /// Expression and gaze; held still: at rest, eyes in the camera.
    Expression,
    /// Blur, noise, colour cast, contrast and compression; held still: none.
    Effects,
}

/// The camera's distance where it is held still, metres: an 85 mm lens shows a portrait from there.
const DISTANCE: f32 = 1.0;
/// The background's grey where it is held still, sRGB 0..255.
const GREY: f32 = 128.0;

impl Variety {
    /// Holds this kind still in a scene. [`Self::Effects`] come after the scene and change nothing here.
    pub fn hold_still(self, scene: &mut Scene) {
        match self {
            Self::Light => {
                let lamp = |direction: Vec3, intensity| Lamp {
                    direction: direction.normalize(),
                    color: [1.0; 3],
                    intensity,
                    softness: 0.6,
                };
                scene.lamps = [
                    lamp(Vec3::new(0.4, 0.4, 1.0), 0.75),
                    lamp(Vec3::new(-0.8, 0.1, 1.0), 0.25),
                    lamp(Vec3::NEG_Z, 0.0),
                ];
                scene.ambient = [[0.22; 3], [0.14; 3]];
            }
            Self::Clothes => scene.garment = None,
            Self::Background => scene.backdrop = Backdrop::plain([GREY; 3]),
            Self::Camera => {
                scene.distance = DISTANCE;
                scene.fov_y = 2.0 * (HALF_HEIGHT / DISTANCE).atan();
                scene.target = CENTRE;
            }
            Self::Expression => {
                scene.expression = [0.0; 52];
                scene.look_into_camera();
            }
            Self::Effects => {}
        }
    }
}
