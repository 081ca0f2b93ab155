//! Hair, brows, beards and glasses: the meshes of the choices that a face makes.

use std::collections::HashMap;
use std::sync::Arc;

use bevy::asset::LoadState;
use bevy::gltf::{Gltf, GltfLoaderSettings};
use bevy::prelude::*;

use crate::error::{LikenessError, LikenessProblem, file_name};
use crate::gpu::{UNUSED, use_mesh};
use crate::head::{Face, HeadJoints, HeadParts, LikenessHead, PendingOptions};
use crate::plan::{GltfAssets, OptionPlan, parts_at};
use crate::rig_asset::RigAsset;
use crate::spawn::spawn_part;

/// What a head wears of one option.
#[derive(Default, Debug)]
struct Worn {
    /// The choice that the entities belong to; `None` before the first.
    choice: Option<usize>,
    entities: Vec<Entity>,
}

/// What a head wears, an option each.
#[derive(Component, Default, Debug)]
pub(crate) struct HeadOptions(Vec<Worn>);

impl HeadOptions {
    /// All mesh entities.
    pub(crate) fn entities(&self) -> impl Iterator<Item = Entity> {
        self.0.iter().flat_map(|worn| worn.entities.iter().copied())
    }
}

/// A mesh of a choice that is loaded or being loaded.
#[derive(Debug)]
struct OptionMesh {
    gltf: Handle<Gltf>,
    plan: Option<Arc<OptionPlan>>,
}

/// The meshes of choices that have been asked for, by rig and by what the rig calls them.
#[derive(Resource, Default, Debug)]
pub(crate) struct OptionMeshes(HashMap<(AssetId<RigAsset>, String), OptionMesh>);

impl OptionMeshes {
    pub(crate) fn forget(&mut self, rig: AssetId<RigAsset>) {
        self.retain(|known| known != rig);
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(AssetId<RigAsset>) -> bool) {
        self.0.retain(|(rig, _), _| keep(*rig));
    }
}

/// A mesh that was asked for.
enum Asked {
    Ready(Arc<OptionPlan>),
    Waiting,
    Failed(LikenessProblem),
}

impl OptionMeshes {
    fn ask(
        &mut self,
        rig: (AssetId<RigAsset>, &RigAsset),
        option: &str,
        mesh: &str,
        joints: &HeadJoints,
        server: &AssetServer,
        assets: &GltfAssets,
    ) -> Asked {
        let Some(path) = rig.1.option_meshes.get(mesh) else {
            let file = file_name(server.get_path(rig.0));
            return Asked::Failed(LikenessProblem::BadPath { file, field: "options.meshes", path: mesh.to_owned() });
        };
        let asked = self.0.entry((rig.0, mesh.to_owned())).or_insert_with(|| OptionMesh {
            gltf: server
                .load_builder()
                .with_settings(|settings: &mut GltfLoaderSettings| settings.load_meshes = UNUSED)
                .load(path.clone()),
            plan: None,
        });
        if let Some(plan) = &asked.plan {
            return Asked::Ready(Arc::clone(plan));
        }
        let Some(gltf) = assets.gltfs.get(&asked.gltf) else {
            return match server.get_load_state(&asked.gltf) {
                Some(LoadState::Failed(error)) => Asked::Failed(LikenessProblem::AssetFailed {
                    file: path.to_string(),
                    field: "options.meshes",
                    problem: error.to_string(),
                }),
                _ => Asked::Waiting,
            };
        };
        match OptionPlan::new(gltf, option, joints.names(), Some(path.clone()), assets) {
            Ok(plan) => {
                let plan = Arc::new(plan);
                asked.plan = Some(Arc::clone(&plan));
                Asked::Ready(plan)
            }
            Err(problem) => Asked::Failed(problem),
        }
    }
}

/// Puts on what faces have chosen anew. A choice that is being loaded replaces the old one when it is there.
pub(crate) fn wear_options(
    mut heads: Query<
        (Entity, &LikenessHead, &Face, &HeadJoints, &mut HeadParts, &mut HeadOptions, Has<PendingOptions>),
        Or<(Changed<Face>, Added<HeadOptions>, With<PendingOptions>)>,
    >,
    rigs: Res<Assets<RigAsset>>,
    server: Res<AssetServer>,
    mut assets: GltfAssets,
    mut meshes: ResMut<OptionMeshes>,
    mut commands: Commands,
) {
    for (entity, head, face, joints, mut parts, mut worn, was_pending) in &mut heads {
        let Some(rig) = rigs.get(&head.rig) else {
            continue;
        };
        let mut pending = false;
        for (index, option) in rig.rig().options.iter().enumerate() {
            let chosen = face.options.get(index).copied().filter(|choice| *choice < option.choices.len());
            let now = worn.0.get(index).and_then(|worn| worn.choice);
            if chosen.is_none() || now == chosen {
                continue;
            }
            let plan = match chosen.and_then(|choice| option.mesh(choice)) {
                None => None,
                Some(mesh) => match meshes.ask((head.rig.id(), rig), &option.name, mesh, joints, &server, &assets) {
                    Asked::Ready(plan) => Some(plan),
                    Asked::Waiting => {
                        pending = true;
                        continue;
                    }
                    Asked::Failed(problem) => {
                        commands.trigger(LikenessError { entity, problem });
                        None
                    }
                },
            };
            if worn.0.len() <= index {
                worn.0.resize_with(index + 1, Worn::default);
            }
            let worn = &mut worn.0[index];
            for old in worn.entities.drain(..) {
                parts.remove(old);
                commands.entity(old).try_despawn();
            }
            worn.choice = chosen;
            let Some(plan) = plan else {
                continue;
            };
            for part in parts_at(&plan.parts, head.lod) {
                use_mesh(&mut assets.meshes, &part.mesh);
                let parent = part.joint.and_then(|joint| joints.at(joint)).unwrap_or(entity);
                let spawned = spawn_part(entity, parent, part, &plan.skins, |joint| joints.at(joint), &mut commands);
                parts.push(part.name.clone(), spawned);
                worn.entities.push(spawned);
            }
        }
        if pending && !was_pending {
            commands.entity(entity).insert(PendingOptions);
        } else if was_pending && !pending {
            commands.entity(entity).remove::<PendingOptions>();
        }
    }
}
