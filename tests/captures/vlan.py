#!/usr/bin/env python3
"""A VLAN device in user space, for kernels that are built without 802.1Q.

usage: vlan.py NAME WIRE PROTOCOL:ID...

Makes a TAP device NAME. What programs send through it leaves WIRE with the
given tags, the outer one first (`8021q:100`, or `8021ad:200 8021q:20`); what
comes in on WIRE with these tags is received by NAME without them.
"""

import errno
import fcntl
import os
import select
import socket
import struct
import sys

TUNSETIFF = 0x400454CA
IFF_TAP = 0x0002
IFF_NO_PI = 0x1000
ETH_P_ALL = 0x0003
PROTOCOLS = {"8021q": 0x8100, "8021ad": 0x88A8}

SOL_PACKET = 263
PACKET_AUXDATA = 8
# struct tpacket_auxdata: status, len, snaplen, mac, net, vlan_tci, vlan_tpid
AUXDATA = struct.Struct("=IIIHHHH")
TP_STATUS_VLAN_VALID = 1 << 4

# Where the tags stand: behind the two addresses.
ADDRESSES_LENGTH = 12
FRAME_LENGTH_MAX = 2048


def open_tap(name):
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return tap


def open_wire(name):
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    wire.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    wire.bind((name, ETH_P_ALL))
    return wire


def receive(wire):
    """The next frame as it was on the wire: the kernel hands out the outer tag apart."""
    frame, control, _, sender = wire.recvmsg(FRAME_LENGTH_MAX, 256)
    if sender[2] == socket.PACKET_OUTGOING:
        return None
    for level, kind, data in control:
        if level == SOL_PACKET and kind == PACKET_AUXDATA:
            status, _, _, _, _, tci, protocol = AUXDATA.unpack(data[: AUXDATA.size])
            if status & TP_STATUS_VLAN_VALID:
                tag = struct.pack("!HH", protocol, tci)
                frame = frame[:ADDRESSES_LENGTH] + tag + frame[ADDRESSES_LENGTH:]
    return frame


def deliver(tap, frame):
    try:
        os.write(tap, frame)
    except OSError as error:
        # A device that is not up yet refuses frames; a wire would lose them.
        if error.errno != errno.EIO:
            raise


def main(name, wire_name, *tags):
    pairs = [tag.split(":") for tag in tags]
    tags = b"".join(struct.pack("!HH", PROTOCOLS[kind], int(number)) for kind, number in pairs)
    tap, wire = open_tap(name), open_wire(wire_name)
    print("ready", flush=True)
    while True:
        readable, _, _ = select.select([tap, wire], [], [])
        if tap in readable:
            frame = os.read(tap, FRAME_LENGTH_MAX)
            wire.send(frame[:ADDRESSES_LENGTH] + tags + frame[ADDRESSES_LENGTH:])
        if wire in readable:
            frame = receive(wire)
            if frame and frame[ADDRESSES_LENGTH:].startswith(tags):
                deliver(tap, frame[:ADDRESSES_LENGTH] + frame[ADDRESSES_LENGTH + len(tags) :])


if __name__ == "__main__":
    main(*sys.argv[1:])
