//! What to draw: a face, its pose and expression, a camera, lamps and a background.

use std::sync::Arc;

use bevy::math::Vec3;
use image::{RgbImage, RgbaImage};
use likeness_rig::{Camera, Face, HeadPose};

use crate::error::{RenderError, Result};

/// The largest side of a photo's skin, pixels.
const LARGEST_SKIN: u32 = 4096;

/// One picture to draw.
#[derive(Clone, Debug)]
pub struct Shot {
    /// The face, in the rig's order.
    pub face: Face,
    /// The 52 ARKit coefficients, 0..1, in ARKit's order.
    pub expression: [f32; 52],
    /// How the head is turned, in degrees.
    pub pose: HeadPose,
    /// Where the eyes look, relative to the head: degrees to the person's left and degrees up.
    pub gaze: [f32; 2],
    /// Where the camera stands.
    pub camera: ShotCamera,
    /// The light.
    pub lights: LightRig,
    /// What the bust wears.
    pub clothes: Option<Clothes>,
    /// The skin as a photo shows it: sRGB in the skin's texture coordinates, painted for
    /// [`SKIN_REFERENCE`](likeness_rig::palette::SKIN_REFERENCE), with its coverage as alpha. Shots that share the same one cost no more.
    pub photo_skin: Option<Arc<RgbaImage>>,
    /// What is behind the head.
    pub background: Background,
}

/// Cloth that is painted on the bust below a neckline: enough for small pictures. Heights are those of the rig's rest pose, in
/// metres from between the eyes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clothes {
    /// Linear RGB.
    pub color: [f32; 3],
    /// The collar's colour, linear RGB.
    pub collar: [f32; 3],
    /// The collar's width.
    pub width: f32,
    /// The neckline's height beside the neck.
    pub side: f32,
    /// The neckline's height in the middle of the front.
    pub front: f32,
    /// How far the neckline rises per metre away from the middle.
    pub slope: f32,
}

impl Shot {
    /// A neutral portrait of `face` in the default light.
    pub fn new(face: Face) -> Self {
        Self {
            face,
            expression: [0.0; 52],
            pose: HeadPose::default(),
            gaze: [0.0; 2],
            camera: ShotCamera::default(),
            lights: LightRig::default(),
            clothes: None,
            photo_skin: None,
            background: Background::default(),
        }
    }

    /// Whether every number can be drawn.
    pub(crate) fn check(&self, shot: usize) -> Result<()> {
        let number = |field, value: f32, is_fine: bool, expected| {
            if value.is_finite() && is_fine { Ok(()) } else { Err(RenderError::Shot { shot, field, value, expected }) }
        };
        for value in self.expression {
            number("expression", value, true, "a number")?;
        }
        let pose = self.pose;
        for (field, value) in [
            ("pose.yaw", pose.yaw),
            ("pose.pitch", pose.pitch),
            ("pose.roll", pose.roll),
            ("gaze.yaw", self.gaze[0]),
            ("gaze.pitch", self.gaze[1]),
        ] {
            number(field, value, true, "a number of degrees")?;
        }
        let fov = self.camera.fov_y;
        number("camera.fov_y", fov, fov > 0.01 && fov < 3.0, "0.01 to 3 radians")?;
        let distance = self.camera.distance;
        number("camera.distance", distance, distance > 0.1 && distance < 100.0, "0.1 to 100 metres")?;
        for value in self.camera.target.to_array() {
            number("camera.target", value, value.abs() < 10.0, "within 10 metres")?;
        }
        for value in self.clothes.iter().flat_map(|clothes| {
            let Clothes { color, collar, width, side, front, slope } = *clothes;
            color.into_iter().chain(collar).chain([width, side, front, slope])
        }) {
            number("clothes", value, true, "a number")?;
        }
        if let Some(skin) = &self.photo_skin {
            for side in [skin.width(), skin.height()] {
                let is_fine = (1..=LARGEST_SKIN).contains(&side);
                number("photo_skin", side as f32, is_fine, "1 to 4096 pixels a side")?;
            }
        }
        for light in self.lights.lamps() {
            number("lights.intensity", light.intensity, light.intensity >= 0.0, "0 or more")?;
            number("lights.softness", light.softness, (0.0..=1.0).contains(&light.softness), "0 to 1")?;
            for value in light.direction.to_array().into_iter().chain(light.color) {
                number("lights", value, true, "a number")?;
            }
        }
        for value in self.lights.sky.into_iter().chain(self.lights.ground) {
            number("lights", value, value >= 0.0, "0 or more")?;
        }
        Ok(())
    }
}

/// A camera that looks along -z at a target: it stays in place and the head turns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ShotCamera {
    /// Vertical field of view in radians.
    pub fov_y: f32,
    /// Distance from the target in metres.
    pub distance: f32,
    /// The point at the centre of the picture, in metres; the origin lies midway between the eyes.
    pub target: Vec3,
}

impl Default for ShotCamera {
    /// A portrait with a field of view of 30 degrees: the whole head with a little air around it.
    fn default() -> Self {
        Self { fov_y: 30f32.to_radians(), distance: 0.58, target: Vec3::new(0.0, -0.01, 0.0) }
    }
}

