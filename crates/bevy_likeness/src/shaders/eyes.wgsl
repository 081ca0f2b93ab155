// Eyes as an extension of Bevy's standard material: the iris has the face's colour and size and lies below a clear cornea.

#import bevy_pbr::{
    forward_io::{FragmentOutput, VertexOutput},
    mesh_view_bindings as view_bindings,
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
    let frame = look::eye_frame(in.uv, in.world_position.xyz, normal);
    var place = look::refracted(frame.place, frame.across, frame.down, normal, input.V);
    let uv = look::from_flat_eye(in.uv, look::sized(place, eyes));
    let texel = textureSampleBias(
        pbr_bindings::base_color_texture,
        pbr_bindings::base_color_sampler,
        uv,
        view_bindings::view.mip_bias,
    ).rgb;
    input.material.base_color = vec4(look::eye_color(texel, place / eyes.iris.w, eyes), 1.0);
    // The iris is a bowl: it is lit from the side across from the lamp.
    input.N = look::iris_normal(frame, normal, eyes);

    var out: FragmentOutput;
    out.color = pbr_functions::apply_pbr_lighting(input);
    out.color = pbr_functions::main_pass_post_lighting_processing(input, out.color);
    return out;
}
