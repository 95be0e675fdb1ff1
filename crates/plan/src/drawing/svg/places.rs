//! Horizontal places: each layer is moved towards its neighbours, and nothing touches.

use super::layout::{Item, number};
use super::order::neighbours;

/// Least space between two boxes of a layer.
const SPACE: f64 = 28.0;

/// How often the layers are gone through, down and up.
const SWEEPS: usize = 8;

/// Places the items of rows. `pairs` are joined items, the upper one first.
pub(super) fn settle(items: &mut [Item], rows: &[Vec<usize>], pairs: &[(usize, usize)]) {
    let (above, below) = neighbours(pairs, items.len());
    for row in rows {
        let wanted = vec![0.0; row.len()];
        place(items, row, &wanted);
    }
    for sweep in 0..SWEEPS {
        let (is_down, near) = if sweep % 2 == 0 { (true, &above) } else { (false, &below) };
        for at in 0..rows.len() {
            let row = &rows[if is_down { at } else { rows.len() - 1 - at }];
            let wanted = row.iter().map(|item| middle(items, &near[*item]).unwrap_or(items[*item].x));
            let wanted: Vec<_> = wanted.collect();
            place(items, row, &wanted);
        }
    }
}

fn middle(items: &[Item], near: &[usize]) -> Option<f64> {
    let sum: f64 = near.iter().map(|item| items[*item].x).sum();
    (!near.is_empty()).then(|| sum / number(near.len()))
}

/// Puts a row as near to where it wants to be as it can, in the middle of going from the left and going from the right:
/// neither touches, so what lies between them does not either.
fn place(items: &mut [Item], row: &[usize], wanted: &[f64]) {
    let apart = |a: usize, b: usize| f64::midpoint(items[row[a]].width, items[row[b]].width) + SPACE;
    let mut left = wanted.to_vec();
    for at in 1..row.len() {
        left[at] = left[at].max(left[at - 1] + apart(at - 1, at));
    }
    let mut right = wanted.to_vec();
    for at in (1..row.len()).rev() {
        right[at - 1] = right[at - 1].min(right[at] - apart(at - 1, at));
    }
    for (at, item) in row.iter().enumerate() {
        items[*item].x = f64::midpoint(left[at], right[at]);
    }
}
