//! Initial weights that hang on the training images.

use tch::{Kind, TchError, Tensor, no_grad_guard};

use super::batches::DeviceImages;
use crate::model::Model;
use crate::op::Init;

/// Images that are taken at a time: their patches are many times as large as they are.
const AT_A_TIME: i64 = 250;

/// Sets the kernels of a fresh model that are to whiten the images: the eigenvectors of the second
/// moments of their patches, each over the root of its eigenvalue, and then their negatives (Jordan
/// 2024, airbench). The images are as training sees them, but for augmentation.
///
/// # Errors
/// What libtorch reports.
pub fn whiten(model: &Model, images: &DeviceImages) -> Result<(), TchError> {
    let _no_grad = no_grad_guard();
    for (weight, kernel) in model.weights() {
        if let Init::Whiten { images: count, eps, .. } = weight.init {
            let mut kernel = kernel.shallow_clone();
            let (_, _, height, width) = kernel.size4()?;
            let moments = moments(images, i64::from(count), (height, width))?;
            kernel.f_copy_(&filters(&moments, eps)?.f_view_as(&kernel)?)?;
        }
    }
    Ok(())
}

/// The mean products of the numbers of patches of the first images, float64, on the CPU.
fn moments(
    images: &DeviceImages,
    count: i64,
    (height, width): (i64, i64),
) -> Result<Tensor, TchError> {
    let count = count.min(images.len());
    let (mut sum, mut patches) = (None, 0);
    for start in (0..count).step_by(AT_A_TIME as usize) {
        let (batch, _) = images.in_order(start, AT_A_TIME.min(count - start))?;
        let size = batch.size()[1] * height * width;
        let batch = batch.f_unfold(2, height, 1)?.f_unfold(3, width, 1)?;
        let rows = batch.f_permute([0, 2, 3, 1, 4, 5])?.f_reshape([-1, size])?;
        let rows = rows.f_to_kind(Kind::Double)?;
        patches += rows.size()[0];
        let products = rows.f_tr()?.f_matmul(&rows)?;
        sum = Some(sum.map_or(Ok(products.shallow_clone()), |sum: Tensor| sum.f_add(&products))?);
    }
    let sum = sum.ok_or_else(|| TchError::Torch("no images to whiten".into()))?;
    sum.f_div_scalar(patches)?.f_to_device(tch::Device::Cpu)
}

/// Filters `[2 * numbers of a patch, numbers of a patch]`, float32, those of small eigenvalues first.
fn filters(moments: &Tensor, eps: f64) -> Result<Tensor, TchError> {
    let (values, vectors) = moments.f_linalg_eigh("U")?;
    let filters = vectors.f_div(&values.f_add_scalar(eps)?.f_sqrt()?)?.f_tr()?;
    Tensor::f_cat(&[&filters, &filters.f_neg()?], 0)?.f_to_kind(Kind::Float)
}
