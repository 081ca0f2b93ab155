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
    read_turned(head, photo, landmarks, &HeadPose::default())
}

fn read_turned(head: &Head, photo: &Photo, landmarks: &[Vec2; 68], pose: &HeadPose) -> PhotoSkin {
    let sighting =
        Sighting { photo, landmarks, parameters: &head.parameters, expression: &[0.0; 52], pose, wears_glasses: false };
    head.reader.read(&head.mesh, &head.model, &sighting).unwrap()
}

/// A photo of skin of one colour with a spot.
fn spotted(spot: Vec2, radius: f32, color: [f32; 3]) -> Photo {
    let pixels = RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let is_spot = Vec2::new(x as f32, y as f32).distance(spot) < radius;
        Rgb((if is_spot { color } else { [0.5, 0.3, 0.2] }).map(to_srgb))
    });
    Photo { pixels }
}

impl Head {
    /// Where the vertices lie in a photo of a head that is turned like this.
    fn places(&self, pose: &HeadPose) -> Vec<Vec2> {
        let mut offsets = Vec::new();
        self.rig.compile().unwrap().offsets_into(&self.parameters, &mut offsets);
        let matrices = self.mesh.bind(&self.rig).unwrap().joint_matrices(&self.mesh, &offsets);
        let mut positions = Vec::new();
        self.mesh.skin(self.mesh.part(SKIN).unwrap(), &matrices, &[], &mut positions);
        positions.into_iter().map(|position| project(pose.rotation() * position)).collect()
    }

    /// The landmarks, the vertices, and the distance of the outer eye corners in a photo of a head that is turned like this.
    fn in_photo(&self, pose: &HeadPose) -> ([Vec2; 68], Vec<Vec2>, f32) {
        let points = self.model.points(&self.parameters, &[0.0; 52], pose.yaw);
        let landmarks = points.map(|point| project(pose.rotation() * point));
        (landmarks, self.places(pose), landmarks[36].distance(landmarks[45]))
    }

    /// Where the texture has what a photo shows at this place, of the texels on one side (-1 right, 1 left).
    fn uv_at(&self, places: &[Vec2], place: Vec2, side: f32) -> Vec2 {
        let uvs = &self.mesh.part(SKIN).unwrap().uvs;
        let on_side = self.reader.chart.vertices.iter().filter(|vertex| (uvs[**vertex as usize].x - 0.5) * side > 0.0);
        let away = |vertex: &u32| places[*vertex as usize].distance(place);
        uvs[*on_side.min_by(|a, b| away(a).total_cmp(&away(b))).unwrap() as usize]
    }
}

/// The colour of a texel over that of plain skin, and how far it is painted.
fn texel(texture: &RgbaImage, uv: Vec2) -> (Vec3, f32) {
    let [red, green, blue, cover] = texture.get_pixel((uv.x * 1024.0) as u32, (uv.y * 1024.0) as u32).0;
    let color = Vec3::new(from_srgb(red), from_srgb(green), from_srgb(blue)) / Vec3::from(SKIN_REFERENCE);
    (color, f32::from(cover) / 255.0)
}

fn seen(skin: PhotoSkin) -> RgbaImage {
    let PhotoSkin::Seen(texture) = skin else { panic!("nothing was seen") };
    texture
}

#[test]
fn a_mole_lands_on_its_vertex_and_the_light_goes() {
    let head = head();
    let (landmarks, places, _) = head.in_photo(&HeadPose::default());
    let skin = head.mesh.part(SKIN).unwrap();
    // The vertex that is nearest to the middle of a cheek in the texture.
    let place = |index: usize| skin.uvs[head.points.points[index].triangle[0] as usize];
    let cheek = (place(41) + place(48) + place(3)) / 3.0;
    let near = |vertex: &u32| skin.uvs[*vertex as usize].distance(cheek);
    let vertex = *head.reader.chart.vertices.iter().min_by(|a, b| near(a).total_cmp(&near(b))).unwrap() as usize;

    let texture = seen(read(&head, &photo(places[vertex]), &landmarks));
    let over_reference = |uv: Vec2| {
        let (color, cover) = texel(&texture, uv);
        assert!(cover > 0.8, "{uv} is covered by {cover}");
        color
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
fn hair_at_the_end_of_a_brow_is_taken_from_the_other_side() {
    let head = head();
    let (landmarks, places, unit) = head.in_photo(&HeadPose::default());
    let end = landmarks[26] + Vec2::new(0.04, 0.02) * unit;
    let texture = seen(read(&head, &spotted(end, 0.09 * unit, [0.02, 0.015, 0.01]), &landmarks));
    let (color, cover) = texel(&texture, head.uv_at(&places, end, 1.0));
    assert!(cover > 0.3 && color.min_element() > 0.6, "{color} {cover}");
    // On the nose nothing is beside a brow: what is dark there is the skin's own.
    let nose = landmarks[29] + Vec2::X * (0.06 * unit);
    let texture = seen(read(&head, &spotted(nose, 0.05 * unit, [0.1, 0.06, 0.04]), &landmarks));
    let (color, _) = texel(&texture, head.uv_at(&places, nose, 1.0));
    assert!(color.max_element() < 0.5, "{color}");
}

#[test]
fn the_white_of_an_eye_below_its_landmarks_is_left_out() {
    let head = head();
    let (landmarks, places, unit) = head.in_photo(&HeadPose::default());
    let below = (landmarks[46] + landmarks[47]) / 2.0 + Vec2::Y * (0.045 * unit);
    let uv = head.uv_at(&places, below, 1.0);
    let plain = texel(&seen(read(&head, &spotted(Vec2::ZERO, 0.0, [0.0; 3]), &landmarks)), uv).1;
    let white = texel(&seen(read(&head, &spotted(below, 0.04 * unit, [0.6, 0.6, 0.6]), &landmarks)), uv);
    assert!(plain > 0.5, "{plain}");
    assert!(white.1 < 0.5 * plain || white.0.z < 1.2 * white.0.x, "{white:?}");
}

#[test]
fn what_is_behind_a_turned_cheek_does_not_get_on_it() {
    let head = head();
    let pose = HeadPose { yaw: 35.0, ..HeadPose::default() };
    let (landmarks, places, unit) = head.in_photo(&pose);
    // The cheek that is turned away lies where the outline is near.
    let side = if landmarks[31].distance(landmarks[2]) < landmarks[35].distance(landmarks[14]) { -1.0 } else { 1.0 };
    let (eye, mouth, contour) = if side < 0.0 { (36, 48, 2) } else { (45, 54, 14) };
    let cheek = ((landmarks[eye] + landmarks[mouth]) / 2.0).lerp(landmarks[contour], 0.5);
    let behind = spotted(cheek, 0.07 * unit, [0.05, 0.25, 0.05]);
    let (color, cover) = texel(&seen(read_turned(&head, &behind, &landmarks, &pose)), head.uv_at(&places, cheek, side));
    assert!(cover > 0.5 && (color - Vec3::ONE).abs().max_element() < 0.35, "{color} {cover}");
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
