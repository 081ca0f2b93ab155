// Eyes as an extension of Bevy's standard material: the iris has the face's colour and size and lies below a clear cornea.

#import bevy_pbr::{
    forward_io::{FragmentOutput, VertexOutput},
    mesh_functions,
    pbr_bindings,
    pbr_fragment::pbr_input_from_standard_material,
    pbr_functions,
}
#import bevy_likeness::look

@group(#{MATERIAL_BIND_GROUP}) @binding(100) var<uniform> eyes: look::EyeLook;

@fragment
fn fragment(in: VertexOutput, @builtin(front_facing) is_front: bool) -> FragmentOutput {
    var input = pbr_input_from_standard_material(in, is_front);
    let normal = normalize(input.world_normal);
    // Skinned meshes do not use their own transform, but it turns with the head.
    let world_from_head = mesh_functions::get_world_from_local(in.instance_index);
    let left = normalize(world_from_head[0].xyz);
    let up = normalize(world_from_head[1].xyz);
    let eye = look::eye_place(in.uv, normal, left, up);
    let place = look::refracted(eye, normal, input.V);
    let texel = textureSampleGrad(
        pbr_bindings::base_color_texture,
        pbr_bindings::base_color_sampler,
        look::from_flat(in.uv, look::sized(place, eyes)),
        dpdx(in.uv),
        dpdy(in.uv),
    ).rgb;
    input.material.base_color = vec4(look::eye_color(texel, place / eyes.iris.w, eyes), 1.0);
    input.N = look::iris_normal(eye, normal, eyes);

    var out: FragmentOutput;
    out.color = pbr_functions::apply_pbr_lighting(input);
    out.color = pbr_functions::main_pass_post_lighting_processing(input, out.color);
    return out;
}
