//! Faces drawn as dots, with all the labels of rendered ones.

use std::sync::OnceLock;

use glam::Vec2;
use likeness_rig::Camera;
use likeness_train::{
    bone_data::Photo,
    head::Head,
    picture::Picture,
    portraits::PortraitLabel,
    scene::{People, draw_scene},
    shards::{CameraLabel, Render, RenderLabel},
};

pub(crate) fn head() -> &'static Head {
    static HEAD: OnceLock<Head> = OnceLock::new();
    HEAD.get_or_init(|| Head::load(&Head::default_rig()).unwrap())
}

/// A picture with a blot at every landmark.
pub(crate) fn dots(points: &[Vec2; 68], ground: [u8; 3]) -> Picture {
    let mut picture = Picture::from_pixel(192, 192, image::Rgb(ground));
    for point in points {
        for (dx, dy) in (-3..4).flat_map(|dx| (-3..4).map(move |dy| (dx, dy))) {
            let (x, y) = (point.x as i32 + dx, point.y as i32 + dy);
            if (0..192).contains(&x) && (0..192).contains(&y) {
                picture.put_pixel(x as u32, y as u32, image::Rgb([255, 255, 255]));
            }
        }
    }
    picture
}

pub(crate) fn render(index: u64) -> Render {
    let head = head();
    let scene = draw_scene(&head.rig, &People::natural(&head.prior), 3, index);
    let camera = Camera {
        position: scene.target + glam::Vec3::Z * scene.distance,
        target: scene.target,
        fov_y: scene.fov_y,
        width: 192,
        height: 192,
    };
    let points = head
        .landmarks
        .points(&scene.face.parameters, &scene.expression, scene.pose.yaw)
        .map(|point| camera.project(scene.pose.rotation() * point).unwrap());
    let label = RenderLabel {
        index,
        seed: 3,
        rig: head.rig.id.clone(),
        rig_version: head.rig.version,
        parameters: scene.face.parameters.clone(),
        options: scene.face.options.clone(),
        colors: scene.face.colors[..head.rig.natural_colors().count()].to_vec(),
        details: scene.face.details.clone(),
        expression: scene.expression.to_vec(),
        pose: [scene.pose.yaw, scene.pose.pitch, scene.pose.roll],
        gaze: scene.gaze,
        camera: CameraLabel { distance: scene.distance, fov_y: scene.fov_y, target: scene.target.to_array() },
        landmarks: points.iter().map(Vec2::to_array).collect(),
    };
    Render { picture: dots(&points, [20, 30, 40]), label }
}

pub(crate) fn photo(index: u64) -> Photo {
    let render = render(1000 + index);
    let landmarks = std::array::from_fn(|i| Vec2::from_array(render.label.landmarks[i]));
    Photo {
        picture: dots(&landmarks, [120, 70, 60]),
        landmarks,
        label: PortraitLabel {
            file: format!("{index}.jpg"),
            person: index / 2,
            source: "drawn".into(),
            face_box: [0.0; 4],
            landmarks: render.label.landmarks.clone(),
            estimated_age: 40.0,
            estimated_sex: "female".into(),
        },
    }
}
