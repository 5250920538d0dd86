//! Writing pcap.

use std::borrow::Cow;
use std::io::Write;

use pcap_file::pcap::{PcapHeader, PcapWriter, RawPcapPacket};
use pcap_file::{DataLink, Endianness, PcapError, TsResolution};

use super::{Error, Frame, LinkType, Place};

/// Writes frames as a pcap file with nanosecond time stamps, which tcpdump and Wireshark read.
pub struct Writer<W: Write> {
    pcap: PcapWriter<W>,
    frames: u64,
}

impl<W: Write> Writer<W> {
    /// Starts a capture, of one link type.
    ///
    /// # Errors
    ///
    /// If the header cannot be written.
    pub fn new(output: W, link: LinkType) -> Result<Writer<W>, Error> {
        let header = PcapHeader {
            snaplen: 262_144,
            datalink: DataLink::from(link.0),
            ts_resolution: TsResolution::NanoSecond,
            endianness: Endianness::Little,
            ..PcapHeader::default()
        };
        let pcap = PcapWriter::with_header(output, header)
            .map_err(|error| write_error(Place::Header, error))?;
        Ok(Writer { pcap, frames: 0 })
    }

    /// Appends a frame.
    ///
    /// # Errors
    ///
    /// If it cannot be written, or its time is past the year 2106, which is where pcap ends.
    pub fn write(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        self.frames += 1;
        let place = Place::Frame(self.frames);
        let timestamp_ns = frame.timestamp_ns;
        let ts_sec = u32::try_from(timestamp_ns / 1_000_000_000)
            .map_err(|_| Error::Time { place, timestamp_ns })?;
        let ts_frac = u32::try_from(timestamp_ns % 1_000_000_000)
            .expect("a remainder by 1,000,000,000 fits 32 bits");
        let incl_len = u32::try_from(frame.data.len())
            .map_err(|_| Error::Damaged { place, what: "4 GiB or more in one frame".to_owned() })?;
        let packet = RawPcapPacket {
            ts_sec,
            ts_frac,
            incl_len,
            orig_len: frame.wire_len.max(incl_len),
            data: Cow::Borrowed(frame.data),
        };
        self.pcap.write_raw_packet(&packet).map_err(|error| write_error(place, error))?;
        Ok(())
    }

    /// How many frames have been written.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Ends the capture, pushing what is buffered to where it goes.
    ///
    /// # Errors
    ///
    /// If that cannot be written.
    pub fn finish(self) -> Result<(), Error> {
        let place = Place::Frame(self.frames);
        self.pcap.into_writer().flush().map_err(|source| Error::Io { place, source })
    }
}

fn write_error(place: Place, error: PcapError) -> Error {
    match error {
        PcapError::IoError(source) => Error::Io { place, source },
        PcapError::IncompleteBuffer
        | PcapError::InvalidField(_)
        | PcapError::Utf8Error(_)
        | PcapError::FromUtf8Error(_)
        | PcapError::InvalidInterfaceId(_) => Error::Damaged { place, what: error.to_string() },
    }
}
