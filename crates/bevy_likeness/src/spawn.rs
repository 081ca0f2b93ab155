//! Heads appear: joints and meshes are spawned once the rig and its mesh are loaded.

use std::collections::HashMap;
use std::sync::Arc;

use bevy::animation::AnimatedBy;
use bevy::asset::{LoadState, UntypedAssetId};
use bevy::camera::visibility::{DynamicSkinnedMeshBounds, NoFrustumCulling, RenderLayers};
use bevy::gltf::{Gltf, GltfMaterial};
use bevy::mesh::morph::MeshMorphWeights;
use bevy::mesh::skinning::SkinnedMesh;
use bevy::prelude::*;

use crate::LikenessSystems;
use crate::apply::{ShapeJoint, ShapeState};
use crate::error::{LikenessError, LikenessProblem, file_name};
use crate::gpu::{help_renderer, use_mesh};
use crate::head::{Face, HeadJoints, HeadPart, HeadParts, HeadReady, LikenessHead, PendingOptions, relaxed};
use crate::options::{HeadOptions, OptionMeshes, wear_options};
use crate::plan::{GltfAssets, HeadPlan, MorphOrder, PlannedPart, PlannedSkin, parts_at};
use crate::rig_asset::RigAsset;

/// Spawns the joints and meshes of every [`LikenessHead`] whose assets are loaded, and takes them away again.
#[derive(Clone, Copy, Debug, Default)]
pub struct LikenessSpawnPlugin;

impl Plugin for LikenessSpawnPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<HeadPlans>()
            .init_resource::<OptionMeshes>()
            .add_observer(take_away_removed)
            .add_observer(log_problem)
            .add_systems(
                PostUpdate,
                (take_away_changed, spawn_heads, wear_options, share_layers).chain().in_set(LikenessSystems::Spawn),
            );
    }

    fn finish(&self, app: &mut App) {
        help_renderer(app);
    }
}

/// The parts of a head are seen where the head is: Bevy does not inherit layers.
fn share_layers(
    parts: Query<(Entity, Ref<HeadPart>)>,
    heads: Query<Ref<RenderLayers>, With<LikenessHead>>,
    mut commands: Commands,
) {
    if heads.is_empty() {
        return;
    }
    for (part, of) in &parts {
        if let Ok(layers) = heads.get(of.head)
            && (of.is_added() || layers.is_changed())
        {
            commands.entity(part).insert(RenderLayers::clone(&layers));
        }
    }
}

/// The entities directly below a head that belong to it.
#[derive(Component, Debug)]
pub(crate) struct HeadRoots(Vec<Entity>);

/// The head cannot be made; cleared when its rig, its mesh or its level of detail changes.
#[derive(Component, Debug)]
pub(crate) struct HeadFailed {
    /// The asset that did not load: its arrival is a change.
    missing: Option<UntypedAssetId>,
}

/// How a part's morph targets are numbered, when not as ARKit's.
#[derive(Component, Debug)]
pub(crate) struct PartMorphs(pub(crate) Arc<[Option<usize>]>);

/// The glTF material that a part came with.
#[derive(Component, Debug)]
pub(crate) struct SourceMaterial(pub(crate) Handle<GltfMaterial>);

/// The plans of the rigs in use.
#[derive(Resource, Default, Debug)]
pub(crate) struct HeadPlans(HashMap<AssetId<RigAsset>, Arc<HeadPlan>>);

fn log_problem(error: On<LikenessError>) {
    warn!("{}", error.problem);
}

fn take_away_removed(
    removed: On<Remove, LikenessHead>,
    roots: Query<(&HeadRoots, Option<&HeadOptions>)>,
    mut commands: Commands,
) {
    if let Ok((roots, options)) = roots.get(removed.entity) {
        take_away(removed.entity, Some(roots), options, &mut commands);
    }
}

