"""Compares photos with the renders of their faces by dlib's face recogniser.

For every pair of a photo and a render the distance of their descriptors is taken. Printed are, for `render.png` (neutral, from the
front) and for `matched.png` (the photo's pose and expression):

AUC      the probability that a person's own render is nearer to the photo than another person's; 0.5 is chance
centred  the same by the cosine, with the mean of all photos taken from the photos and that of all renders from the renders: what all
         renders have in common, being renders, no longer counts
top 1/10 the part of photos whose own render is the nearest, or among the ten nearest
"""

import argparse
from pathlib import Path

import dlib
import face_recognition_models as models
import numpy as np

DETECTOR = dlib.get_frontal_face_detector()
POINTS = dlib.shape_predictor(models.pose_predictor_five_point_model_location())
RECOGNISER = dlib.face_recognition_model_v1(models.face_recognition_model_location())


def descriptor(path):
    """The 128 numbers of the largest face of a picture; none where no face is found."""
    picture = dlib.load_rgb_image(str(path))
    for enlarged in (0, 1):
        boxes = DETECTOR(picture, enlarged)
        if boxes:
            box = max(boxes, key=lambda box: box.area())
            return np.array(RECOGNISER.compute_face_descriptor(picture, POINTS(picture, box), 1))
    return None


def auc(own, others):
    """The probability that one of `own` is smaller than one of `others`."""
    others = np.sort(others)
    below = np.searchsorted(others, own, "left")
    ties = np.searchsorted(others, own, "right") - below
    return float(np.mean(len(others) - below - 0.5 * ties) / len(others))


def figures(distances):
    """AUC and the parts of photos whose own render is first and among ten, of distances [photos, renders]."""
    own = np.diag(distances)
    others = distances[~np.eye(len(own), dtype=bool)]
    nearer = (distances < own[:, None]).sum(axis=1)
    return auc(own, others), float(np.mean(nearer == 0)), float(np.mean(nearer < 10))


def centred_distances(photos, renders):
    """One less the cosine of descriptors, each measured from the mean of its kind."""
    photos, renders = (kind - kind.mean(axis=0) for kind in (photos, renders))
    photos, renders = (kind / np.linalg.norm(kind, axis=1, keepdims=True) for kind in (photos, renders))
    return 1.0 - photos @ renders.T


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=Path, required=True, help="what `likeness create` wrote")
    parser.add_argument("photos", metavar="PHOTO=OTHER", nargs="+", help="what the face was made of, and what it is compared with")
    arguments = parser.parse_args()
    pairs = (photo.split("=", 1) for photo in arguments.photos)
    seen = {Path(photo).stem: descriptor(other) for photo, other in pairs}
    for picture in ("render.png", "matched.png"):
        pairs = []
        for stem, photo in seen.items():
            path = arguments.faces / stem / picture
            render = descriptor(path) if path.exists() else None
            if photo is not None and render is not None:
                pairs.append((photo, render))
        photos, renders = (np.array(kind) for kind in zip(*pairs))
        plain = figures(np.linalg.norm(photos[:, None] - renders[None], axis=2))
        centred = figures(centred_distances(photos, renders))
        print(f"{picture:<12} {len(pairs)} of {len(seen)} people")
        for name, (area, first, ten) in (("plain", plain), ("centred", centred)):
            print(f"  {name:<8} AUC {area:.3f}   top 1 {100 * first:.1f} %   top 10 {100 * ten:.1f} %")


if __name__ == "__main__":
    main()
