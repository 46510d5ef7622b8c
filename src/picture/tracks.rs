//! Where the nodes of one block stand, in rows and lanes: no numbers of a page yet.
//!
//! A row is the longest path from the block's input (row 0). The main path runs down lane 0;
//! every other chain of nodes has a stretch of a lane to its right, and so has every value that
//! a join reads from further above: the way around a residual block.

/// A block as nodes that read nodes: node 0 is the input, which reads none.
#[derive(Debug, Clone)]
pub struct Wires {
    /// What each node reads, by slot.
    pub inputs: Vec<Vec<usize>>,
    /// Which inputs may lie on the main path: those of the shape that the node makes.
    pub main: Vec<Vec<bool>>,
    /// The node whose value leaves the block.
    pub exit: usize,
}

/// Rows and lanes of a block.
#[derive(Debug, Clone)]
pub struct Tracks {
    /// Of each node.
    pub row: Vec<usize>,
    /// Of each node.
    pub lane: Vec<usize>,
    /// The input of each node that its line comes down from; its own for node 0.
    pub parent: Vec<usize>,
    /// Values that joins read beside.
    pub buses: Vec<Bus>,
}

/// A value on its way to joins in other lanes.
#[derive(Debug, Clone)]
pub struct Bus {
    /// The node that makes it.
    pub source: usize,
    /// The lane in which it goes down.
    pub lane: usize,
    /// The joins that read it, top first.
    pub joins: Vec<usize>,
}

/// A stretch of a lane, from below one row to another.
#[derive(Debug, Clone)]
struct Stretch {
    from: usize,
    to: usize,
    nodes: Vec<usize>,
    /// A value that leaves the stretch, and the joins that read it.
    bus: Option<(usize, Vec<usize>)>,
}

impl Tracks {
    /// Places the nodes of a block.
    pub fn of(wires: &Wires) -> Self {
        let mut row = rows(wires);
        let (chains, parent) = chains(wires, &row);
        sink(wires, &chains, &mut row);
        let mut tracks = Self { lane: vec![0; row.len()], row, parent, buses: Vec::new() };
        let stretches = tracks.stretches(wires, &chains);
        tracks.place(stretches);
        tracks
    }

    /// Whether the line of a bus into a join would cross a node beside it, so that it comes from
    /// above.
    pub fn detours(&self, bus: &Bus, join: usize) -> bool {
        let (a, b) = (bus.lane.min(self.lane[join]), bus.lane.max(self.lane[join]));
        let mut nodes = 1..self.row.len();
        let between = |node: usize| a < self.lane[node] && self.lane[node] < b;
        nodes.any(|node| self.row[node] == self.row[join] && between(node))
    }

    /// The stretches beside the main path, short ones first.
    fn stretches(&self, wires: &Wires, chains: &[Vec<usize>]) -> Vec<Stretch> {
        let mut stretches: Vec<Stretch> = Vec::new();
        for chain in &chains[1..] {
            let (from, to) = (self.row[self.parent[chain[0]]], self.row[chain[chain.len() - 1]]);
            stretches.push(Stretch { from, to, nodes: chain.clone(), bus: None });
        }
        for source in 0..self.row.len() {
            let joins = self.beside(wires, source);
            let Some(to) = joins.iter().map(|&join| self.row[join]).max() else { continue };
            let own = stretches.iter_mut().find(|other| other.nodes.last() == Some(&source));
            match own {
                Some(own) => (own.to, own.bus) = (to, Some((source, joins))),
                None => {
                    let (from, bus) = (self.row[source], Some((source, joins)));
                    stretches.push(Stretch { from, to, nodes: Vec::new(), bus });
                }
            }
        }
        stretches.sort_by_key(|stretch| (stretch.to - stretch.from, stretch.nodes.is_empty()));
        stretches
    }

    /// The joins that read a node by another line than the one that comes straight down.
    fn beside(&self, wires: &Wires, source: usize) -> Vec<usize> {
        let reads = |node: &usize| {
            let times = wires.inputs[*node].iter().filter(|&&input| input == source).count();
            times > usize::from(self.parent[*node] == source)
        };
        let mut joins: Vec<usize> = (1..self.row.len()).filter(reads).collect();
        joins.sort_by_key(|&join| self.row[join]);
        joins
    }

    /// Gives every stretch the first lane in which it meets nothing.
    fn place(&mut self, stretches: Vec<Stretch>) {
        let mut placed: Vec<(usize, Stretch)> = Vec::new();
        for stretch in stretches {
            let clear = |lane: &usize| !self.meets(&placed, *lane, &stretch);
            let lane = (1..=placed.len()).find(clear).unwrap_or(placed.len() + 1);
            stretch.nodes.iter().for_each(|&node| self.lane[node] = lane);
            if let Some((source, joins)) = stretch.bus.clone() {
                self.buses.push(Bus { source, lane, joins });
            }
            placed.push((lane, stretch));
        }
    }

