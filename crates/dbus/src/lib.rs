//! The D-Bus door.
