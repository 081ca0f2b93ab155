//! Face rigs, faces, priors, skinning and projection.
