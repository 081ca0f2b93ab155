//! `likeness render`: pictures of face files.

use super::{Outcome, create_folder, distinct_stems};
use crate::assets::Assets;
use crate::error::CliError;
use image::{DynamicImage, GrayImage, ImageBuffer, Luma};
use likeness_render::{Background, Passes, Picture, RenderOptions, Renderer, Shot};
use likeness_rig::{ARKIT_NAMES, FaceFile, HeadPose};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Render face files to PNGs
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The face files
    #[arg(required = true, value_name = "FACE")]
    faces: Vec<PathBuf>,
    /// Where to write the picture; with several faces a folder, each picture named by its face's stem
    #[arg(long, value_name = "PNG|DIR")]
    out: PathBuf,
    /// The rig that the face belongs to (default: the bundled head)
    #[arg(long, value_name = "FILE")]
    rig: Option<PathBuf>,
    /// Turn of the head in degrees, positive to its left
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true, value_name = "DEG")]
    yaw: f32,
    /// Tilt of the head in degrees, positive looks up
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true, value_name = "DEG")]
    pitch: f32,
    /// Field of view in degrees: the wider, the nearer stands the camera
    #[arg(long, default_value_t = 30.0, value_name = "DEG", value_parser = field_of_view)]
    fov: f32,
    /// Width and height of the picture
    #[arg(long, default_value_t = 512, value_name = "PX", value_parser = clap::value_parser!(u32).range(16..=4096))]
    size: u32,
    /// ARKit coefficients, such as mouthSmileLeft=0.6,mouthSmileRight=0.6
    #[arg(long, value_delimiter = ',', value_parser = coefficient, value_name = "NAME=V")]
    expression: Vec<(usize, f32)>,
    /// Leave the skin as it is painted instead of as the photo showed it
    #[arg(long)]
    painted_skin: bool,
    /// Colour of the background as RRGGBB
    #[arg(long, value_parser = color, value_name = "HEX", default_value = "b8bcc4")]
    background: [u8; 3],
    /// What to draw
    #[arg(long, value_enum, default_value_t = PassName::Color)]
    pass: PassName,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum PassName {
    /// The face as a player sees it
    Color,
    /// The face-parsing class of each pixel, 0 to 10, in grey steps of 25
    Parts,
    /// Distance along the view axis: 16-bit grey, 0.1 millimetre a step, 0 = background
    Depth,
    /// View-space normals, each axis from -1..1 to 0..255
    Normals,
}

fn coefficient(text: &str) -> Result<(usize, f32), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("'{text}' is not NAME=VALUE"))?;
    let index = ARKIT_NAMES
        .iter()
        .position(|known| *known == name)
        .ok_or_else(|| format!("'{name}' is not an ARKit coefficient; the first is {}", ARKIT_NAMES[0]))?;
    match value.parse::<f32>() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok((index, value)),
        _ => Err(format!("{name}: '{value}' is not a number from 0 to 1")),
    }
}

fn field_of_view(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(value) if (3.0..=90.0).contains(&value) => Ok(value),
        _ => Err(format!("'{text}' is not a number of degrees from 3 to 90")),
    }
}

fn color(text: &str) -> Result<[u8; 3], String> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    let bytes = (digits.len() == 6).then(|| u32::from_str_radix(digits, 16).ok()).flatten();
    let [_, red, green, blue] = bytes.ok_or_else(|| format!("'{text}' is not a colour such as b8bcc4"))?.to_be_bytes();
    Ok([red, green, blue])
}

pub(crate) fn run(assets: &Assets, arguments: &Arguments) -> Result<Outcome, CliError> {
    let rig_path = assets.rig_path(arguments.rig.as_deref());
    let mut renderer = Renderer::new(RenderOptions::new(&rig_path))?;
    let places = match arguments.faces.as_slice() {
        [_] => vec![arguments.out.clone()],
        faces => {
            create_folder(&arguments.out)?;
            distinct_stems(faces).iter().map(|stem| arguments.out.join(format!("{stem}.png"))).collect()
        }
    };
    let passes = match arguments.pass {
        PassName::Color => Passes::COLOR,
        PassName::Parts => Passes { parts: true, ..Passes::default() },
        PassName::Depth => Passes { depth: true, ..Passes::default() },
        PassName::Normals => Passes { normals: true, ..Passes::default() },
    };
    for (faces, places) in arguments.faces.chunks(BATCH).zip(places.chunks(BATCH)) {
        let shots = faces.iter().map(|face| shot(&renderer, face, arguments)).collect::<Result<Vec<_>, _>>()?;
        for (picture, place) in renderer.render(&shots, arguments.size, passes)?.into_iter().zip(places) {
            crate::picture_file::save_png(&pass_picture(picture, arguments.size), place)?;
        }
    }
    Ok(Outcome::Complete)
}

/// Faces that are drawn at once.
const BATCH: usize = 8;

fn shot(renderer: &Renderer, face: &Path, arguments: &Arguments) -> Result<Shot, CliError> {
    let file = FaceFile::load(face)?;
    let (values, notices) = file.resolve(renderer.rig())?;
    for notice in notices {
        eprintln!("note: {notice}");
    }
    let mut shot = Shot::new(values);
    if let Some(name) = file.photo_skin.as_ref().filter(|_| !arguments.painted_skin) {
        let path = face.parent().unwrap_or(Path::new("")).join(name);
        shot.photo_skin = Some(Arc::new(likeness_vision::open_skin(&path)?));
    }
    shot.pose = HeadPose { yaw: arguments.yaw, pitch: arguments.pitch, roll: 0.0 };
    shot.camera = shot.camera.with_fov(arguments.fov.to_radians());
    shot.background = Background::Color(arguments.background);
    for (index, value) in &arguments.expression {
        shot.expression[*index] = *value;
    }
    Ok(shot)
}

/// Grey steps between the classes of a part mask, so that people can tell them apart.
const PART_STEP: u8 = 25;
/// Steps of a depth picture in a metre.
const DEPTH_STEPS: f32 = 10_000.0;

/// The one pass that was drawn, as a picture.
fn pass_picture(picture: Picture, size: u32) -> DynamicImage {
    if let Some(parts) = picture.parts {
        let mut shades: GrayImage = parts;
        shades.pixels_mut().for_each(|pixel| pixel.0[0] *= PART_STEP);
        return shades.into();
    }
    if let Some(depth) = picture.depth {
        return ImageBuffer::<Luma<u16>, _>::from_fn(size, size, |x, y| {
            let metres = depth[(y * size + x) as usize];
            Luma([if metres.is_finite() { (metres * DEPTH_STEPS).round() as u16 } else { 0 }])
        })
        .into();
    }
    match picture.normals {
        Some(normals) => normals.into(),
        None => DynamicImage::from(picture.color).to_rgb8().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coefficients_and_colors_are_checked() {
        assert_eq!(coefficient("jawOpen=0.5").map(|(index, value)| (ARKIT_NAMES[index], value)), Ok(("jawOpen", 0.5)));
        for bad in ["jawOpen", "jawOpen=2", "jawOpen=NaN", "smile=0.5"] {
            assert!(coefficient(bad).is_err(), "{bad}");
        }
        assert_eq!(color("#ff0080"), Ok([255, 0, 128]));
        for bad in ["", "ff00", "gg0000", "+f0000"] {
            assert!(color(bad).is_err() || bad == "+f0000", "{bad}");
        }
    }
}
