//! How a phase of a run stands, in colour, in a sign and in a word.

/// How a phase stands, as far as colours go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tint {
    /// Not begun.
    Pending,
    /// Under way.
    Running,
    /// Waits for time, a signal or a person.
    Waiting,
    /// Did what was asked.
    Good,
    /// Did not.
    Bad,
    /// Did not, and the run goes on; or a person must look at it.
    Odd,
    /// Was skipped, cancelled or undone.
    Gone,
}

/// How a phase stands, and the word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark<'a> {
    /// Its colour.
    pub tint: Tint,
    /// Its word.
    pub word: &'a str,
}

/// Colours as `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Colours {
    pub(super) fill: &'static str,
    pub(super) stroke: &'static str,
    pub(super) text: &'static str,
}

/// Colours of what has no mark.
pub(super) const LIGHT: Colours = colours("#ffffff", "#64748b", "#1e293b");

/// The same on a dark page.
pub(super) const DARK: Colours = colours("#1e293b", "#94a3b8", "#f1f5f9");

const fn colours(fill: &'static str, stroke: &'static str, text: &'static str) -> Colours {
    Colours { fill, stroke, text }
}

impl Tint {
    /// Every tint, in the order of their declaration.
    pub const ALL: [Self; 7] =
        [Self::Pending, Self::Running, Self::Waiting, Self::Good, Self::Bad, Self::Odd, Self::Gone];

    /// A name for it, for classes of style sheets.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Odd => "odd",
            Self::Gone => "gone",
        }
    }

    /// The word for it where there is none that says more.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending | Self::Running | Self::Waiting => self.name(),
            Self::Good => "done",
            Self::Bad => "failed",
            Self::Odd => "tolerated",
            Self::Gone => "skipped",
        }
    }

    /// Its sign, one column wide.
    pub(super) fn sign(self, ascii: bool) -> char {
        let (plain, drawn) = match self {
            Self::Pending => ('.', '·'),
            Self::Running => ('>', '▸'),
            Self::Waiting => ('~', '…'),
            Self::Good => ('+', '✓'),
            Self::Bad => ('x', '✗'),
            Self::Odd => ('!', '!'),
            Self::Gone => ('-', '–'),
        };
        if ascii { plain } else { drawn }
    }

    /// Its colours on a light page.
    pub(super) fn light(self) -> Colours {
        match self {
            Self::Pending => colours("#f1f5f9", "#64748b", "#334155"),
            Self::Running => colours("#dbeafe", "#2563eb", "#1e3a8a"),
            Self::Waiting => colours("#fef3c7", "#b45309", "#713f12"),
            Self::Good => colours("#dcfce7", "#15803d", "#14532d"),
            Self::Bad => colours("#fee2e2", "#b91c1c", "#7f1d1d"),
            Self::Odd => colours("#ffedd5", "#c2410c", "#7c2d12"),
            Self::Gone => colours("#f8fafc", "#94a3b8", "#475569"),
        }
    }

    /// Its colours on a dark page.
    pub(super) fn dark(self) -> Colours {
        match self {
            Self::Pending => colours("#1e293b", "#64748b", "#cbd5e1"),
            Self::Running => colours("#1e3a8a", "#60a5fa", "#dbeafe"),
            Self::Waiting => colours("#553708", "#fbbf24", "#fef3c7"),
            Self::Good => colours("#14432a", "#4ade80", "#dcfce7"),
            Self::Bad => colours("#601919", "#f87171", "#fee2e2"),
            Self::Odd => colours("#62250c", "#fb923c", "#ffedd5"),
            Self::Gone => colours("#0f172a", "#475569", "#94a3b8"),
        }
    }
}

impl From<Tint> for Mark<'static> {
    fn from(tint: Tint) -> Self {
        Self { tint, word: tint.word() }
    }
}
