//! Text tables with aligned columns. It must not know what stands in them.

/// Rows of cells under a heading; the first column is aligned to the left, the others to the right.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
    notes: Vec<String>,
}

impl Table {
    /// A table with these column headings.
    pub fn new(headings: &[&str]) -> Self {
        Self { rows: vec![headings.iter().map(|&heading| heading.to_owned()).collect()], notes: Vec::new() }
    }

    /// Adds a row of cells.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Adds a row that is a name and a sentence across all other columns.
    pub fn sentence(&mut self, name: &str, sentence: &str) {
        self.rows.push(vec![name.to_owned(), format!("\0{sentence}")]);
    }

    /// Adds a line below the table.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.filter(|cell| !cell.starts_with('\0')).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                match (column, cell.strip_prefix('\0')) {
                    (_, Some(sentence)) => line.push_str(&format!("  {sentence}")),
                    (0, None) => line.push_str(&format!("{cell:<width$}", width = widths[0])),
                    (_, None) => line.push_str(&format!("  {cell:>width$}", width = widths[column])),
                }
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        for note in &self.notes {
            writeln!(out, "{note}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["row", "CPU"]);
        table.row(vec!["floor".to_owned(), "5.61".to_owned()]);
        table.row(vec!["hc".to_owned(), "12.00".to_owned()]);
        table.sentence("nginx", "not installed (apt-get install nginx)");
        table.note("a note");
        let expected = "row      CPU\nfloor   5.61\nhc     12.00\nnginx  not installed (apt-get install nginx)\na note\n";
        assert_eq!(table.to_string(), expected);
    }
}
