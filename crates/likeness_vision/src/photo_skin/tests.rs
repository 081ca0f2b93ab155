#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use image::{Rgb, RgbImage};
use likeness_rig::Prior;
use likeness_rig::color::from_srgb;
use std::path::{Path, PathBuf};

/// Pixels of the photo per metre, its side, and where the point between the eyes lies in it.
const SCALE: f32 = 2000.0;
const SIDE: u32 = 600;
const MIDDLE: Vec2 = Vec2::new(300.0, 260.0);

struct Head {
    rig: Rig,
    mesh: HeadMesh,
    points: LandmarkSet,
    model: LandmarkModel,
    reader: SkinReader,
    parameters: Vec<f32>,
}

fn head() -> Head {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/head");
    let rig = Rig::load(&folder.join("head.rig.ron")).unwrap();
    let mesh = HeadMesh::load(&folder.join(&rig.mesh)).unwrap();
    let points = LandmarkSet::load(&folder.join(&rig.landmarks)).unwrap();
    let model = LandmarkModel::new(&rig, &mesh, &points).unwrap();
    let parameters = Prior::load(&folder.join(&rig.prior), &rig).unwrap().mean;
    let reader = SkinReader::new(&rig, &mesh, &points).unwrap().unwrap();
    Head { rig, mesh, points, model, reader, parameters }
}

fn project(point: Vec3) -> Vec2 {
    Vec2::new(point.x, -point.y) * SCALE + MIDDLE
}

/// A photo of one colour, brighter toward the viewer's right, with a dark spot.
fn photo(spot: Vec2) -> Photo {
    let pixels = RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let light = 0.75 + 0.5 * x as f32 / SIDE as f32;
        let painted = if Vec2::new(x as f32, y as f32).distance(spot) < 9.0 { 0.2 } else { 1.0 };
        Rgb([0.5, 0.3, 0.2].map(|value| to_srgb(value * light * painted)))
    });
    Photo { pixels }
}

fn read(head: &Head, photo: &Photo, landmarks: &[Vec2; 68]) -> PhotoSkin {
    let sighting = Sighting {
        photo,
        landmarks,
        parameters: &head.parameters,
        expression: &[0.0; 52],
        pose: &HeadPose::default(),
        wears_glasses: false,
    };
    head.reader.read(&head.mesh, &head.model, &sighting).unwrap()
}

#[test]
fn a_mole_lands_on_its_vertex_and_the_light_goes() {
    let head = head();
    let points = head.model.points(&head.parameters, &[0.0; 52], 0.0);
    let landmarks = points.map(project);
    let mut offsets = Vec::new();
    head.rig.compile().unwrap().offsets_into(&head.parameters, &mut offsets);
    let matrices = head.mesh.bind(&head.rig).unwrap().joint_matrices(&head.mesh, &offsets);
    let skin = head.mesh.part(SKIN).unwrap();
    let mut positions = Vec::new();
    head.mesh.skin(skin, &matrices, &[], &mut positions);
    // The vertex that is nearest to the middle of a cheek in the texture.
    let place = |index: usize| skin.uvs[head.points.points[index].triangle[0] as usize];
    let cheek = (place(41) + place(48) + place(3)) / 3.0;
    let near = |vertex: &u32| skin.uvs[*vertex as usize].distance(cheek);
    let vertex = *head.reader.chart.vertices.iter().min_by(|a, b| near(a).total_cmp(&near(b))).unwrap() as usize;

    let PhotoSkin::Seen(texture) = read(&head, &photo(project(positions[vertex])), &landmarks) else {
        panic!("nothing was seen")
    };
    let over_reference = |uv: Vec2| {
        let [red, green, blue, cover] = texture.get_pixel((uv.x * 1024.0) as u32, (uv.y * 1024.0) as u32).0;
        assert!(cover > 200, "{uv} is covered by {cover}");
        Vec3::new(from_srgb(red), from_srgb(green), from_srgb(blue)) / Vec3::from(SKIN_REFERENCE)
    };
    let uv = skin.uvs[vertex];
    let mole = over_reference(uv);
    assert!(mole.max_element() < 0.5, "{mole}");
    for away in [Vec2::new(0.03, 0.0), Vec2::new(-0.03, 0.0), Vec2::new(0.0, 0.03), Vec2::new(1.0 - 2.0 * uv.x, 0.0)] {
        let plain = over_reference(uv + away);
        assert!((plain - Vec3::ONE).abs().max_element() < 0.1, "{away}: {plain}");
    }
}

#[test]
fn a_face_beside_the_photo_is_hidden() {
    let head = head();
    let landmarks = head.model.points(&head.parameters, &[0.0; 52], 0.0).map(project);
    for shift in [Vec2::new(150.0, 0.0), Vec2::new(5000.0, 0.0)] {
        let beside = landmarks.map(|point| point + shift + Vec2::X * 280.0);
        assert!(
            matches!(read(&head, &photo(Vec2::ZERO), &beside), PhotoSkin::Hidden(percent) if percent < 30.0),
            "{shift}"
        );
    }
}

#[test]
fn a_head_whose_texture_shows_no_face_has_no_reader() {
    let head = head();
    let mut mesh = head.mesh.clone();
    for uv in mesh.parts.iter_mut().flat_map(|part| &mut part.uvs) {
        *uv = Vec2::ZERO;
    }
    assert!(SkinReader::new(&head.rig, &mesh, &head.points).unwrap().is_none());
}