    /// Whether a stretch in this lane overlaps another, or a line into a join crosses a node.
    fn meets(&self, placed: &[(usize, Stretch)], lane: usize, stretch: &Stretch) -> bool {
        let overlap = |a: &Stretch, b: &Stretch| a.from < b.to && b.from < a.to;
        let crosses = |outer: &Stretch, inner: &Stretch| {
            let joins = outer.bus.iter().flat_map(|(_, joins)| joins);
            let rows: Vec<usize> = joins.map(|&join| self.row[join]).collect();
            inner.nodes.iter().any(|&node| rows.contains(&self.row[node]))
        };
        placed.iter().any(|(other_lane, other)| match other_lane.cmp(&lane) {
            std::cmp::Ordering::Equal => overlap(other, stretch),
            std::cmp::Ordering::Less => crosses(stretch, other),
            std::cmp::Ordering::Greater => crosses(other, stretch),
        })
    }
}

/// The longest path from the input to each node.
fn rows(wires: &Wires) -> Vec<usize> {
    let mut row: Vec<usize> = vec![0; wires.inputs.len()];
    for node in 1..row.len() {
        row[node] = wires.inputs[node].iter().map(|&input| row[input] + 1).max().unwrap_or(1);
    }
    row
}

/// All nodes as chains, the main path first, and the node that each is drawn below.
fn chains(wires: &Wires, row: &[usize]) -> (Vec<Vec<usize>>, Vec<usize>) {
    let mut parent = vec![0; row.len()];
    let mut taken = vec![false; row.len()];
    let mut ends: Vec<usize> = (1..row.len()).collect();
    ends.sort_by_key(|&node| (node != wires.exit, std::cmp::Reverse(row[node]), node));
    ends.insert(usize::from(wires.exit != 0), 0);
    let mut chains = Vec::new();
    for end in ends {
        let (mut chain, mut at) = (Vec::new(), end);
        while !std::mem::replace(&mut taken[at], true) {
            chain.push(at);
            let Some(next) = above(wires, row, &taken, at) else { break };
            parent[at] = next;
            at = next;
        }
        chain.reverse();
        if !chain.is_empty() {
            chains.push(chain);
        }
    }
    (chains, parent)
}

/// The input that a node is drawn below: one on no chain yet, of the node's shape, from the lowest
/// row, of the first slot.
fn above(wires: &Wires, row: &[usize], taken: &[bool], node: usize) -> Option<usize> {
    let inputs = wires.inputs[node].iter().enumerate();
    let rank = |slot: usize, input: usize| {
        (!taken[input], wires.main[node][slot], row[input], std::cmp::Reverse(slot))
    };
    inputs.max_by_key(|(slot, input)| rank(*slot, **input)).map(|(_, &input)| input)
}

/// Chains that could stand lower go halfway down, amid the stretch that they are beside.
fn sink(wires: &Wires, chains: &[Vec<usize>], row: &mut [usize]) {
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); row.len()];
    for (node, inputs) in wires.inputs.iter().enumerate() {
        inputs.iter().for_each(|&input| readers[input].push(node));
    }
    for chain in &chains[1..] {
        let outside = |node: &usize| {
            let others = readers[*node].iter().filter(|reader| !chain.contains(reader));
            others.map(|&reader| row[reader] - row[*node] - 1).min()
        };
        let slack = chain.iter().filter_map(outside).min().unwrap_or(0);
        chain.iter().for_each(|&node| row[node] += slack / 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wires(inputs: &[&[usize]]) -> Wires {
        let inputs: Vec<Vec<usize>> = inputs.iter().map(|list| list.to_vec()).collect();
        let main = inputs.iter().map(|list| vec![true; list.len()]).collect();
        Wires { exit: inputs.len() - 1, main, inputs }
    }

    /// Two convolutions, and a join with the input.
    #[test]
    fn the_way_around_has_a_lane_of_its_own() {
        let tracks = Tracks::of(&wires(&[&[], &[0], &[1], &[2, 0]]));
        assert_eq!(tracks.row, [0, 1, 2, 3]);
        assert_eq!(tracks.lane, [0, 0, 0, 0]);
        assert_eq!(tracks.buses.len(), 1);
        assert_eq!((tracks.buses[0].source, tracks.buses[0].lane), (0, 1));
    }

    /// A projection on the way around, in the middle of its height.
    #[test]
    fn a_branch_stands_amid_its_stretch() {
        let tracks = Tracks::of(&wires(&[&[], &[0], &[1], &[2], &[3], &[0], &[4, 5]]));
        assert_eq!(tracks.lane, [0, 0, 0, 0, 0, 1, 0]);
        assert_eq!(tracks.row, [0, 1, 2, 3, 4, 2, 5]);
        assert_eq!(tracks.buses[0].joins, [6]);
    }

    /// A gate multiplies what it reads, and stands beside the main path within the way around.
    #[test]
    fn a_gate_stands_beside_what_it_gates() {
        let mut wires = wires(&[&[], &[0], &[1], &[2], &[1, 3], &[4, 0]]);
        wires.main[4] = vec![true, false];
        let tracks = Tracks::of(&wires);
        assert_eq!(tracks.lane, [0, 0, 1, 1, 0, 0]);
        let mut lanes: Vec<_> = tracks.buses.iter().map(|bus| (bus.source, bus.lane)).collect();
        lanes.sort_unstable();
        assert_eq!(lanes, [(0, 2), (3, 1)]);
    }

    /// A node that reads one value twice.
    #[test]
    fn a_value_read_twice_has_two_lines() {
        let tracks = Tracks::of(&wires(&[&[], &[0], &[1, 1]]));
        assert_eq!(tracks.buses.len(), 1);
        assert_eq!(tracks.buses[0].joins, [2]);
    }
}