fn take_away(head: Entity, roots: Option<&HeadRoots>, options: Option<&HeadOptions>, commands: &mut Commands) {
    let worn = options.into_iter().flat_map(HeadOptions::entities);
    for root in roots.into_iter().flat_map(|roots| roots.0.iter().copied()).chain(worn) {
        if let Ok(mut root) = commands.get_entity(root) {
            root.try_despawn();
        }
    }
    if let Ok(mut head) = commands.get_entity(head) {
        head.try_remove::<(HeadRoots, HeadFailed, HeadJoints, HeadParts, ShapeState, HeadOptions, PendingOptions)>();
    }
}

/// A changed head, a changed rig or a changed mesh: begin anew.
fn take_away_changed(
    heads: Query<
        (Entity, Ref<LikenessHead>, Option<&HeadRoots>, Option<&HeadOptions>, Option<&HeadFailed>),
        Or<(With<HeadRoots>, With<HeadFailed>)>,
    >,
    rigs: Res<Assets<RigAsset>>,
    mut rig_events: MessageReader<AssetEvent<RigAsset>>,
    mut mesh_events: MessageReader<AssetEvent<Gltf>>,
    mut plans: ResMut<HeadPlans>,
    mut option_meshes: ResMut<OptionMeshes>,
    mut commands: Commands,
) {
    let (mut changed, mut added) = (Vec::<UntypedAssetId>::new(), Vec::<UntypedAssetId>::new());
    for event in rig_events.read() {
        match event {
            AssetEvent::Added { id } => added.push((*id).into()),
            AssetEvent::Modified { id } => changed.push((*id).into()),
            AssetEvent::Removed { id } => {
                plans.0.remove(id);
                option_meshes.forget(*id);
            }
            _ => {}
        }
    }
    for event in mesh_events.read() {
        match event {
            AssetEvent::Added { id } => added.push((*id).into()),
            AssetEvent::Modified { id } => changed.push((*id).into()),
            _ => {}
        }
    }
    let is_changed = |rig: AssetId<RigAsset>| {
        let mesh = || rigs.get(rig).is_some_and(|asset| changed.contains(&asset.mesh.id().into()));
        !changed.is_empty() && (changed.contains(&rig.into()) || mesh())
    };
    plans.0.retain(|&rig, _| !is_changed(rig));
    option_meshes.retain(|rig| !is_changed(rig));
    for (entity, head, roots, options, failed) in &heads {
        let has_come = failed.and_then(|failed| failed.missing).is_some_and(|missing| added.contains(&missing));
        if has_come || head.is_changed() || is_changed(head.rig.id()) {
            take_away(entity, roots, options, &mut commands);
        }
    }
}

fn spawn_heads(
    heads: Query<(Entity, &LikenessHead, Option<&Face>), (Without<HeadRoots>, Without<HeadFailed>)>,
    rigs: Res<Assets<RigAsset>>,
    server: Res<AssetServer>,
    mut assets: GltfAssets,
    mut plans: ResMut<HeadPlans>,
    mut commands: Commands,
) {
    for (entity, head, face) in &heads {
        let mut fail = |problem, missing| {
            commands.entity(entity).insert(HeadFailed { missing });
            commands.trigger(LikenessError { entity, problem });
        };
        let Some(rig) = rigs.get(&head.rig) else {
            if let Some(LoadState::Failed(error)) = server.get_load_state(&head.rig) {
                let file = file_name(server.get_path(&head.rig));
                let problem = LikenessProblem::AssetFailed { file, field: "rig", problem: error.to_string() };
                fail(problem, Some(head.rig.id().into()));
            }
            continue;
        };
        if !assets.gltfs.contains(&rig.mesh) {
            if let Some(LoadState::Failed(error)) = server.get_load_state(&rig.mesh) {
                let file = file_name(server.get_path(&rig.mesh));
                let problem = LikenessProblem::AssetFailed { file, field: "mesh", problem: error.to_string() };
                fail(problem, Some(rig.mesh.id().into()));
            }
            continue;
        }
        let plan = match plans.0.get(&head.rig.id()) {
            Some(plan) => Arc::clone(plan),
            None => match HeadPlan::new(rig, server.get_path(&head.rig), server.get_path(&rig.mesh), &assets) {
                Ok(plan) => {
                    let plan = Arc::new(plan);
                    plans.0.insert(head.rig.id(), Arc::clone(&plan));
                    plan
                }
                Err(problem) => {
                    fail(problem, None);
                    continue;
                }
            },
        };
        for part in parts_at(&plan.parts, head.lod) {
            use_mesh(&mut assets.meshes, &part.mesh);
        }
        spawn_head(entity, head, &plan, &mut commands);
        if face.is_none() {
            commands.entity(entity).insert(Face::neutral(rig.rig()));
        }
        if !plan.missing.is_empty() {
            let problem = LikenessProblem::MissingJoints { file: plan.file.clone(), joints: plan.missing.clone() };
            commands.trigger(LikenessError { entity, problem });
        }
        commands.trigger(HeadReady { entity });
    }
}

