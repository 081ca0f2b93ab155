// Skin as an extension of Bevy's standard material: its texture is coloured by a face's numbers, wrinkles are added to its
// relief, and light bleeds past the terminator.
//
// SKIN_SIMPLE, for WebGL2-class hardware: no relief of wrinkles, and light bleeds from directional lights only, without
// shadows of its own.

#import bevy_pbr::{
    forward_io::{FragmentOutput, VertexOutput},
    mesh_types::MESH_FLAGS_SHADOW_RECEIVER_BIT,
    mesh_view_bindings as view_bindings,
    mesh_view_types,
    pbr_bindings,
    pbr_fragment::pbr_input_from_standard_material,
    pbr_functions,
    pbr_types,
}
#import bevy_likeness::look
#ifndef SKIN_SIMPLE
#import bevy_pbr::{clustered_forward as clustering, lighting, shadows}
#endif

@group(#{MATERIAL_BIND_GROUP}) @binding(100) var<uniform> skin: look::SkinLook;
#ifdef SKIN_LAYERS
@group(#{MATERIAL_BIND_GROUP}) @binding(101) var layers: texture_2d_array<f32>;
#endif
#ifdef SKIN_EXTRA_LAYER
@group(#{MATERIAL_BIND_GROUP}) @binding(102) var extra_layer: texture_2d<f32>;
#endif
#ifdef SKIN_PHOTO
@group(#{MATERIAL_BIND_GROUP}) @binding(103) var photo_skin: texture_2d<f32>;
#endif

// The radius of a head, metres: how far light may travel through flesh before it comes out on the dark side.
const RADIUS: f32 = 0.09;

@fragment
fn fragment(in: VertexOutput, @builtin(front_facing) is_front: bool) -> FragmentOutput {
    var input = pbr_input_from_standard_material(in, is_front);
    var base = vec3(0.0);
    var color = input.material.base_color.rgb;
#ifdef SKIN_LAYERS
    base = sample_layer(in.uv, 0);
    let made = sample_layer(in.uv, 1);
    let wrinkles = sample_layer(in.uv, 2);
#endif
#ifdef SKIN_PHOTO
    let photo = textureSampleBias(photo_skin, pbr_bindings::base_color_sampler, in.uv, view_bindings::view.mip_bias);
    color = mix(color, photo.rgb, photo.a);
#endif
    color = look::skin_color(color, base, skin.tone, skin.lips.rgb, skin.wear);
#ifdef SKIN_LAYERS
    color = look::skin_made_up(color, base, made, wrinkles.b, skin);
#ifndef SKIN_SIMPLE
#ifdef VERTEX_TANGENTS
    let across = normalize(in.world_tangent.xyz);
    let up = normalize(cross(in.world_normal, in.world_tangent.xyz)) * in.world_tangent.w;
    let smooth_normal = normalize(input.world_normal);
    let slope = (wrinkles.rg * 2.0 - 1.0) * skin.wear.z;
    let relief = (input.N - smooth_normal) * look::pores(skin.wear);
    input.N = normalize(smooth_normal + relief + across * slope.x + up * slope.y);
#endif
#endif
#endif
#ifdef SKIN_EXTRA_LAYER
    let extra = textureSampleBias(extra_layer, pbr_bindings::base_color_sampler, in.uv, view_bindings::view.mip_bias);
    color = mix(color, extra.rgb, extra.a * skin.paint.w);
#endif
    input.material.base_color = vec4(color, input.material.base_color.a);
    let roughness = look::skin_roughness(input.material.perceptual_roughness, skin.paint.x);
    input.material.perceptual_roughness = look::lipstick_roughness(roughness, base, skin);

    var out: FragmentOutput;
    if (input.material.flags & pbr_types::STANDARD_MATERIAL_FLAGS_UNLIT_BIT) == 0u {
        out.color = pbr_functions::apply_pbr_lighting(input);
        out.color += vec4(bled(input) * view_bindings::view.exposure, 0.0);
    } else {
        out.color = input.material.base_color;
    }
    out.color = pbr_functions::main_pass_post_lighting_processing(input, out.color);
    return out;
}

#ifdef SKIN_LAYERS
fn sample_layer(uv: vec2<f32>, layer: i32) -> vec3<f32> {
    return textureSampleBias(
        layers,
        pbr_bindings::base_color_sampler,
        uv,
        layer,
        view_bindings::view.mip_bias,
    ).rgb;
}
#endif

// What scattering adds to the diffuse light of one lamp.
fn bleeding(facing: f32) -> vec3<f32> {
    return look::scattered(facing, look::skin_bleed(skin.tone)) - vec3(saturate(facing));
}

// The place where light of this direction entered the flesh, where shadows are looked up: on the dark side the head's own
// shadow is no shadow.
fn entry(position: vec4<f32>, facing: f32, direction: vec3<f32>) -> vec4<f32> {
    let way = 2.0 * RADIUS * saturate(0.15 - facing);
    return vec4(position.xyz + direction * way, position.w);
}

// The light that scattering brings past the terminator, and takes from where it came.
fn bled(input: pbr_types::PbrInput) -> vec3<f32> {
    let albedo = input.material.base_color.rgb / 3.14159265;
    var sum = vec3(0.0);
    let view_z = dot(vec4(
        view_bindings::view.view_from_world[0].z,
        view_bindings::view.view_from_world[1].z,
        view_bindings::view.view_from_world[2].z,
        view_bindings::view.view_from_world[3].z
    ), input.world_position);
    for (var i = 0u; i < view_bindings::lights.n_directional_lights; i++) {
        let direction = view_bindings::lights.directional_lights[i].direction_to_light.xyz;
        let facing = dot(input.N, direction);
        var shadow = 1.0;
#ifndef SKIN_SIMPLE
        let flags = view_bindings::lights.directional_lights[i].flags;
        if (input.flags & MESH_FLAGS_SHADOW_RECEIVER_BIT) != 0u
            && (flags & mesh_view_types::DIRECTIONAL_LIGHT_FLAGS_SHADOWS_ENABLED_BIT) != 0u {
            let place = entry(input.world_position, facing, direction);
            shadow = shadows::fetch_directional_shadow(i, place, input.world_normal, view_z, input.frag_coord.xy);
        }
#endif
        sum += bleeding(facing) * view_bindings::lights.directional_lights[i].color.rgb * shadow;
    }
#ifndef SKIN_SIMPLE
    let cluster = clustering::view_fragment_cluster_index(input.frag_coord.xy, view_z, input.is_orthographic);
    let ranges = clustering::unpack_clusterable_object_index_ranges(cluster);
    for (var i = ranges.first_point_light_index_offset; i < ranges.first_reflection_probe_index_offset; i++) {
        let id = clustering::get_clusterable_object_id(i);
        let lamp = &view_bindings::clustered_lights.data[id];
        let way = (*lamp).position_radius.xyz - input.world_position.xyz;
        let square = dot(way, way);
        let direction = way * inverseSqrt(max(square, 1e-6));
        let facing = dot(input.N, direction);
        var reach = lighting::getDistanceAttenuation(square, (*lamp).color_inverse_square_range.w);
        let is_spot = i >= ranges.first_spot_light_index_offset;
        if is_spot {
            // As in Bevy's `spot_light`.
            var axis = vec3((*lamp).light_custom_data.x, 0.0, (*lamp).light_custom_data.y);
            axis.y = sqrt(max(0.0, 1.0 - axis.x * axis.x - axis.z * axis.z));
            if ((*lamp).flags & mesh_view_types::POINT_LIGHT_FLAGS_SPOT_LIGHT_Y_NEGATIVE) != 0u {
                axis.y = -axis.y;
            }
            let cone = saturate(dot(-axis, direction) * (*lamp).light_custom_data.z + (*lamp).light_custom_data.w);
            reach *= cone * cone;
        }
        var shadow = 1.0;
        if (input.flags & MESH_FLAGS_SHADOW_RECEIVER_BIT) != 0u
            && ((*lamp).flags & mesh_view_types::POINT_LIGHT_FLAGS_SHADOWS_ENABLED_BIT) != 0u {
            let place = entry(input.world_position, facing, direction);
            if is_spot {
                shadow = shadows::fetch_spot_shadow(
                    id, place, input.world_normal, (*lamp).shadow_map_near_z, input.frag_coord.xy);
            } else {
                shadow = shadows::fetch_point_shadow(id, place, input.world_normal, input.frag_coord.xy);
            }
        }
        sum += bleeding(facing) * (*lamp).color_inverse_square_range.rgb * (reach * shadow);
    }
#endif
    return albedo * sum;
}
