//! Heads appear, at the wanted level of detail, and bad assets are told about.

use bevy::asset::RenderAssetUsages;
use bevy::camera::visibility::RenderLayers;
use bevy::ecs::system::RunSystemOnce;
use bevy::mesh::skinning::SkinnedMesh;
use bevy::prelude::*;
use bevy_likeness::prelude::*;
use bevy_likeness::{
    HeadMaterials, HeadPart, PhotoSkin, SKIN_REFERENCE, SkinExtension, SkinLayer, SkinLook, SkinMaterial,
};

use crate::app::{Problems, app, joint, spawn, transform, update_until};
use crate::fixture::{rig, tiny_head, write_rig};

fn names(app: &App, head: Entity) -> Vec<String> {
    app.world().get::<HeadParts>(head).unwrap().iter().map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn a_head_gets_joints_parts_and_a_neutral_face() {
    let folder = tiny_head(&rig());
    let mut app = app(folder.path());
    let head = spawn(&mut app, "tiny.rig.ron", Lod::Full);
    let mut parts = names(&app, head);
    parts.sort();
    assert_eq!(parts, ["eyes", "hat", "skin", "teeth"]);
    assert_eq!(app.world().get::<Face>(head).unwrap(), &Face::neutral(&rig()));
    assert_eq!(app.world().get::<HeadJoints>(head).unwrap().bones().len(), 5);
    assert_eq!(transform(&app, head, "nose").translation, Vec3::new(0.0, -0.02, 0.06));
    let skin = app.world().get::<HeadParts>(head).unwrap().get("skin").unwrap();
    let skinned = app.world().get::<SkinnedMesh>(skin).unwrap();
    assert_eq!(skinned.joints[3], joint(&app, head, "nose"));
    assert_eq!(app.world().get::<Name>(skinned.joints[9]).unwrap().as_str(), "gaze.R");
    assert_eq!(app.world().get::<HeadPart>(skin).unwrap().head, head);
    assert_eq!(app.world().resource::<Problems>().all(), Vec::<String>::new());
}

#[test]
fn parts_are_on_the_layers_of_their_head() {
    let folder = tiny_head(&rig());
    let mut app = app(folder.path());
    let head = spawn(&mut app, "tiny.rig.ron", Lod::Full);
    let layers = |app: &mut App| {
        app.world_mut()
            .run_system_once(|parts: Query<Option<&RenderLayers>, With<HeadPart>>| {
                parts.iter().map(|layers| layers.cloned()).collect::<Vec<_>>()
            })
            .unwrap()
    };
    assert!(layers(&mut app).iter().all(Option::is_none), "a head without layers leaves its parts without");
    app.world_mut().entity_mut(head).insert(RenderLayers::layer(3));
    app.update();
    assert!(layers(&mut app).iter().all(|layers| *layers == Some(RenderLayers::layer(3))));
    // Parts that appear later are on them from their first frame.
    app.world_mut().get_mut::<LikenessHead>(head).unwrap().lod = Lod::Fifth;
    app.update();
    let later = layers(&mut app);
    assert!(!later.is_empty() && later.iter().all(|layers| *layers == Some(RenderLayers::layer(3))));
}

#[test]
fn a_rigid_part_hangs_on_its_joint() {
    let folder = tiny_head(&rig());
    let mut app = app(folder.path());
    let head = spawn(&mut app, "tiny.rig.ron", Lod::Full);
    let hat = app.world().get::<HeadParts>(head).unwrap().get("hat").unwrap();
    assert_eq!(app.world().get::<ChildOf>(hat).unwrap().parent(), joint(&app, head, "head"));
    assert_eq!(app.world().get::<Transform>(hat).unwrap().translation, Vec3::new(0.0, 0.1, 0.0));
    assert!(app.world().get::<SkinnedMesh>(hat).is_none());
}

#[test]
fn the_level_of_detail_can_change() {
    let folder = tiny_head(&rig());
    let mut app = app(folder.path());
    let head = spawn(&mut app, "tiny.rig.ron", Lod::Full);
    let mesh = |app: &App| {
        let skin = app.world().get::<HeadParts>(head).unwrap().get("skin").unwrap();
        app.world().get::<Mesh3d>(skin).unwrap().0.id()
    };
    let full = mesh(&app);
    let before = app.world_mut().run_system_once(|all: Query<&HeadPart>| all.iter().count()).unwrap();
    // There is no `.lod2`: the next finer level is used, `.lod1`.
    app.world_mut().get_mut::<LikenessHead>(head).unwrap().lod = Lod::Fifth;
    app.update();
    assert_ne!(mesh(&app), full);
    let after = app.world_mut().run_system_once(|all: Query<&HeadPart>| all.iter().count()).unwrap();
    assert_eq!(after, before, "the old parts are gone");
    app.world_mut().get_mut::<LikenessHead>(head).unwrap().lod = Lod::Full;
    app.update();
    assert_eq!(mesh(&app), full);
}

#[test]
fn only_the_level_of_detail_in_use_goes_to_the_gpu() {
    let folder = tiny_head(&rig());
    let mut app = app(folder.path());
    spawn(&mut app, "tiny.rig.ron", Lod::Half);
    let meshes = app.world().resource::<Assets<Mesh>>();
    let mut drawn: Vec<bool> = Vec::new();
    for (_, mesh) in meshes.iter() {
        drawn.push(mesh.asset_usage.contains(RenderAssetUsages::RENDER_WORLD));
    }
    drawn.sort_unstable();
    assert_eq!(drawn, [false, true, true, true], "all but the full skin");
}

#[test]
fn removing_the_head_takes_joints_and_meshes_away() {
    let folder = tiny_head(&rig());
    let mut app = app(folder.path());
    let head = spawn(&mut app, "tiny.rig.ron", Lod::Full);
    let nose = joint(&app, head, "nose");
    app.world_mut().entity_mut(head).remove::<LikenessHead>();
    app.update();
    assert!(app.world().get_entity(nose).is_err());
    assert!(app.world().get::<HeadParts>(head).is_none());
    let again = spawn(&mut app, "tiny.rig.ron", Lod::Full);
    app.world_mut().entity_mut(again).despawn();
    app.update();
    let left = app.world_mut().run_system_once(|all: Query<&HeadPart>| all.iter().count()).unwrap();
    assert_eq!(left, 0);
}

#[test]
fn a_joint_that_the_mesh_lacks_is_told_about_and_the_face_stays_neutral() {
    let mut wrong = rig();
    wrong.bones[0].joint = "nase".into();
    let folder = tiny_head(&wrong);
    let mut app = app(folder.path());
    let head = spawn(&mut app, "tiny.rig.ron", Lod::Full);
    let problems = app.world().resource::<Problems>().all();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("tiny.rig.ron") && problems[0].contains("`nase`"), "{}", problems[0]);
    let before = transform(&app, head, "cheek.L");
    app.world_mut().get_mut::<Face>(head).unwrap().parameters[1] = 1.0;
    app.update();
    assert_eq!(transform(&app, head, "cheek.L"), before);
}

