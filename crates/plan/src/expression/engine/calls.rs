//! `last_output(role)` is read as a value under a name, so that what an expression refers to stands in its syntax.

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr, LiteralValue, operators};

use crate::expression::reference::LAST_OUTPUT;

/// Turns `last_output(role)`, `last_output('role')` and `last_output()` into `last_output['role']` and `last_output['']`.
pub(super) fn rewrite(node: &mut IdedExpr) {
    children(&mut node.expr).into_iter().for_each(rewrite);
    let id = node.id;
    let Expr::Call(call) = &mut node.expr else { return };
    if call.func_name != LAST_OUTPUT || call.target.is_some() {
        return;
    }
    let role = match call.args.as_slice() {
        [] => Some(String::new()),
        [IdedExpr { expr: Expr::Ident(role), .. }] => Some(role.clone()),
        [IdedExpr { expr: Expr::Literal(LiteralValue::String(role)), .. }] => Some(role.inner().to_owned()),
        _ => None,
    };
    let Some(role) = role else { return };
    let name = IdedExpr { id, expr: Expr::Ident(LAST_OUTPUT.to_owned()) };
    let role = IdedExpr { id, expr: Expr::Literal(LiteralValue::String(role.into())) };
    operators::INDEX.clone_into(&mut call.func_name);
    call.args = vec![name, role];
}

/// What stands directly inside of it.
pub(super) fn children(expr: &mut Expr) -> Vec<&mut IdedExpr> {
    match expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => Vec::new(),
        Expr::Call(call) => call.target.as_deref_mut().into_iter().chain(&mut call.args).collect(),
        Expr::Comprehension(inner) => vec![
            &mut inner.iter_range,
            &mut inner.accu_init,
            &mut inner.loop_cond,
            &mut inner.loop_step,
            &mut inner.result,
        ],
        Expr::List(list) => list.elements.iter_mut().collect(),
        Expr::Map(map) => map.entries.iter_mut().flat_map(|entry| parts(&mut entry.expr)).collect(),
        Expr::Select(select) => vec![&mut select.operand],
        Expr::Struct(inner) => inner.entries.iter_mut().flat_map(|entry| parts(&mut entry.expr)).collect(),
    }
}

fn parts(entry: &mut EntryExpr) -> Vec<&mut IdedExpr> {
    match entry {
        EntryExpr::StructField(field) => vec![&mut field.value],
        EntryExpr::MapEntry(entry) => vec![&mut entry.key, &mut entry.value],
    }
}
