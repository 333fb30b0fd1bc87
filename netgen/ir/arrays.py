"""Arrays that the nouns hold: always read-only."""

import numpy as np
import numpy.typing as npt

__all__ = ["Bools", "frozen"]

Bools = npt.NDArray[np.bool_]


def frozen(values: npt.ArrayLike, dtype: npt.DTypeLike) -> npt.NDArray[np.generic]:
    """A read-only copy of an array; every dataclass of netgen keeps its arrays read-only.

    An array that is read-only and owns its memory, as those of other nouns, is kept without a copy.

    Raises: TypeError, for complex numbers, whose imaginary part would be lost.
    """
    if np.iscomplexobj(values):
        raise TypeError("complex numbers where real ones belong")
    if isinstance(values, np.ndarray) and values.dtype == dtype and values.flags.owndata and not values.flags.writeable:
        return values
    array = np.array(values, dtype=dtype)
    array.setflags(write=False)
    return array
