//! Which bytes of one message are there: disjoint spans in order.
//!
//! Small by design: a message of the largest size travels in some 60 parts. Knows nothing of messages.
//! Invariant: spans are sorted, not empty, and neither overlap nor touch.

/// Where one begins, and where it ends.
pub(super) type Span = (u32, u32);

/// Spans of bytes. Holds no memory while empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spans(Vec<Span>);

impl Spans {
    /// Adds `start..end`, joined with what it overlaps or touches.
    pub(super) fn insert(&mut self, start: u32, end: u32) {
        if start >= end {
            return;
        }
        let from = self.0.partition_point(|&(_, e)| e < start);
        let to = self.0.partition_point(|&(s, _)| s <= end);
        let joined = self
            .0
            .get(from..to)
            .unwrap_or_default()
            .iter()
            .fold((start, end), |(s, e), &(start, end)| (s.min(start), e.max(end)));
        self.0.splice(from..to, [joined]);
    }

    /// Whether all of `start..end` is there.
    pub(super) fn covers(&self, start: u32, end: u32) -> bool {
        let at = self.0.partition_point(|&(_, e)| e < end);
        start >= end || self.0.get(at).is_some_and(|&(s, e)| s <= start && end <= e)
    }

    /// The pieces of `start..end` that are there.
    pub(super) fn overlaps(&self, start: u32, end: u32) -> impl Iterator<Item = Span> + '_ {
        let from = self.0.partition_point(|&(_, e)| e <= start);
        let rest = self.0.get(from..).unwrap_or_default();
        rest.iter()
            .take_while(move |&&(s, _)| s < end)
            .map(move |&(s, e)| (s.max(start), e.min(end)))
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn spans_say_what_a_list_of_bytes_says(inserts in prop::collection::vec((0u32..60, 0u32..12), 0..20)) {
            let mut spans = Spans::default();
            let mut bytes = [false; 80];
            for (start, len) in inserts {
                spans.insert(start, start + len);
                bytes[start as usize..(start + len) as usize].fill(true);
                prop_assert!(spans.0.windows(2).all(|pair| pair[0].1 < pair[1].0));
                for from in 0..75 {
                    for to in from..(from + 5) {
                        let naive = bytes[from as usize..to as usize].iter().all(|&b| b);
                        prop_assert_eq!(spans.covers(from, to), naive, "{}..{}", from, to);
                        let there: usize = spans.overlaps(from, to).map(|(s, e)| (e - s) as usize).sum();
                        let count = bytes[from as usize..to as usize].iter().filter(|&&b| b).count();
                        prop_assert_eq!(there, count);
                    }
                }
            }
        }
    }
}