#[test]
fn a_mesh_that_is_missing_is_told_about_once() {
    let folder = tiny_head(&rig());
    std::fs::remove_file(folder.path().join("tiny.gltf")).unwrap();
    let mut app = app(folder.path());
    let rig = app.world().resource::<AssetServer>().load("tiny.rig.ron");
    app.world_mut().spawn(LikenessHead::new(rig));
    update_until(&mut app, "the message", |world| !world.resource::<Problems>().all().is_empty());
    for _ in 0..5 {
        app.update();
    }
    let problems = app.world().resource::<Problems>().all();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("tiny.gltf") && problems[0].contains("`mesh`"), "{}", problems[0]);
}

#[test]
fn a_head_appears_once_its_broken_rig_is_mended() {
    let folder = tiny_head(&rig());
    std::fs::write(folder.path().join("tiny.rig.ron"), "()").unwrap();
    let mut app = app(folder.path());
    let server = app.world().resource::<AssetServer>().clone();
    let head = app.world_mut().spawn(LikenessHead::new(server.load("tiny.rig.ron"))).id();
    update_until(&mut app, "the message", |world| !world.resource::<Problems>().all().is_empty());
    write_rig(folder.path(), &rig());
    server.reload("tiny.rig.ron");
    update_until(&mut app, "the head", |world| world.get::<HeadParts>(head).is_some());
    assert_eq!(app.world().resource::<Problems>().all().len(), 1);
}

#[test]
fn a_rig_that_is_wrong_is_told_about_with_its_field() {
    let mut wrong = rig();
    wrong.parameters[0].drives[0].bone = "elbow".into();
    let folder = tiny_head(&wrong);
    let mut app = app(folder.path());
    let rig = app.world().resource::<AssetServer>().load("tiny.rig.ron");
    app.world_mut().spawn(LikenessHead::new(rig));
    update_until(&mut app, "the message", |world| !world.resource::<Problems>().all().is_empty());
    let problems = app.world().resource::<Problems>().all();
    assert!(problems[0].contains("tiny.rig.ron") && problems[0].contains("elbow"), "{}", problems[0]);
}

