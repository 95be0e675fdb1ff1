//! Reads what an expression refers to off its syntax tree.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, operators};

use crate::expression::{Access, Reference};

/// Most comprehensions inside one another: each multiplies the work by the length of a list.
const MAX_NESTED: usize = 3;

/// What is wrong with a node of the tree.
pub(super) struct Bad {
    pub(super) node: u64,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// What is asked for in the order of its appearance, each once.
pub(super) fn accesses(root: &IdedExpr) -> Result<Vec<Access>, Bad> {
    let mut walk = Walk { bound: Vec::new(), depth: 0, found: Vec::new() };
    walk.expression(root)?;
    Ok(walk.found)
}

/// Whether the expression is nothing but a value and the way into it.
pub(super) fn is_path(root: &IdedExpr) -> bool {
    let mut at = root;
    loop {
        at = match &at.expr {
            Expr::Select(select) if !select.test => &select.operand,
            Expr::Call(call) if is_index(call) => &call.args[0],
            expr => return matches!(expr, Expr::Ident(_)),
        };
    }
}

/// Calls `see` with every node.
pub(super) fn visit(root: &IdedExpr, see: &mut impl FnMut(&IdedExpr)) {
    let mut open = vec![root];
    while let Some(node) = open.pop() {
        see(node);
        open.extend(children(&node.expr));
    }
}

fn children(expr: &Expr) -> Vec<&IdedExpr> {
    match expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) => Vec::new(),
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Expr::Comprehension(inner) => {
            vec![&inner.iter_range, &inner.accu_init, &inner.loop_cond, &inner.loop_step, &inner.result]
        }
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => map.entries.iter().flat_map(|entry| entry_parts(&entry.expr)).collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::Struct(inner) => inner.entries.iter().flat_map(|entry| entry_parts(&entry.expr)).collect(),
    }
}

fn entry_parts(entry: &EntryExpr) -> Vec<&IdedExpr> {
    match entry {
        EntryExpr::StructField(field) => vec![&field.value],
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
    }
}

struct Walk {
    /// Names that a comprehension around us gives to something of its own.
    bound: Vec<String>,
    depth: usize,
    found: Vec<Access>,
}

/// What stands behind a name: a name, or something computed.
enum Key<'a> {
    Name(&'a str),
    Computed(&'a IdedExpr),
}

impl Walk {
    fn expression(&mut self, node: &IdedExpr) -> Result<(), Bad> {
        match &node.expr {
            Expr::Ident(_) | Expr::Select(_) => self.path(node),
            Expr::Call(call) if is_index(call) => self.path(node),
            Expr::Comprehension(inner) => self.comprehension(node.id, inner),
            Expr::Struct(inner) => Err(bad(node.id, format!("there is no type `{}`", inner.type_name))),
            Expr::Unspecified | Expr::Literal(_) | Expr::Call(_) | Expr::List(_) | Expr::Map(_) => {
                children(&node.expr).into_iter().try_for_each(|child| self.expression(child))
            }
        }
    }

    fn comprehension(&mut self, node: u64, inner: &ComprehensionExpr) -> Result<(), Bad> {
        if self.depth == MAX_NESTED {
            return Err(bad(
                node,
                format!("at most {MAX_NESTED} `map`, `filter`, `all` and the like inside each other"),
            ));
        }
        self.expression(&inner.iter_range)?;
        self.expression(&inner.accu_init)?;
        let outside = self.bound.len();
        self.depth += 1;
        self.bound.extend([inner.accu_var.clone(), inner.iter_var.clone()]);
        self.bound.extend(inner.iter_var2.clone());
        let parts = [&inner.loop_cond, &inner.loop_step, &inner.result];
        parts.into_iter().try_for_each(|part| self.expression(part))?;
        self.depth -= 1;
        self.bound.truncate(outside);
        Ok(())
    }

    /// Follows `a.b['c'][d]` down to its root.
    fn path(&mut self, node: &IdedExpr) -> Result<(), Bad> {
        let mut keys = Vec::new();
        let mut at = node;
        loop {
            match &at.expr {
                Expr::Select(select) => {
                    keys.push(Key::Name(&select.field));
                    at = &select.operand;
                }
                Expr::Call(call) if is_index(call) => {
                    keys.push(key(&call.args[1]));
                    at = &call.args[0];
                }
                _ => break,
            }
        }
        keys.reverse();
        match &at.expr {
            Expr::Ident(name) => self.root(name, &keys, at.id)?,
            _ => self.expression(at)?,
        }
        keys.iter().try_for_each(|key| match key {
            Key::Name(_) => Ok(()),
            Key::Computed(index) => self.expression(index),
        })
    }

    fn root(&mut self, root: &str, keys: &[Key<'_>], node: u64) -> Result<(), Bad> {
        if self.bound.iter().any(|bound| bound == root) {
            return Ok(());
        }
        let mut names = Vec::new();
        for key in keys {
            if names.len() == Reference::length(root, names.first().copied()) {
                break;
            }
            match key {
                Key::Name(name) => names.push(*name),
                Key::Computed(_) => {
                    let message = format!("`{root}[...]` must name what it means as text");
                    let hint = format!("write `{root}['name']`, so that it can be checked before the run");
                    return Err(Bad { node, message, hint: Some(hint) });
                }
            }
        }
        let reference = Reference::from_names(root.trim_start_matches('.'), &names).map_err(|wrong| Bad {
            node,
            message: wrong.message,
            hint: Some(wrong.hint),
        })?;
        let inside = keys[names.len()..].iter().map(|key| match key {
            Key::Name(name) => Some((*name).to_owned()),
            Key::Computed(_) => None,
        });
        let access = Access { reference, keys: inside.collect() };
        if !self.found.contains(&access) {
            self.found.push(access);
        }
        Ok(())
    }
}

fn key(index: &IdedExpr) -> Key<'_> {
    match &index.expr {
        Expr::Literal(LiteralValue::String(text)) => Key::Name(text.inner()),
        _ => Key::Computed(index),
    }
}

fn is_index(call: &CallExpr) -> bool {
    call.func_name == operators::INDEX && call.target.is_none() && call.args.len() == 2
}

fn bad(node: u64, message: String) -> Bad {
    Bad { node, message, hint: None }
}
