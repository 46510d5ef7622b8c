//! Classes and images: the numbers against scikit-learn (tests/reference/classes_golden.py).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use resweep::compare::classes::{Answer, Answers, Confusion, accuracies, agreement};

fn classes(text: &str) -> Vec<u8> {
    text.split(' ').map(|class| class.parse().unwrap()).collect()
}

fn answers(labels: &str, predicted: &str) -> Answers {
    let (labels, predicted) = (classes(labels), classes(predicted));
    let loss = vec![0.0; labels.len()];
    Answers { experiment: "net".into(), labels, runs: vec![Answer { seed: 0, predicted, loss }] }
}

#[test]
fn confusion_recall_and_kappa_are_those_of_scikit_learn() {
    let path = format!("{}/tests/golden/classes.csv", env!("CARGO_MANIFEST_DIR"));
    let rows: Vec<_> =
        csv::Reader::from_path(path).unwrap().records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 16);
    let mut without_kappa = 0;
    for row in rows {
        let (first, second) = (answers(&row[0], &row[1]), answers(&row[0], &row[2]));
        let confusion = Confusion::of(&first, 10);
        let told: Vec<String> = confusion.rows().flatten().map(u64::to_string).collect();
        assert_eq!(told.join(" "), row[3]);
        let recall = row[4].split(' ').map(|number| number.parse::<f64>().unwrap());
        for (told, wanted) in accuracies(&first, 10).iter().zip(recall) {
            let close = |mean: f64| (mean - 100.0 * wanted).abs() < 1e-9;
            assert!(told.mean.map_or(wanted.is_nan(), close), "{told:?} is not {wanted}");
        }
        let told = agreement(&first, &second).unwrap();
        assert!((told.share - row[6].parse::<f64>().unwrap()).abs() < 1e-9, "{told:?}");
        match told.kappa {
            Some(kappa) => assert!((kappa - row[5].parse::<f64>().unwrap()).abs() < 1e-12),
            None => {
                assert_eq!(&row[5], "");
                without_kappa += 1;
            }
        }
    }
    assert!((1..4).contains(&without_kappa), "{without_kappa}");
}
