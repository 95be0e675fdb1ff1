//! Values with references in them, as steps take them for input.
