//! Reading pcap and pcapng.

use std::borrow::Cow;
use std::io::{self, Cursor, Read};

use pcap_file::pcap::PcapReader;
use pcap_file::pcapng::blocks::interface_description::InterfaceDescriptionOption;
use pcap_file::pcapng::{Block, PcapNgReader};
use pcap_file::{PcapError, TsResolution};

use super::{Error, Frame, LinkType, Place};

/// The first bytes of a pcapng file: its section header's block type.
const PCAPNG_MAGIC: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// The first bytes of pcap files: micro- and nanoseconds, either byte order.
const PCAP_MAGICS: [[u8; 4]; 4] = [
    [0xa1, 0xb2, 0xc3, 0xd4],
    [0xa1, 0xb2, 0x3c, 0x4d],
    [0xd4, 0xc3, 0xb2, 0xa1],
    [0x4d, 0x3c, 0xb2, 0xa1],
];

/// Frames above this are damage, not jumbo frames: the largest snapshot length that tcpdump takes.
const MAX_FRAME_LEN: usize = 262_144;

/// The stream with its first bytes, which told the format, put back.
type Whole<R> = io::Chain<Cursor<Vec<u8>>, R>;

/// Reads the frames of a capture one after the other, holding one at a time.
pub struct Reader<R: Read> {
    format: Format<R>,
    frames: u64,
    /// The frame that was read last.
    buffer: Vec<u8>,
    failed: bool,
}

enum Format<R: Read> {
    Pcap(PcapReader<Whole<R>>),
    PcapNg(PcapNgReader<Whole<R>>),
}

/// A frame's facts, its bytes being in the reader's buffer.
struct Facts {
    timestamp_ns: u64,
    link: LinkType,
    wire_len: u32,
}

impl<R: Read> Reader<R> {
    /// Starts to read a capture, telling its format by its first bytes.
    ///
    /// # Errors
    ///
    /// If it is neither pcap nor pcapng, or its header is damaged or cut off.
    pub fn new(mut input: R) -> Result<Reader<R>, Error> {
        let mut magic = Vec::with_capacity(4);
        input
            .by_ref()
            .take(4)
            .read_to_end(&mut magic)
            .map_err(|source| Error::Io { place: Place::Header, source })?;
        let pcapng = magic == PCAPNG_MAGIC;
        if !pcapng && !PCAP_MAGICS.iter().any(|known| known[..] == magic[..]) {
            return Err(Error::Format { found: magic });
        }
        let whole = Cursor::new(magic).chain(input);
        let format = if pcapng {
            PcapNgReader::new(whole).map(Format::PcapNg)
        } else {
            PcapReader::new(whole).map(Format::Pcap)
        };
        let format = format.map_err(|error| place_error(Place::Header, error))?;
        Ok(Reader { format, frames: 0, buffer: Vec::new(), failed: false })
    }

    /// The next frame; `None` at the end and after an error.
    pub fn next_frame(&mut self) -> Option<Result<Frame<'_>, Error>> {
        if self.failed {
            return None;
        }
        let place = Place::Frame(self.frames + 1);
        let read = match &mut self.format {
            Format::Pcap(reader) => next_pcap(reader, &mut self.buffer, place),
            Format::PcapNg(reader) => next_pcapng(reader, &mut self.buffer, place),
        };
        match read {
            Ok(None) => None,
            Ok(Some(Facts { timestamp_ns, link, wire_len })) => {
                self.frames += 1;
                Some(Ok(Frame { timestamp_ns, link, data: &self.buffer, wire_len }))
            }
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }

    /// How many frames have been read.
    pub fn frames(&self) -> u64 {
        self.frames
    }
}

fn next_pcap<R: Read>(
    reader: &mut PcapReader<R>,
    buffer: &mut Vec<u8>,
    place: Place,
) -> Result<Option<Facts>, Error> {
    let header = reader.header();
    // The raw packet: the checked one refuses frames that were longer than the snapshot length,
    // which is what a snapshot length is for.
    let Some(packet) = reader.next_raw_packet() else { return Ok(None) };
    let packet = packet.map_err(|error| place_error(place, error))?;
    keep(buffer, packet.data, place)?;
    let fraction_ns = match header.ts_resolution {
        TsResolution::MicroSecond => u64::from(packet.ts_frac) * 1_000,
        TsResolution::NanoSecond => u64::from(packet.ts_frac),
    };
    Ok(Some(Facts {
        timestamp_ns: u64::from(packet.ts_sec) * 1_000_000_000 + fraction_ns,
        link: LinkType(u32::from(header.datalink)),
        wire_len: packet.orig_len,
    }))
}

