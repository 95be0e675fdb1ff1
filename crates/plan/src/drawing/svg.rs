//! A plan as an SVG image: <https://www.w3.org/TR/SVG2/>.
//!
//! The image needs nothing from outside and can stand in a page as it is: it has no ids, and text cannot leave its place. Boxes
//! bring their own ground, so they can be read on light and dark pages; a page that says it is dark gets dark ones.

mod layout;
mod order;
mod places;
mod write;

use super::layers::depths;
use super::mark::Mark;
use super::sketch::Sketch;
use crate::plan::Plan;

/// The plan as an SVG image. `marks` are those of its phases, by position; none leaves it plain.
pub fn svg(plan: &Plan, marks: &[Mark<'_>]) -> String {
    let sketch = Sketch::new(plan, marks);
    let layout = layout::Layout::new(&sketch, &depths(&sketch));
    write::write(plan.id(), &sketch, &layout)
}
