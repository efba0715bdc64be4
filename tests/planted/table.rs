//! The table of faults, faults.txt.

use std::collections::BTreeMap;
use std::path::Path;

/// One change of the text of a shader file that makes its kernel compute something else.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    /// Name of the shader file.
    pub(super) file: String,
    /// `sign`, `bound`, `barrier`, `shuffle`, `index`, `value` or `nan`.
    pub(super) kind: String,
    /// Which of several places of the text it is at, from 1; 0 where there is one.
    pub(super) place: usize,
    /// What is replaced, and by what.
    pub(super) change: [String; 2],
    /// The contents of the file, without the fault and with it.
    pub(super) texts: [&'static str; 2],
    /// The function that it is in.
    pub(super) function: &'static str,
    /// The case to begin with, where most of those with the file do not show the fault; empty where many do.
    pub(super) case: String,
    /// Why no comparison sees it, where none does.
    pub(super) unseen: Option<String>,
}

/// What the table says of a shader file.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// In the order of the table.
    pub(super) faults: Vec<Fault>,
    /// Kinds of which the file has nothing to change, with the reason.
    pub(super) without: BTreeMap<String, String>,
}

const KINDS: [&str; 7] = ["sign", "bound", "barrier", "shuffle", "index", "value", "nan"];

/// All shader files: name and contents.
pub(super) fn shader_files() -> BTreeMap<String, &'static str> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: &Path| &*std::fs::read_to_string(path).unwrap().leak();
    entries.map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), read(&path))).collect()
}

/// The table. A file's name stands alone on a line; below it, indented, are
/// `KIND: OLD => NEW`, `KIND N: OLD => NEW` for the N-th place of several, `equivalent KIND: OLD => NEW # REASON` for a change that
/// makes no difference, `unseen KIND: ...` likewise for one that does but that no comparison shows, and `no KIND: REASON`; `\n` is the end of a line. `[CASE]` before the colon names the case to begin with.
pub(super) fn read() -> BTreeMap<String, Entry> {
    let files = shader_files();
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    let mut file = String::new();
    for line in include_str!("faults.txt").lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        if !line.starts_with(' ') {
            file = line.to_owned();
            assert!(files.contains_key(&file), "there is no shaders/{file}");
            assert!(entries.insert(file.clone(), Entry::default()).is_none(), "{file} is listed twice");
            continue;
        }
        let entry = entries.get_mut(&file).expect("a file's name comes first");
        let (head, rest) = line.trim().split_once(": ").unwrap_or_else(|| panic!("{file}: no kind in `{line}`"));
        if let Some(kind) = head.strip_prefix("no ") {
            assert!(KINDS.contains(&kind), "{file}: kind {kind}");
            entry.without.insert(kind.to_owned(), rest.to_owned());
        } else {
            entry.faults.push(fault(&file, files[&file], head, rest));
        }
    }
    entries
}

fn fault(file: &str, text: &'static str, head: &str, rest: &str) -> Fault {
    let unseen = ["equivalent ", "unseen "].into_iter().find_map(|prefix| head.strip_prefix(prefix));
    let (head, is_unseen) = (unseen.unwrap_or(head), unseen.is_some());
    let (head, case) = head.strip_suffix(']').and_then(|head| head.split_once(" [")).unwrap_or((head, ""));
    let (kind, place) = head.split_once(' ').unwrap_or((head, ""));
    assert!(KINDS.contains(&kind), "{file}: kind {kind}");
    let (rest, reason) = rest.split_once(" # ").map_or((rest, None), |(rest, reason)| (rest, Some(reason.to_owned())));
    assert_eq!(is_unseen, reason.is_some(), "{file}: a reason is for what is not seen: {rest}");
    let (old, new) = rest.split_once("=>").unwrap_or_else(|| panic!("{file}: no `=>` in `{rest}`"));
    let [old, new] = [old, new].map(|part| part.trim().replace("\\n", "\n"));
    let (old, new) = (old.as_str(), new.as_str());
    let found = places(text, old);
    let place: usize = place.parse().unwrap_or_default();
    assert!(place > 0 || found.len() == 1, "{file}: `{old}` stands in {} places", found.len());
    let at = *found.get(place.max(1) - 1).unwrap_or_else(|| panic!("{file}: `{old}` stands in {} places", found.len()));
    let planted = format!("{}{new}{}", &text[..at], &text[at + old.len()..]);
    Fault {
        file: file.to_owned(),
        kind: kind.to_owned(),
        place,
        change: [old.to_owned(), new.to_owned()],
        texts: [text, planted.leak()],
        function: functions(&text[..at]).last().copied().unwrap_or_default(),
        case: case.to_owned(),
        unseen: reason,
    }
}

/// The functions that a file defines.
pub(super) fn functions(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("fn ")?.split_once('(').map(|(name, _)| name)).collect()
}

/// Where `part` stands in the code of `text`, comments aside.
pub(super) fn places(text: &str, part: &str) -> Vec<usize> {
    let in_comment = |at: usize| text[..at].rsplit('\n').next().unwrap_or_default().contains("//");
    text.match_indices(part).map(|(at, _)| at).filter(|at| !in_comment(*at)).collect()
}
