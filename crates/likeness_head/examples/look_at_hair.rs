//! Draws the appearance options without their pictures: shows where bands of hair run, whether they float and what they leave
//! open.
//!
//! `cargo run --release -p likeness_head --example look_at_hair -- assets/head out/hair.png hair/bob.glb beard/goatee.glb`

use std::path::PathBuf;

use likeness_head::preview::{Shape, View, draw, tile};
use likeness_rig::HeadMesh;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let folder = arguments.next().ok_or("name the head's folder")?;
    let out = arguments.next().ok_or("name the picture to write")?;
    let head = HeadMesh::load(&folder.join("head.glb"))?;
    let mut pictures = Vec::new();
    for file in arguments {
        let option = HeadMesh::load(&folder.join(file))?;
        let mut shapes = Vec::new();
        for (mesh, color) in [(&head, [0.80, 0.62, 0.52]), (&option, [0.42, 0.30, 0.22])] {
            for part in mesh.parts.iter().filter(|part| !part.name.contains(".lod")) {
                shapes.push(Shape {
                    positions: &part.positions,
                    triangles: &part.triangles,
                    color,
                    double_sided: part.name != "skin",
                });
            }
        }
        for (yaw, pitch) in [(0.0, 0.0), (45.0, 0.0), (90.0, 0.0), (180.0, 0.0), (0.0, -50.0)] {
            pictures.push(draw(&shapes, View { yaw, pitch, height: 0.4, ..View::HEAD }, 300));
        }
    }
    tile(&pictures, 10).save(out)?;
    Ok(())
}
