//! The flow hash of a packet.

use super::flow::Flow;
use crate::helpers::{Outcome, low32, skb_mut};
use crate::run::Run;

/// `bpf_get_hash_recalc(skb)`: the flow hash, computed now if it is not known.
///
/// It is the same for both directions of a flow and never 0 when computed.
pub(in crate::helpers) fn recalc(run: &mut Run<'_>, [ctx, ..]: [u64; 5]) -> Outcome {
    let skb = skb_mut(run, ctx)?;
    if !skb.hash_valid {
        skb.hash = Flow::of(skb).hash();
        skb.hash_valid = true;
    }
    Ok(u64::from(skb.hash))
}

/// `bpf_set_hash_invalid(skb)`: forgets the flow hash. Returns 0.
pub(in crate::helpers) fn invalidate(run: &mut Run<'_>, [ctx, ..]: [u64; 5]) -> Outcome {
    let skb = skb_mut(run, ctx)?;
    skb.hash = 0;
    skb.hash_valid = false;
    Ok(0)
}

/// `bpf_set_hash(skb, hash)`: sets the flow hash. Returns 0.
pub(in crate::helpers) fn set(run: &mut Run<'_>, [ctx, hash, ..]: [u64; 5]) -> Outcome {
    let skb = skb_mut(run, ctx)?;
    skb.hash = low32(hash);
    skb.hash_valid = true;
    Ok(0)
}
