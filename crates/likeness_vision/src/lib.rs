//! From a photo to an aligned face crop and a face.
