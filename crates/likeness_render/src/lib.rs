//! Headless rendering of faces and their label passes with Bevy.
//!
//! [`Renderer`] owns a Bevy app without a window. [`Renderer::render`] takes [`Shot`]s (a face, its pose and expression, a
//! camera, lamps, a background) and returns [`Picture`]s: the lit picture and, when asked for, an exact part mask, depth
//! and normals. It works on software Vulkan.

mod atlas;
mod bvh;
mod engine;
mod error;
mod material;
mod picture;
mod pool;
mod readback;
mod renderer;
mod shot;
mod sight;
mod textures;

pub use bevy_likeness::Lod;
pub use error::{RenderError, Result};
pub use picture::{PART_CLASSES, Picture, contact_sheet};
pub use renderer::{RenderOptions, Renderer};
pub use shot::{Background, Clothes, Light, LightRig, Passes, Shot, ShotCamera, Views, fit_background};
