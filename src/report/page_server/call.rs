//! A call on its way to the engine.

use crate::page::Reply;
use std::sync::mpsc::Sender;

/// What a call comes to: a reply, or a status and a text.
pub(super) type Answer = std::result::Result<Reply, (u16, String)>;

/// A call's body, and where its answer goes.
pub(super) type Call = (Vec<u8>, Sender<Answer>);