fn next_pcapng<R: Read>(
    reader: &mut PcapNgReader<R>,
    buffer: &mut Vec<u8>,
    place: Place,
) -> Result<Option<Facts>, Error> {
    loop {
        let Some(block) = reader.next_block() else { return Ok(None) };
        let block = block.map_err(|error| place_error(place, error))?;
        // The block borrows the reader, whose list of interfaces is needed next.
        let (interface_id, ticks, wire_len) = match block {
            Block::EnhancedPacket(packet) => {
                keep(buffer, packet.data, place)?;
                // The library hands over the file's ticks as if they were nanoseconds.
                (packet.interface_id, packet.timestamp.as_nanos(), packet.original_len)
            }
            Block::SimplePacket(packet) => {
                keep(buffer, packet.data, place)?;
                (0, 0, packet.original_len)
            }
            Block::Packet(packet) => {
                keep(buffer, packet.data, place)?;
                (u32::from(packet.interface_id), u128::from(packet.timestamp), packet.original_len)
            }
            Block::SectionHeader(_)
            | Block::InterfaceDescription(_)
            | Block::NameResolution(_)
            | Block::InterfaceStatistics(_)
            | Block::SystemdJournalExport(_)
            | Block::Unknown(_) => continue,
        };
        let interface = usize::try_from(interface_id)
            .ok()
            .and_then(|index| reader.interfaces().get(index))
            .ok_or_else(|| Error::Damaged {
                place,
                what: format!(
                    "it names interface {interface_id}, the section describes {}",
                    reader.interfaces().len()
                ),
            })?;
        let mut resolution = Resolution::default();
        let mut offset_s = 0;
        for option in &interface.options {
            match option {
                InterfaceDescriptionOption::IfTsResol(byte) => resolution = Resolution(*byte),
                InterfaceDescriptionOption::IfTsOffset(seconds) => offset_s = *seconds,
                _ => {}
            }
        }
        return Ok(Some(Facts {
            timestamp_ns: resolution
                .nanoseconds(ticks)
                .wrapping_add(offset_s.wrapping_mul(1_000_000_000)),
            link: LinkType(u32::from(interface.linktype)),
            wire_len,
        }));
    }
}

/// The unit of a pcapng interface's time stamps, as its option `if_tsresol` has it: a negative
/// power of ten, or with the top bit set of two.
struct Resolution(u8);

impl Default for Resolution {
    /// Microseconds.
    fn default() -> Resolution {
        Resolution(6)
    }
}

impl Resolution {
    fn nanoseconds(&self, ticks: u128) -> u64 {
        let exponent = u32::from(self.0 & 0x7f);
        let base: u128 = if self.0 & 0x80 == 0 { 10 } else { 2 };
        let ns = match base.checked_pow(exponent) {
            Some(ticks_a_second) => ticks.saturating_mul(1_000_000_000) / ticks_a_second,
            None => 0,
        };
        u64::try_from(ns).unwrap_or(u64::MAX)
    }
}

/// Puts a frame's bytes into the reader's buffer.
fn keep(buffer: &mut Vec<u8>, data: Cow<'_, [u8]>, place: Place) -> Result<(), Error> {
    if data.len() > MAX_FRAME_LEN {
        let what = format!("{} bytes, the limit is {MAX_FRAME_LEN}", data.len());
        return Err(Error::Damaged { place, what });
    }
    buffer.clear();
    buffer.extend_from_slice(&data);
    Ok(())
}

fn place_error(place: Place, error: PcapError) -> Error {
    match error {
        PcapError::IncompleteBuffer => Error::Truncated { place },
        PcapError::IoError(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
            Error::Truncated { place }
        }
        PcapError::IoError(source) => Error::Io { place, source },
        PcapError::InvalidField(what) => Error::Damaged { place, what: what.to_owned() },
        PcapError::Utf8Error(_) | PcapError::FromUtf8Error(_) => {
            Error::Damaged { place, what: "a text option that is not UTF-8".to_owned() }
        }
        PcapError::InvalidInterfaceId(id) => {
            Error::Damaged { place, what: format!("no interface {id}") }
        }
    }
}
