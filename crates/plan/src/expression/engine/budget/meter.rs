//! Writes the calls into an expression that count what it costs.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, IdedExpr, LiteralValue};

use super::COUNT;
use crate::expression::engine::{calls, walk};

/// Makes an expression count what it costs. False when there is nothing to count.
pub(in crate::expression::engine) fn meter(root: &mut IdedExpr) -> bool {
    inside(root, false)
}

fn inside(node: &mut IdedExpr, is_looped: bool) -> bool {
    let is_path = walk::is_path(node);
    match &mut node.expr {
        Expr::Comprehension(inner) => {
            comprehension(inner, is_looped);
            true
        }
        Expr::Select(select) if select.test && walk::is_path(&select.operand) => {
            path(&mut select.operand, is_looped)
        }
        _ if is_path => {
            let is_metered = path(node, is_looped);
            if is_looped && !is_own(node) {
                count(node, None);
            }
            is_metered
        }
        expr => calls::children(expr)
            .into_iter()
            .fold(false, |is_metered, child| inside(child, is_looped) | is_metered),
    }
}

fn comprehension(inner: &mut ComprehensionExpr, is_looped: bool) {
    let body = size(&inner.loop_cond) + size(&inner.loop_step);
    inside(&mut inner.iter_range, is_looped);
    inside(&mut inner.accu_init, is_looped);
    inside(&mut inner.loop_cond, true);
    inside(&mut inner.loop_step, true);
    inside(&mut inner.result, is_looped);
    count(&mut inner.iter_range, Some(body));
}

/// The way into a value is looked up by name, and stays as it is written; what is computed on it does not.
fn path(node: &mut IdedExpr, is_looped: bool) -> bool {
    match &mut node.expr {
        Expr::Select(select) => path(&mut select.operand, is_looped),
        Expr::Call(call) => match call.args.as_mut_slice() {
            [value, index] => path(value, is_looped) | inside(index, is_looped),
            _ => false,
        },
        _ => false,
    }
}

/// Whether it is the result of a comprehension so far. The engine knows it by its name, and adds to it without a copy.
fn is_own(node: &IdedExpr) -> bool {
    matches!(&node.expr, Expr::Ident(name) if name.starts_with('@'))
}

/// Counts a value before it is used, and `body` for each item that it has.
fn count(node: &mut IdedExpr, body: Option<i64>) {
    let id = node.id;
    if !matches!(&node.expr, Expr::Call(call) if call.func_name == COUNT) {
        let value = std::mem::take(node);
        let call = CallExpr { func_name: COUNT.to_owned(), target: None, args: vec![value] };
        *node = IdedExpr { id, expr: Expr::Call(call) };
    }
    if let (Expr::Call(call), Some(body)) = (&mut node.expr, body) {
        call.args.push(IdedExpr { id, expr: Expr::Literal(LiteralValue::Int(body.into())) });
    }
}

/// How many nodes it has.
fn size(root: &IdedExpr) -> i64 {
    let mut size = 0;
    walk::visit(root, &mut |_| size += 1);
    size
}
