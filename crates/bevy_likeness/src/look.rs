//! How skin and eyes look: a face's colours and details as the numbers that shaders take.
//!
//! The shader module `bevy_likeness::look` (`shaders/look.wgsl`) turns them into colours; every material that shows heads
//! imports it, so that a face looks alike in games and in headless pictures.

use bevy::math::Vec4;
use bevy::prelude::*;
use bevy::render::RenderApp;
use bevy::render::render_resource::ShaderType;
use bevy::shader::load_shader_library;
use likeness_rig::Rig;

pub use likeness_rig::palette::SKIN_REFERENCE;

/// The iris of rigs without a colour for it, linear RGB.
const IRIS_REFERENCE: Vec3 = Vec3::new(0.12, 0.06, 0.03);
/// Least and greatest tint of the lips over the skin's: their mask covers some skin too, which a light colour over a dark
/// painted one would turn white.
const LIPS_TINT: (f32, f32) = (0.6, 1.15);
/// The luminance of skin without much melanin, and how far below it the darkest lies.
const MELANIN: (f32, f32) = (0.40, 0.36);
/// Least and greatest size of the iris over the painted one.
const IRIS_SIZES: (f32, f32) = (0.86, 1.14);

/// What the shaders know about a skin; laid out as `SkinLook` in `shaders/look.wgsl`.
#[derive(Reflect, ShaderType, Clone, Copy, Debug, PartialEq)]
pub struct SkinLook {
    /// xyz: the skin's linear colour over [`SKIN_REFERENCE`]; w: melanin, 0 the palest to 1 the darkest skin.
    pub tone: Vec4,
    /// xyz: what the lips' texture is multiplied with; w: 1 with any age or make-up, 0 without.
    pub lips: Vec4,
    /// xyz: linear colour; w: how much, 0..1.
    pub lipstick: Vec4,
    /// xyz: linear colour; w: how much, 0..1.
    pub eyeshadow: Vec4,
    /// Redness, freckles, age and pores, each 0..1.
    pub wear: Vec4,
    /// Shine, blush, eyeliner and the extra layer, each 0..1.
    pub paint: Vec4,
}

impl Default for SkinLook {
    /// The texture as it is painted.
    fn default() -> Self {
        Self {
            tone: Vec3::ONE.extend(0.0),
            lips: Vec3::ONE.extend(0.0),
            lipstick: Vec4::ZERO,
            eyeshadow: Vec4::ZERO,
            wear: Vec4::new(0.5, 0.0, 0.0, 0.5),
            paint: Vec4::new(0.5, 0.0, 0.0, 1.0),
        }
    }
}

impl SkinLook {
    /// The skin of a face with these colours (linear RGB) and details (0..1), in the rig's order. What the rig or the face
    /// does not have is as painted; a number that is not finite counts as missing.
    pub fn new(rig: &Rig, colors: &[[f32; 3]], details: &[f32]) -> Self {
        let values = Values { rig, colors, details };
        let reference = Vec3::from(SKIN_REFERENCE);
        let color = values.color("skin").unwrap_or(reference);
        let tone = color / reference;
        let lips = values.color("lips").zip(rig.color_index("lips")).map_or(tone, |(lips, slot)| {
            let painted = Vec3::from(rig.colors[slot].default).max(Vec3::splat(1e-3));
            (lips / painted).clamp(tone * LIPS_TINT.0, tone * LIPS_TINT.1)
        });
        let put_on = |name: &str| values.color(name).unwrap_or_default().extend(values.detail(name, 0.0));
        let plain = Self::default();
        let mut look = Self {
            tone: tone.extend(melanin(color)),
            lips: lips.extend(0.0),
            lipstick: put_on("lipstick"),
            eyeshadow: put_on("eyeshadow"),
            wear: Vec4::new(
                values.detail("skin.redness", plain.wear.x),
                values.detail("skin.freckles", plain.wear.y),
                values.detail("skin.age", plain.wear.z),
                values.detail("skin.pores", plain.wear.w),
            ),
            paint: Vec4::new(
                values.detail("skin.shine", plain.paint.x),
                values.detail("blush", plain.paint.y),
                values.detail("eyeliner", plain.paint.z),
                values.detail("skin.layer", plain.paint.w),
            ),
        };
        let worn = [look.lipstick.w, look.eyeshadow.w, look.wear.z, look.paint.y, look.paint.z];
        look.lips.w = f32::from(u8::from(worn.iter().any(|amount| *amount > 0.0)));
        look
    }
}

/// What the shaders know about a pair of eyes; laid out as `EyeLook` in `shaders/look.wgsl`.
#[derive(Reflect, ShaderType, Clone, Copy, Debug, PartialEq)]
pub struct EyeLook {
    /// xyz: linear colour of the middle of the iris; w: its size over the painted one.
    pub iris: Vec4,
    /// x: the white's tone, 0 clear to 1 yellowed and veined, 0.3 as painted.
    pub white: Vec4,
}

