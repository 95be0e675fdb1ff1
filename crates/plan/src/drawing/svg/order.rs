//! The order of each layer: everything as near to its neighbours above and below as it can be.

/// How often the layers are gone through, down and up.
const SWEEPS: usize = 4;

/// Puts rows in order. `pairs` are joined items, the upper one first.
pub(super) fn settle(rows: &mut [Vec<usize>], pairs: &[(usize, usize)], items: usize) {
    let (above, below) = neighbours(pairs, items);
    let mut place = vec![0; items];
    rows.iter().for_each(|row| note(row, &mut place));
    for sweep in 0..SWEEPS {
        let (is_down, near) = if sweep % 2 == 0 { (true, &above) } else { (false, &below) };
        for at in 0..rows.len() {
            let row = if is_down { at } else { rows.len() - 1 - at };
            // Thousandths of a place, so that the order is that of whole numbers.
            rows[row].sort_by_cached_key(|item| {
                let places = near[*item].iter().map(|other| place[*other] * 1_000);
                let sum: usize = places.sum();
                sum.checked_div(near[*item].len()).unwrap_or(place[*item] * 1_000)
            });
            note(&rows[row], &mut place);
        }
    }
}

/// For each item, those above and those below that it is joined with.
pub(super) fn neighbours(pairs: &[(usize, usize)], items: usize) -> (Vec<Vec<usize>>, Vec<Vec<usize>>) {
    let (mut above, mut below) = (vec![Vec::new(); items], vec![Vec::new(); items]);
    for (upper, lower) in pairs {
        above[*lower].push(*upper);
        below[*upper].push(*lower);
    }
    (above, below)
}

fn note(row: &[usize], place: &mut [usize]) {
    for (at, item) in row.iter().enumerate() {
        place[*item] = at;
    }
}
