//! Writes the differences between two trees into the text of the first.

use std::collections::HashMap;
use std::ops::Range;

use super::scan::{Container, Document, Entry, Node};

/// The text that is kept and the text that tells what it should say.
pub(super) struct Merge<'a> {
    pub(super) old_text: &'a str,
    pub(super) new_text: &'a str,
}

/// Text that grows by entries.
struct Out {
    text: String,
    /// Whether an entry was written that needs a comma before the next one, and where the comma goes.
    comma_at: Option<usize>,
}

impl Merge<'_> {
    /// The old text with the new values.
    pub(super) fn document(&self, old: &Document, new: &Document) -> String {
        let (start, end) = (old.value.span.start, old.value.span.end);
        let mut text = self.old_text[..start].to_owned();
        text.push_str(&self.node(&old.value, &new.value));
        text.push_str(&self.old_text[end..]);
        text
    }

    fn node(&self, old: &Node, new: &Node) -> String {
        if self.same(old, new) {
            return self.in_old(&old.span).to_owned();
        }
        match (&old.container, &new.container) {
            (Some(a), Some(b)) if self.alike(a, b) && !a.entries.is_empty() => self.container(a, b),
            _ => reindented(self.new_text, &new.span, indent_before(self.old_text, old.span.start)),
        }
    }

    fn in_old(&self, span: &Range<usize>) -> &str {
        &self.old_text[span.clone()]
    }

    fn in_new(&self, span: &Range<usize>) -> &str {
        &self.new_text[span.clone()]
    }

    /// Whether two containers have the same name and brackets.
    fn alike(&self, old: &Container, new: &Container) -> bool {
        let bare = |text: &str| text.split_whitespace().collect::<String>();
        // A struct's name may be left out.
        let (a, b) = (bare(self.in_old(&old.open)), bare(self.in_new(&new.open)));
        a == b || (b == "(" && a.ends_with('(') && a != "Some(")
    }

    /// Whether two values say the same.
    fn same(&self, old: &Node, new: &Node) -> bool {
        match (&old.container, &new.container) {
            (None, None) => same_scalar(self.in_old(&old.span), self.in_new(&new.span)),
            (Some(a), Some(b)) => self.alike(a, b) && self.same_entries(a, b),
            _ => false,
        }
    }

    fn same_entries(&self, old: &Container, new: &Container) -> bool {
        let pairs = self.pairs(old, new);
        let keyed = new.entries.iter().any(|entry| entry.key.is_some());
        let in_order = keyed || pairs.iter().flatten().eq((0..old.entries.len()).collect::<Vec<_>>().iter());
        let all_new = new.entries.iter().zip(&pairs).all(|(entry, pair)| match pair {
            Some(index) => self.same(&old.entries[*index].value, &entry.value),
            None => is_blank(self.new_text, entry),
        });
        let all_old = old
            .entries
            .iter()
            .enumerate()
            .all(|(index, entry)| pairs.contains(&Some(index)) || is_blank(self.old_text, entry));
        in_order && all_new && all_old
    }

    fn container(&self, old: &Container, new: &Container) -> String {
        let pairs = self.pairs(old, new);
        let mut out = Out { text: self.in_old(&old.open).to_owned(), comma_at: None };
        if new.entries.iter().chain(&old.entries).any(|entry| entry.key.is_some()) {
            // The order of fields means nothing: they stay where they are.
            for (index, entry) in old.entries.iter().enumerate() {
                match pairs.iter().position(|pair| *pair == Some(index)) {
                    Some(place) => self.keep(&mut out, entry, &new.entries[place]),
                    None if is_blank(self.old_text, entry) => self.keep_as_is(&mut out, entry),
                    None => {}
                }
            }
            for (entry, pair) in new.entries.iter().zip(&pairs) {
                if pair.is_none() && !is_blank(self.new_text, entry) {
                    self.add(&mut out, &old.entries, entry);
                }
            }
        } else {
            for (entry, pair) in new.entries.iter().zip(&pairs) {
                match pair {
                    Some(index) => self.keep(&mut out, &old.entries[*index], entry),
                    None => self.add(&mut out, &old.entries, entry),
                }
            }
        }
        out.text.push_str(self.in_old(&old.rest));
        out.text.push_str(self.in_old(&old.close));
        out.text
    }

    fn keep(&self, out: &mut Out, old: &Entry, new: &Entry) {
        let value = self.node(&old.value, &new.value);
        self.put(out, self.in_old(&old.lead), &value, self.in_old(&old.tail));
    }

    fn keep_as_is(&self, out: &mut Out, old: &Entry) {
        self.put(out, self.in_old(&old.lead), self.in_old(&old.value.span), self.in_old(&old.tail));
    }

    /// Writes a new entry in the manner of its neighbours.
    fn add(&self, out: &mut Out, neighbours: &[Entry], new: &Entry) {
        let lead = neighbours.first().map_or("", |entry| self.in_old(&entry.lead));
        let space = lead.rfind('\n').map(|line| {
            let indent: String = lead[line + 1..].chars().take_while(|char| char.is_whitespace()).collect();
            format!("\n{indent}")
        });
        let key = new.key.as_ref().map_or_else(String::new, |key| format!("{}: ", self.in_new(key)));
        let indent = space.as_deref().map_or("", |space| &space[1..]);
        let value = reindented(self.new_text, &new.value.span, indent);
        self.put(out, &format!("{}{key}", space.as_deref().unwrap_or(" ")), &value, ",");
    }

    fn put(&self, out: &mut Out, lead: &str, value: &str, tail: &str) {
        if let Some(at) = out.comma_at.take() {
            out.text.insert(at, ',');
        }
        out.text.push_str(lead);
        out.text.push_str(value);
        out.comma_at = tail.is_empty().then_some(out.text.len());
        out.text.push_str(tail);
    }

    /// For each new entry the old one that it continues.
    fn pairs(&self, old: &Container, new: &Container) -> Vec<Option<usize>> {
        let mut known: HashMap<String, usize> = HashMap::new();
        for (index, name) in identities(self.old_text, &old.entries).into_iter().enumerate() {
            known.entry(name).or_insert(index);
        }
        let names = identities(self.new_text, &new.entries);
        let mut pairs: Vec<Option<usize>> = names.iter().map(|name| known.get(name).copied()).collect();
        for (place, entry) in
            new.entries.iter().enumerate().filter(|_| old.entries.first().is_some_and(|e| e.key.is_none()))
        {
            if pairs[place].is_some() {
                continue;
            }
            let former =
                former_names(self.new_text, &entry.value).into_iter().find_map(|name| known.get(&name).copied());
            // What stands alone at the same place has changed its name.
            let here = (old.entries.len() == new.entries.len()).then_some(place);
            pairs[place] = former.or(here).filter(|index| !pairs.contains(&Some(*index)));
        }
        pairs
    }
}

