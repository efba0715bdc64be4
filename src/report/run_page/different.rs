//! Which of many maps to show.

/// The numbers of `count` of `maps`, in order: each time the one of which most is left once what it has in common with those before,
/// and its mean, are taken away (Gram-Schmidt with pivoting), so that none repeats another. The maps have equal lengths. Maps in which nothing
/// is left are taken last.
pub(super) fn most_different(mut maps: Vec<Vec<f32>>, count: usize) -> Vec<usize> {
    for map in &mut maps {
        let mean = map.iter().sum::<f32>() / map.len().max(1) as f32;
        map.iter_mut().for_each(|value| *value -= mean);
    }
    let energy = |map: &[f32]| map.iter().map(|value| value * value).sum::<f32>();
    let mut left: Vec<usize> = (0..maps.len()).collect();
    let mut chosen = Vec::new();
    while chosen.len() < count {
        // The first of equal ones.
        let Some(place) =
            (0..left.len()).rev().max_by(|a, b| energy(&maps[left[*a]]).total_cmp(&energy(&maps[left[*b]])))
        else {
            break;
        };
        let taken = left.remove(place);
        let norm = energy(&maps[taken]);
        let direction = maps[taken].clone();
        for i in left.iter().filter(|_| norm > 0.0 && norm.is_finite()) {
            let common = maps[*i].iter().zip(&direction).map(|(a, b)| a * b).sum::<f32>() / norm;
            maps[*i].iter_mut().zip(&direction).for_each(|(value, of)| *value -= common * of);
        }
        chosen.push(taken);
    }
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_map_is_taken_that_repeats_another() {
        let maps = vec![
            vec![0.0, 0.0, 0.0, 0.0],
            vec![4.0, 0.0, 0.0, 0.0],
            // Twice the map before, and shifted.
            vec![10.0, 2.0, 2.0, 2.0],
            vec![0.0, 0.0, 1.0, 0.0],
            vec![8.0, 0.0, 0.5, 0.0],
        ];
        assert_eq!(most_different(maps.clone(), 2), [2, 3]);
        assert_eq!(most_different(maps.clone(), 9), [0, 1, 2, 3, 4]);
        assert_eq!(most_different(Vec::new(), 2), [0usize; 0]);
        let broken = vec![vec![f32::NAN, 1.0], vec![1.0, 2.0]];
        assert_eq!(most_different(broken, 2), [0, 1]);
    }
}
