"""The 1,797 images of handwritten digits that come with scikit-learn."""

import numpy as np

from netgen.data.raw import Raw


def read_digits() -> Raw:
    """Load 8x8 images, (1797, 64) float64 from 0 to 16, of ten classes.

    Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998 (its test part).
    """
    from sklearn.datasets import load_digits

    features, labels = load_digits(return_X_y=True)
    return Raw(features, labels.astype(np.int64))