/// What tells the entries of a container apart; a number is added to what occurs again.
fn identities(text: &str, entries: &[Entry]) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    entries
        .iter()
        .map(|entry| {
            let name = match &entry.key {
                Some(key) => plain(&text[key.clone()]),
                None => identity(text, &entry.value),
            };
            let count = seen.entry(name.clone()).or_insert(0);
            *count += 1;
            if *count == 1 { name } else { format!("{name}\n{count}") }
        })
        .collect()
}

fn identity(text: &str, value: &Node) -> String {
    let field = |name: &str| field(text, value, name).map(|node| plain(&text[node.span.clone()]));
    match (field("name"), field("bone"), field("channel")) {
        (Some(name), _, _) => name,
        (None, Some(bone), Some(channel)) => format!("{bone}\n{channel}"),
        _ => plain(&text[value.span.clone()]),
    }
}

fn former_names(text: &str, value: &Node) -> Vec<String> {
    let list = field(text, value, "renamed_from").and_then(|node| node.container.as_ref());
    list.into_iter().flat_map(|list| &list.entries).map(|entry| plain(&text[entry.value.span.clone()])).collect()
}

fn field<'a>(text: &str, value: &'a Node, name: &str) -> Option<&'a Node> {
    let entries = &value.container.as_ref()?.entries;
    entries
        .iter()
        .find(|entry| entry.key.as_ref().is_some_and(|key| &text[key.clone()] == name))
        .map(|entry| &entry.value)
}

/// A string without its quotes; other text as it is.
fn plain(text: &str) -> String {
    ron::from_str::<String>(text).unwrap_or_else(|_| text.to_owned())
}

fn same_scalar(old: &str, new: &str) -> bool {
    if old == new || plain(old) == plain(new) {
        return true;
    }
    let number = |text: &str| text.replace('_', "").trim_start_matches('+').parse::<f64>().ok();
    match (number(old), number(new)) {
        // The rig's fractions are 32 bits wide.
        (Some(a), Some(b)) => a == b || (!a.fract().eq(&0.0) && a as f32 == b as f32),
        _ => false,
    }
}

/// Whether a field says what it means when it is left out.
fn is_blank(text: &str, entry: &Entry) -> bool {
    let Some(key) = &entry.key else { return false };
    let value = text[entry.value.span.clone()].split_whitespace().collect::<String>();
    match &text[key.clone()] {
        "curve" => same_scalar(&value, "1.0"),
        _ => matches!(value.as_str(), "None" | "false" | "[]" | "{}"),
    }
}

/// The space at the beginning of the line that `at` is on.
fn indent_before(text: &str, at: usize) -> &str {
    let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let rest = &text[line..at];
    &rest[..rest.len() - rest.trim_start().len()]
}

/// A value with the lines after its first moved to another indent.
fn reindented(text: &str, span: &Range<usize>, indent: &str) -> String {
    let was = indent_before(text, span.start);
    let mut lines = text[span.clone()].split('\n');
    let mut moved = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        moved.push('\n');
        moved.push_str(indent);
        moved.push_str(line.strip_prefix(was).unwrap_or_else(|| line.trim_start()));
    }
    moved
}