#[test]
fn a_face_s_colours_and_details_reach_its_own_skin() {
    let folder = tiny_head(&rig());
    let mut app = app(folder.path());
    let first = spawn(&mut app, "tiny.rig.ron", Lod::Full);
    let second = spawn(&mut app, "tiny.rig.ron", Lod::Full);
    let mut face = app.world_mut().get_mut::<Face>(second).unwrap();
    assert!(face.set_color(&rig(), "skin", [0.2, 0.1, 0.05]));
    assert!(face.set_detail(&rig(), "skin.freckles", 0.75) && face.set_detail(&rig(), "lipstick", 0.5));
    let details = face.details.clone();
    assert!(!face.set_detail(&rig(), "scales", 0.5) && face.details == details);
    app.update();
    let skin = |app: &App, head: Entity| {
        let material = app.world().get::<HeadMaterials>(head).unwrap().skin.id();
        app.world().resource::<Assets<SkinMaterial>>().get(material).unwrap().extension.clone()
    };
    let SkinExtension { look: plain, extra_layer, .. } = skin(&app, first);
    assert_eq!((plain.tone, plain.wear, extra_layer), (SkinLook::default().tone, SkinLook::default().wear, None));
    let look = skin(&app, second).look;
    assert!((look.tone.x - 0.2 / SKIN_REFERENCE[0]).abs() < 1e-6 && look.tone.w > 0.5, "{}", look.tone);
    assert_eq!((look.wear.y, look.lipstick), (0.75, Vec4::new(0.4, 0.02, 0.04, 0.5)));

    let scar: Handle<Image> = Handle::default();
    app.world_mut().entity_mut(first).insert(SkinLayer(scar.clone()));
    app.update();
    assert_eq!(skin(&app, first).extra_layer, Some(scar));
    assert_eq!(skin(&app, second).extra_layer, None);
    app.world_mut().entity_mut(first).remove::<SkinLayer>();
    app.update();
    assert_eq!(skin(&app, first).extra_layer, None);
}

#[test]
fn a_head_shows_the_skin_of_a_photo_until_it_is_taken_off() {
    let folder = tiny_head(&rig());
    let mut app = app(folder.path());
    let heads = [0, 1].map(|_| spawn(&mut app, "tiny.rig.ron", Lod::Full));
    app.update();
    let skin = |app: &App, head: Entity| {
        let material = app.world().get::<HeadMaterials>(head).unwrap().skin.id();
        app.world().resource::<Assets<SkinMaterial>>().get(material).unwrap().extension.photo_skin.clone()
    };
    let pixels = image::RgbaImage::from_pixel(4, 4, image::Rgba([200, 150, 120, 255]));
    let photo_skin = PhotoSkin::new(&pixels, &mut app.world_mut().resource_mut::<Assets<Image>>());
    let image = app.world().resource::<Assets<Image>>().get(&photo_skin.0).unwrap();
    assert_eq!((image.width(), image.data.as_deref()), (4, Some(pixels.as_raw().as_slice())));
    app.world_mut().entity_mut(heads[0]).insert(photo_skin.clone());
    app.update();
    assert_eq!(heads.map(|head| skin(&app, head)), [Some(photo_skin.0), None]);
    app.world_mut().entity_mut(heads[0]).remove::<PhotoSkin>();
    app.update();
    assert_eq!(skin(&app, heads[0]), None);
}

#[test]
fn an_unchanged_face_leaves_its_material_alone() {
    let folder = tiny_head(&rig());
    let mut app = app(folder.path());
    let head = spawn(&mut app, "tiny.rig.ron", Lod::Full);
    app.update();
    app.update();
    let mut cursor = app.world().resource::<Messages<AssetEvent<SkinMaterial>>>().get_cursor_current();
    app.world_mut().get_mut::<Face>(head).unwrap().parameters[0] = 0.75;
    app.update();
    app.update();
    let messages = app.world().resource::<Messages<AssetEvent<SkinMaterial>>>();
    assert_eq!(cursor.read(messages).count(), 0, "a change of shape alone sends the skin to the GPU again");
}

#[test]
fn an_edited_rig_makes_its_heads_anew() {
    let folder = tiny_head(&rig());
    let mut app = app(folder.path());
    let head = spawn(&mut app, "tiny.rig.ron", Lod::Full);
    app.world_mut().get_mut::<Face>(head).unwrap().parameters[0] = 1.0;
    app.update();
    assert!((transform(&app, head, "nose").translation.z - 0.07).abs() < 1e-6);
    let mut edited = rig();
    edited.parameters[0].drives[0].amount = 0.03;
    let handle = app.world().get::<LikenessHead>(head).unwrap().rig.clone();
    app.world_mut().resource_mut::<Assets<RigAsset>>().get_mut(&handle).unwrap().set_rig(edited).unwrap();
    app.update();
    app.update();
    assert!((transform(&app, head, "nose").translation.z - 0.09).abs() < 1e-6);
}
