//! The linux engine.
