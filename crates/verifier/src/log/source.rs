//! Source lines, as the kernel prints them: `; if (data + 1 > data_end) @ filter.bpf.c:17`.

use skep_spec::InsnIdx;

use crate::input::{Input, LineInfo};

/// The number of the record that tells of an instruction's source line, and the record.
pub(super) fn record<'a>(input: &Input<'a>, at: InsnIdx) -> Option<(usize, &'a LineInfo)> {
    let after = input.line_info.partition_point(|line| line.at <= at);
    // The kernel takes the first record for what stands before it.
    let number = after.saturating_sub(1);
    input.line_info.get(number).map(|line| (number, line))
}

/// The text of a source line, as the log has it; none, if the program's strings lack it.
pub(super) fn text(input: &Input<'_>, line: &LineInfo) -> Option<String> {
    let strings = input.btf?;
    let text = strings.string(line.line_off)?;
    let file = strings.string(line.file_name_off)?;
    let file = file.rsplit('/').next().unwrap_or_default();
    Some(format!("; {} @ {file}:{}\n", text.trim_start(), line.line))
}
