//! RON text as a tree of spans.

use std::ops::Range;

/// Rigs nest six deep; a text that nests deeper than this is none.
const MAX_DEPTH: usize = 64;

/// A whole text: the value with what stands before it.
pub(super) struct Document {
    pub(super) value: Node,
}

/// A value.
pub(super) struct Node {
    pub(super) span: Range<usize>,
    /// The parts of a struct, list, map or variant with contents; none for numbers, strings and the like.
    pub(super) container: Option<Container>,
}

/// What stands between two brackets. Opening, entries, rest and closing bracket join without gaps.
pub(super) struct Container {
    /// A name, if there is one, and the opening bracket.
    pub(super) open: Range<usize>,
    pub(super) entries: Vec<Entry>,
    /// From the last entry to the closing bracket.
    pub(super) rest: Range<usize>,
    pub(super) close: Range<usize>,
}

/// An entry of a container with the space and comments that go with it.
pub(super) struct Entry {
    /// From the end of the entry before to the value: space, comments, and the key with its colon.
    pub(super) lead: Range<usize>,
    pub(super) key: Option<Range<usize>>,
    pub(super) value: Node,
    /// The comma and what follows it on the same line; empty without a comma.
    pub(super) tail: Range<usize>,
}

/// Reads a text.
pub(super) fn scan(text: &str) -> Result<Document, &'static str> {
    let mut scanner = Scanner { text, bytes: text.as_bytes(), at: 0 };
    scanner.extensions()?;
    let value = scanner.value(0)?;
    scanner.trivia()?;
    if scanner.at != text.len() {
        return Err("something follows the rig");
    }
    Ok(Document { value })
}

struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.at.min(self.bytes.len())..]
    }

    /// Skips `#![enable(...)]` lines.
    fn extensions(&mut self) -> Result<(), &'static str> {
        self.trivia()?;
        while self.rest().starts_with(b"#!") {
            let end = self.rest().iter().position(|byte| *byte == b']').ok_or("an extension does not end")?;
            self.at += end + 1;
            self.trivia()?;
        }
        Ok(())
    }

    /// Skips space and comments.
    fn trivia(&mut self) -> Result<(), &'static str> {
        loop {
            match self.rest() {
                [b'/', b'/', ..] => self.line_comment(),
                [b'/', b'*', ..] => self.block_comment()?,
                [byte, ..] if byte.is_ascii_whitespace() => self.at += 1,
                _ => return Ok(()),
            }
        }
    }

    fn line_comment(&mut self) {
        let length = self.rest().iter().position(|byte| *byte == b'\n').unwrap_or(self.rest().len());
        self.at += length;
    }

    fn block_comment(&mut self) -> Result<(), &'static str> {
        let mut depth = 0;
        loop {
            match self.rest() {
                [b'/', b'*', ..] => {
                    depth += 1;
                    self.at += 2;
                }
                [b'*', b'/', ..] => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                [_, ..] => self.at += 1,
                [] => return Err("a comment does not end"),
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, &'static str> {
        if depth > MAX_DEPTH {
            return Err("it nests too deeply");
        }
        let start = self.at;
        match self.peek().ok_or("it ends too early")? {
            b'"' => self.string()?,
            b'r' if self.raw_string()? => {}
            b'\'' => self.character()?,
            b'(' | b'[' | b'{' => return self.container(start, depth),
            _ => {
                self.token()?;
                let end = self.at;
                self.trivia()?;
                if self.peek() == Some(b'(') {
                    return self.container(start, depth);
                }
                self.at = end;
            }
        }
        Ok(Node { span: start..self.at, container: None })
    }

    fn token(&mut self) -> Result<(), &'static str> {
        let start = self.at;
        while let Some(byte) = self.peek() {
            let comment = matches!(self.rest(), [b'/', b'/' | b'*', ..]);
            if byte.is_ascii_whitespace() || b",:()[]{}\"'".contains(&byte) || comment {
                break;
            }
            self.at += 1;
        }
        if self.at == start { Err("a value is missing") } else { Ok(()) }
    }

    fn string(&mut self) -> Result<(), &'static str> {
        self.at += 1;
        loop {
            match self.peek().ok_or("a string does not end")? {
                b'\\' => self.at += 2,
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => self.at += 1,
            }
        }
    }

    /// Reads a string like `r#"..."#`; false when it is something else that begins with an r.
    fn raw_string(&mut self) -> Result<bool, &'static str> {
        let hashes = self.rest()[1..].iter().take_while(|byte| **byte == b'#').count();
        if self.rest().get(1 + hashes) != Some(&b'"') {
            return Ok(false);
        }
        let end = format!("\"{}", "#".repeat(hashes));
        let from = self.at + 2 + hashes;
        let length = self.text.get(from..).and_then(|text| text.find(&end)).ok_or("a string does not end")?;
        self.at = from + length + end.len();
        Ok(true)
    }

    fn character(&mut self) -> Result<(), &'static str> {
        let skipped = if self.rest().get(1) == Some(&b'\\') { 3 } else { 2 };
        let tail = self.rest().get(skipped..).ok_or("a character does not end")?;
        self.at += skipped + tail.iter().position(|byte| *byte == b'\'').ok_or("a character does not end")? + 1;
        Ok(())
    }

    fn container(&mut self, start: usize, depth: usize) -> Result<Node, &'static str> {
        let closing = match self.peek() {
            Some(b'(') => b')',
            Some(b'[') => b']',
            _ => b'}',
        };
        self.at += 1;
        let open = start..self.at;
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let from = self.at;
            self.trivia()?;
            if self.peek() == Some(closing) {
                let (rest, close) = (from..self.at, self.at..self.at + 1);
                self.at += 1;
                let container = Container { open, entries, rest, close };
                return Ok(Node { span: start..self.at, container: Some(container) });
            }
            if entries.last().is_some_and(|entry| entry.tail.is_empty()) {
                return Err("a comma is missing");
            }
            entries.push(self.entry(from, depth)?);
        }
    }

    fn entry(&mut self, from: usize, depth: usize) -> Result<Entry, &'static str> {
        let mut value = self.value(depth + 1)?;
        let mut key = None;
        let end = self.at;
        self.trivia()?;
        if self.peek() == Some(b':') {
            key = Some(value.span);
            self.at += 1;
            self.trivia()?;
            value = self.value(depth + 1)?;
        } else {
            self.at = end;
        }
        let end = value.span.end;
        self.trivia()?;
        if self.peek() != Some(b',') {
            self.at = end;
            return Ok(Entry { lead: from..value.span.start, key, value, tail: end..end });
        }
        self.at += 1;
        self.rest_of_line();
        Ok(Entry { lead: from..value.span.start, key, value, tail: end..self.at })
    }

    /// Takes a comment behind a comma, when nothing else follows on the line.
    fn rest_of_line(&mut self) {
        let comma = self.at;
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        if self.rest().starts_with(b"//") {
            self.line_comment();
        } else {
            self.at = comma;
        }
    }
}