impl ShotCamera {
    /// A camera with another field of view (radians) that shows the target at the same size.
    pub fn with_fov(self, fov_y: f32) -> Self {
        let distance = self.distance * (self.fov_y / 2.0).tan() / (fov_y / 2.0).tan();
        Self { fov_y, distance, ..self }
    }

    /// The same camera for projecting points into a square picture of `size` pixels.
    pub fn to_camera(self, size: u32) -> Camera {
        Camera {
            position: self.target + Vec3::Z * self.distance,
            target: self.target,
            fov_y: self.fov_y,
            width: size,
            height: size,
        }
    }
}

/// A far lamp.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Light {
    /// From the head toward the lamp; need not be of unit length.
    pub direction: Vec3,
    /// Linear RGB, 0..1.
    pub color: [f32; 3],
    /// 1.0 lights a surface that faces the lamp at its full colour.
    pub intensity: f32,
    /// 0 is a small hard lamp, 1 a very large one that wraps around the head.
    pub softness: f32,
}

/// The lamps and the light from all around.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LightRig {
    /// The main lamp.
    pub key: Light,
    /// A weaker lamp that opens the shadows of the first.
    pub fill: Light,
    /// A lamp from behind that draws the outline.
    pub rim: Light,
    /// Light from above, linear RGB.
    pub sky: [f32; 3],
    /// Light from below, linear RGB.
    pub ground: [f32; 3],
}

impl Default for LightRig {
    /// Soft portrait light: a large warm lamp beside the camera, a little high and to the viewer's left, a cool fill and a rim.
    fn default() -> Self {
        Self {
            key: Light {
                direction: Vec3::new(-0.3, 0.35, 1.0),
                color: [1.0, 0.955, 0.915],
                intensity: 0.76,
                softness: 0.4,
            },
            fill: Light {
                direction: Vec3::new(0.85, 0.15, 0.65),
                color: [0.86, 0.92, 1.0],
                intensity: 0.2,
                softness: 0.6,
            },
            rim: Light {
                direction: Vec3::new(0.8, 0.35, -0.75),
                color: [1.0, 0.97, 0.94],
                intensity: 0.35,
                softness: 0.5,
            },
            sky: [0.19, 0.2, 0.22],
            ground: [0.11, 0.092, 0.08],
        }
    }
}

impl LightRig {
    /// The lamps in the order in which the shader gets them.
    pub(crate) fn lamps(&self) -> [Light; 3] {
        [self.key, self.fill, self.rim]
    }
}

/// What is behind the head.
#[derive(Clone, Debug)]
pub enum Background {
    /// One colour, sRGB bytes.
    Color([u8; 3]),
    /// A picture, scaled and cropped to fill the square (see [`fit_background`]).
    Image(Arc<RgbImage>),
    /// Nothing: the picture's alpha is the head's coverage.
    Transparent,
}

impl Default for Background {
    fn default() -> Self {
        Self::Color([116, 120, 126])
    }
}

/// Scales and crops a picture to a square of `size` pixels, centred.
pub fn fit_background(picture: &RgbImage, size: u32) -> RgbImage {
    let side = picture.width().min(picture.height()).max(1);
    let x = (picture.width().saturating_sub(side)) / 2;
    let y = (picture.height().saturating_sub(side)) / 2;
    let square = image::imageops::crop_imm(picture, x, y, side, side).to_image();
    if side == size {
        return square;
    }
    image::imageops::resize(&square, size, size, image::imageops::FilterType::Triangle)
}

/// The usual views of a sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Views {
    /// Straight from the front.
    Front,
    /// Turned 40 degrees to the person's left.
    ThreeQuarter,
    /// Turned 90 degrees to the person's left.
    Side,
}

impl Views {
    /// All of them, in the order of a sheet.
    pub const ALL: [Self; 3] = [Self::Front, Self::ThreeQuarter, Self::Side];

    /// The head's pose in this view.
    pub fn pose(self) -> HeadPose {
        let yaw = match self {
            Self::Front => 0.0,
            Self::ThreeQuarter => 40.0,
            Self::Side => 90.0,
        };
        HeadPose { yaw, pitch: 0.0, roll: 0.0 }
    }

    /// A neutral portrait in this view, the camera moved so that the back of the head is in the picture too.
    pub fn shot(self, face: Face) -> Shot {
        let mut shot = Shot::new(face);
        shot.pose = self.pose();
        // The head reaches further back from the eyes than forward.
        shot.camera.target.x = -BACK * shot.pose.yaw.to_radians().sin();
        shot
    }
}

/// How far behind the eyes the middle of the head lies, metres.
const BACK: f32 = 0.075;

/// Which pictures to draw of every shot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Passes {
    /// The lit picture.
    pub color: bool,
    /// The class of every pixel.
    pub parts: bool,
    /// The distance along the camera's axis.
    pub depth: bool,
    /// The surface's direction.
    pub normals: bool,
}

impl Passes {
    /// The lit picture alone.
    pub const COLOR: Self = Self { color: true, parts: false, depth: false, normals: false };
    /// Every pass.
    pub const ALL: Self = Self { color: true, parts: true, depth: true, normals: true };

    pub(crate) fn labels(self) -> bool {
        self.parts || self.depth || self.normals
    }
}