fn spawn_head(head: Entity, settings: &LikenessHead, plan: &Arc<HeadPlan>, commands: &mut Commands) {
    let mut roots = Vec::new();
    let mut joints: Vec<Entity> = Vec::with_capacity(plan.joints.len());
    for (joint, name) in plan.joints.iter().zip(plan.names.iter()) {
        let parent = joint.parent.map_or(head, |parent| joints[parent]);
        let mut entity = commands.spawn((Name::new(name.clone()), joint.rest, ChildOf(parent)));
        if joint.visible {
            entity.insert(Visibility::default());
        }
        if let Some(target) = joint.target {
            entity.insert((target, AnimatedBy(head)));
        }
        if let Some(bone) = joint.bone {
            entity.insert(ShapeJoint { head, bone });
        }
        let entity = entity.id();
        joints.push(entity);
        if joint.parent.is_none() {
            roots.push(entity);
        }
    }
    let mut parts = HeadParts::default();
    for part in parts_at(&plan.parts, settings.lod) {
        let parent = part.joint.map_or(head, |joint| joints[joint]);
        let entity = spawn_part(head, parent, part, &plan.skins, |joint| Some(joints[joint]), commands);
        parts.push(part.name.clone(), entity);
        if parent == head {
            roots.push(entity);
        }
    }
    let bones: Vec<Entity> = plan.bones.iter().map(|&joint| joints[joint]).collect();
    commands.entity(head).insert((
        HeadJoints::new(joints, bones, Arc::clone(&plan.names)),
        parts,
        HeadRoots(roots),
        ShapeState::new(Arc::clone(plan)),
        HeadOptions::default(),
        relaxed(),
    ));
}

/// Spawns a mesh below `parent`; `joint` finds the entities of the head's joints.
pub(crate) fn spawn_part(
    head: Entity,
    parent: Entity,
    part: &PlannedPart,
    skins: &[PlannedSkin],
    joint: impl Fn(usize) -> Option<Entity>,
    commands: &mut Commands,
) -> Entity {
    let mut entity = commands.spawn((
        Name::new(part.name.clone()),
        HeadPart { head, name: part.name.clone() },
        Mesh3d(part.mesh.clone()),
        part.transform,
        ChildOf(parent),
    ));
    if let Some(material) = &part.material {
        entity.insert(SourceMaterial(material.clone()));
    }
    if let Some(skin) = part.skin {
        let skin = &skins[skin];
        entity.insert(SkinnedMesh {
            inverse_bindposes: skin.inverse_bindposes.clone(),
            joints: skin.joints.iter().filter_map(|&index| joint(index)).collect(),
        });
        // Bevy's bounds of skinned meshes follow the joints but not the morph targets.
        match part.morphs {
            MorphOrder::None => entity.insert(DynamicSkinnedMeshBounds),
            _ => entity.insert(NoFrustumCulling),
        };
    }
    match &part.morphs {
        MorphOrder::None => {}
        MorphOrder::Arkit => {
            entity.insert(MeshMorphWeights::Reference(head));
        }
        MorphOrder::Other(order) => {
            entity.insert((MeshMorphWeights::Value { weights: vec![0.0; order.len()] }, PartMorphs(Arc::clone(order))));
        }
    }
    entity.id()
}