impl Default for EyeLook {
    fn default() -> Self {
        Self { iris: IRIS_REFERENCE.extend(1.0), white: Vec4::new(0.3, 0.0, 0.0, 0.0) }
    }
}

impl EyeLook {
    /// The eyes of a face, as in [`SkinLook::new`].
    pub fn new(rig: &Rig, colors: &[[f32; 3]], details: &[f32]) -> Self {
        let values = Values { rig, colors, details };
        let plain = Self::default();
        let (small, large) = IRIS_SIZES;
        let size = small + (large - small) * values.detail("iris.size", 0.5);
        let color = values.color("iris").unwrap_or(IRIS_REFERENCE);
        let tone = values.detail("sclera.tone", plain.white.x);
        Self { iris: color.extend(size), white: Vec4::new(tone, 0.0, 0.0, 0.0) }
    }
}

/// A face's values by the rig's names.
struct Values<'a> {
    rig: &'a Rig,
    colors: &'a [[f32; 3]],
    details: &'a [f32],
}

impl Values<'_> {
    fn color(&self, name: &str) -> Option<Vec3> {
        let color = Vec3::from(*self.colors.get(self.rig.color_index(name)?)?);
        color.is_finite().then(|| color.clamp(Vec3::ZERO, Vec3::ONE))
    }

    fn detail(&self, name: &str, missing: f32) -> f32 {
        let value = self.rig.detail_index(name).and_then(|index| self.details.get(index));
        value.copied().filter(|value| value.is_finite()).map_or(missing, |value| value.clamp(0.0, 1.0))
    }
}

/// How much melanin a skin of this linear colour has, 0..1.
fn melanin(color: Vec3) -> f32 {
    let luminance = color.dot(Vec3::new(0.2126, 0.7152, 0.0722));
    ((MELANIN.0 - luminance) / MELANIN.1).clamp(0.0, 1.0)
}

/// Makes the shader module `bevy_likeness::look` known, for `#import bevy_likeness::look` in shaders of any material.
#[derive(Clone, Copy, Debug, Default)]
pub struct LikenessShaderPlugin;

impl Plugin for LikenessShaderPlugin {
    fn build(&self, app: &mut App) {
        if app.get_sub_app(RenderApp).is_some() {
            load_shader_library!(app, "shaders/look.wgsl");
        }
    }
}

#[cfg(test)]
mod tests {
    use likeness_rig::{ColorSlot, Detail};

    use super::*;

    fn rig() -> Rig {
        let color =
            |name: &str, default| ColorSlot { name: name.into(), caption: String::new(), default, cosmetic: false };
        let detail =
            |name: &str| Detail { name: name.into(), caption: String::new(), group: "skin".into(), default: 0.0 };
        Rig {
            format: likeness_rig::RIG_FORMAT,
            id: "look".into(),
            version: 1,
            mesh: "head.glb".into(),
            prior: "prior".into(),
            landmarks: "landmarks".into(),
            bones: Vec::new(),
            parameters: Vec::new(),
            options: Vec::new(),
            colors: vec![color("iris", [0.1; 3]), color("skin", SKIN_REFERENCE), color("lipstick", [0.5, 0.0, 0.1])],
            details: ["skin.age", "lipstick", "iris.size", "skin.freckles"].map(detail).into(),
        }
    }

    #[test]
    fn numbers_go_where_the_shader_looks_for_them() {
        let colors = [[0.2, 0.3, 0.4], [0.3, 0.18, 0.13], [0.5, 0.0, 0.1]];
        let details = [0.75, 0.5, 1.0, 0.25];
        let skin = SkinLook::new(&rig(), &colors, &details);
        assert_eq!(skin.wear, Vec4::new(0.5, 0.25, 0.75, 0.5));
        assert_eq!(skin.lipstick, Vec4::new(0.5, 0.0, 0.1, 0.5));
        assert_eq!((skin.lips.w, SkinLook::default().lips.w), (1.0, 0.0));
        assert!((skin.tone.truncate() - Vec3::splat(0.5)).length() < 1e-6, "{}", skin.tone);
        assert!(skin.tone.w > 0.4 && skin.tone.w < 0.8, "{}", skin.tone.w);
        let eyes = EyeLook::new(&rig(), &colors, &details);
        assert_eq!(eyes.iris, Vec4::new(0.2, 0.3, 0.4, IRIS_SIZES.1));
    }

    #[test]
    fn what_is_missing_or_no_number_is_as_painted() {
        assert_eq!(SkinLook::new(&rig(), &[], &[]), SkinLook::default());
        let spoiled = SkinLook::new(&rig(), &[[f32::NAN; 3]; 3], &[f32::NAN, f32::INFINITY, f32::NAN, f32::NAN]);
        assert_eq!(spoiled, SkinLook::default());
        assert_eq!(EyeLook::new(&rig(), &[], &[]), EyeLook::default());
    }
}
