//! Names beside points, where there is room.

use crate::picture::text::{Weight, width};

const SIZE: f64 = 12.0;
/// From a point to its name.
const AWAY: f64 = 9.0;

/// Left, top, right, bottom.
pub type Area = (f64, f64, f64, f64);

/// Where names can stand beside their points, within a frame, clear of one another and of what is drawn
/// already; none where there is no room. The place is that of the left end of the base line.
pub fn places(
    points: &[((f64, f64), &str)],
    frame: Area,
    drawn: &[Area],
) -> Vec<Option<(f64, f64)>> {
    let mut taken: Vec<Area> = points.iter().map(|((x, y), _)| around(*x, *y, 7.0)).collect();
    taken.extend(drawn);
    let place = |(number, ((x, y), name)): (usize, &((f64, f64), &str)), taken: &mut Vec<Area>| {
        let wide = width(name, SIZE, Weight::Regular);
        let candidates = [
            (x + AWAY, y + 4.0),
            (x - AWAY - wide, y + 4.0),
            (x + AWAY, y - AWAY + 3.0),
            (x + AWAY, y + AWAY + SIZE - 3.0),
            (x - wide / 2.0, y - AWAY),
            (x - wide / 2.0, y + AWAY + SIZE),
        ];
        let free = candidates.into_iter().find(|(left, base)| {
            let own = (*left, base - SIZE, left + wide, base + 3.0);
            let others = taken.iter().enumerate().filter(|(other, _)| *other != number);
            within(own, frame) && others.map(|(_, it)| it).all(|other| !overlap(own, *other))
        })?;
        taken.push((free.0, free.1 - SIZE, free.0 + wide, free.1 + 3.0));
        Some(free)
    };
    points.iter().enumerate().map(|point| place(point, &mut taken)).collect()
}

fn around(x: f64, y: f64, r: f64) -> Area {
    (x - r, y - r, x + r, y + r)
}

fn within(own: Area, frame: Area) -> bool {
    own.0 >= frame.0 && own.1 >= frame.1 && own.2 <= frame.2 && own.3 <= frame.3
}

fn overlap(a: Area, b: Area) -> bool {
    a.0 < b.2 && b.0 < a.2 && a.1 < b.3 && b.1 < a.3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_in_the_frame_and_clear_of_one_another() {
        let frame = (0.0, 0.0, 100.0, 100.0);
        let points = [((90.0, 50.0), "abc"), ((10.0, 50.0), "abc"), ((10.0, 52.0), "abc")];
        let found = places(&points, frame, &[]);
        assert!(found[0].is_some_and(|(x, _)| x < 90.0), "{found:?}");
        assert!(found[1].is_some_and(|(x, _)| x > 10.0), "{found:?}");
        let boxes = |at: usize| {
            let (x, y) = found[at].unwrap_or_default();
            (x, y - SIZE, x + width("abc", SIZE, Weight::Regular), y + 3.0)
        };
        assert!(found[2].is_none() || !overlap(boxes(1), boxes(2)), "{found:?}");
        let line = [(50.0, 49.0, 100.0, 51.0)];
        let beside = places(&[((50.0, 50.0), "ab")], frame, &line);
        assert!(beside[0].is_some_and(|(x, _)| x < 50.0), "{beside:?}");
        assert_eq!(places(&[((50.0, 50.0), "a name that is longer than all")], frame, &[]), [None]);
    }
}
