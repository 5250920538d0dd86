#!/bin/bash
# Records sample.pcap: real programs that talk across a veth pair between two
# network namespaces of their own. Needs root and, from Debian: iproute2 ethtool
# tcpdump nginx-light curl dnsmasq-base dnsutils iputils-ping hping3 bsdutils
# python3 wireshark-common. Takes about half a minute and leaves nothing behind,
# also where it fails.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
client=skep-client-$$
server=skep-server-$$
started=()

clean_up() {
    for pid in "${started[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    # The veth pair and the VLAN devices go with their namespaces.
    ip netns delete "$client" 2>/dev/null || true
    ip netns delete "$server" 2>/dev/null || true
    rm -rf "$scratch"
}
trap clean_up EXIT

on_client() { ip netns exec "$client" "$@"; }
on_server() { ip netns exec "$server" "$@"; }

# Starts a server program in the background, to be ended by clean_up.
serve() {
    ip netns exec "$server" "$@" >"$scratch/$1.log" 2>&1 &
    started+=($!)
}

make_network() {
    ip netns add "$client"
    ip netns add "$server"
    ip link add name wire netns "$client" address 02:00:00:00:00:10 \
        type veth peer name wire netns "$server" address 02:00:00:00:00:02
    for side in "$client" "$server"; do
        # Frames as they would be on a cable: whole checksums and no giant segments.
        ip netns exec "$side" ethtool -K wire rx off tx off sg off tso off gso off gro off \
            >/dev/null
        ip -n "$side" link set lo up
    done

    ip -n "$server" link set wire up
    tcpdump_start
    ip -n "$client" link set wire up
    make_vlan wire.100 1500 01 8021q:100
    make_vlan wire.200.20 1496 02 8021ad:200 8021q:20
    add_addresses "$client" 10
    add_addresses "$server" 2
    # The address of a service, as a load balancer would hold it.
    ip -n "$server" address add 192.0.2.80/24 dev wire
    ip -n "$server" address add 2001:db8:1::80/64 dev wire nodad
    # Whom the firewall's default rules name.
    ip -n "$client" address add 2001:db8:bad::66/64 dev wire nodad
    ip -n "$server" route add 2001:db8:bad::/64 dev wire
    # Answers to the flood's made-up source go to the client, which ignores them.
    ip -n "$server" route add 203.0.113.0/24 via 192.0.2.10
}

# A device on both sides that puts tags on what passes through it: see vlan.py.
make_vlan() {
    local name=$1 mtu=$2 network=$3 host
    shift 3
    for side in "$client" "$server"; do
        ip netns exec "$side" "$here/vlan.py" "$name" wire "$@" >"$scratch/$side.$name.log" 2>&1 &
        started+=($!)
        wait_for ready "$scratch/$side.$name.log"
        [ "$side" = "$client" ] && host=10 || host=02
        ip -n "$side" link set "$name" address "02:00:00:00:$network:$host" mtu "$mtu" up
    done
}

# Until a line of a log says that its program is ready.
wait_for() {
    for _ in $(seq 50); do
        grep -qs "$1" "$2" && return
        sleep 0.1
    done
    echo "no '$1' after 5 seconds:" >&2
    cat "$2" >&2
    exit 1
}

# The same host number on every network.
add_addresses() {
    ip -n "$1" address add "192.0.2.$2/24" dev wire
    ip -n "$1" address add "2001:db8:1::$2/64" dev wire nodad
    ip -n "$1" address add "198.51.100.$2/24" dev wire.100
    ip -n "$1" address add "2001:db8:100::$2/64" dev wire.100 nodad
    ip -n "$1" address add "10.20.0.$2/24" dev wire.200.20
}

tcpdump_start() {
    ip netns exec "$server" tcpdump -i wire -s 0 -U -Z root -w "$scratch/sample.pcap" \
        2>"$scratch/tcpdump.log" &
    tcpdump=$!
    started+=("$tcpdump")
    wait_for 'listening on' "$scratch/tcpdump.log"
}

start_servers() {
    mkdir "$scratch/www"
    echo '<html><body><h1>It hums.</h1></body></html>' >"$scratch/www/index.html"
    # Some 27 KB, so that most frames are full.
    seq -f 'line %04g of a page that takes several frames' 1 600 >"$scratch/www/long.txt"
    cat >"$scratch/nginx.conf" <<CONF
daemon off;
worker_processes 1;
user root;
pid $scratch/nginx.pid;
error_log $scratch/nginx-error.log;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path $scratch/body;
    proxy_temp_path $scratch/proxy;
    fastcgi_temp_path $scratch/fastcgi;
    uwsgi_temp_path $scratch/uwsgi;
    scgi_temp_path $scratch/scgi;
    server { listen 80; listen [::]:80; root $scratch/www; }
}
CONF
    serve nginx -c "$scratch/nginx.conf" -e "$scratch/nginx-error.log"

    # An answer of more than one frame: the DNS over UDP then comes in fragments.
    long=$(printf 'x%.0s' $(seq 250))
    serve dnsmasq --no-daemon --no-resolv --no-hosts --user=root --conf-file=/dev/null \
        --bind-interfaces --interface=wire --edns-packet-max=4096 \
        --host-record=www.hive.example,192.0.2.80,2001:db8:1::80 \
        --cname=alias.hive.example,www.hive.example \
        --mx-host=hive.example,www.hive.example,10 \
        --txt-record=long.hive.example,"$long","$long","$long","$long","$long","$long","$long","$long"
    sleep 1
}

talk_icmp() {
    on_client ping -q -c 5 -i 0.1 192.0.2.2
    on_client ping -q -c 5 -i 0.1 2001:db8:1::2
    # Larger than a frame: fragments of IPv4 and of IPv6.
    on_client ping -q -c 4 -i 0.1 -s 4000 192.0.2.2
    on_client ping -q -c 4 -i 0.1 -s 4000 2001:db8:1::2
    # Just as large as a frame.
    on_client ping -q -c 2 -i 0.1 -M do -s 1472 192.0.2.2
    on_client ping -q -c 3 -i 0.1 -I 2001:db8:bad::66 2001:db8:1::2
}

talk_dns() {
    local dig=(on_client dig +tries=1 +time=2 +noall +answer)
    for name in www alias absent; do
        "${dig[@]}" @192.0.2.2 "$name.hive.example" A
        "${dig[@]}" @2001:db8:1::2 "$name.hive.example" AAAA
    done
    "${dig[@]}" @192.0.2.2 hive.example MX
    "${dig[@]}" +tcp @192.0.2.2 www.hive.example A
    "${dig[@]}" +bufsize=4096 +ignore @192.0.2.2 long.hive.example TXT
    "${dig[@]}" +bufsize=4096 +ignore @2001:db8:1::2 long.hive.example TXT
}

talk_http() {
    local curl=(on_client curl --silent --show-error --output /dev/null --max-time 5)
    for host in 192.0.2.80 '[2001:db8:1::80]' 198.51.100.2 '[2001:db8:100::2]'; do
        "${curl[@]}" "http://$host/"
        "${curl[@]}" "http://$host/long.txt"
        sleep 0.3
    done
    for _ in $(seq 8); do
        "${curl[@]}" "http://192.0.2.80/" "http://192.0.2.80/absent"
        "${curl[@]}" "http://[2001:db8:1::80]/"
    done
}

talk_vlan() {
    on_client ping -q -c 5 -i 0.1 198.51.100.2
    on_client ping -q -c 3 -i 0.1 2001:db8:100::2
    # Two tags.
    on_client ping -q -c 5 -i 0.1 10.20.0.2
    on_client ping -q -c 2 -i 0.1 -s 3000 10.20.0.2
}

talk_udp() {
    for line in 1 2 3 4 5; do
        on_client logger --server 192.0.2.2 --port 514 --udp "bee $line is home"
        on_client logger --server 2001:db8:1::2 --port 514 --udp "bee $line is home"
    done
    # Discard and chargen, and an option header before UDP: sockets are enough.
    on_client python3 - <<'PYTHON'
import socket

for port in (9, 19):
    for count in range(3):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"flowers", ("192.0.2.2", port))
with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
    # Next header and length are the kernel's to fill in; then PadN of 4 bytes.
    padding = bytes([0, 0, 1, 4, 0, 0, 0, 0])
    sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, padding)
    for count in range(4):
        sender.sendto(b"behind an option", ("2001:db8:1::2", 4739))
    # ... and the same in fragments.
    sender.sendto(b"behind an option " * 150, ("2001:db8:1::2", 4739))
PYTHON
}

# Refused: nobody listens there. The firewall's default rules drop it.
talk_telnet() {
    for _ in 1 2 3; do
        on_client curl --silent --max-time 2 telnet://192.0.2.2:23 </dev/null || true
        on_client curl --silent --max-time 2 'telnet://[2001:db8:1::2]:23' </dev/null || true
    done
}

flood() {
    on_client hping3 --syn --quiet --interval u300 --count 400 --destport 80 \
        --spoof 203.0.113.66 192.0.2.80 >"$scratch/hping3.log" 2>&1 || true
}

{
    make_network
    start_servers
    talk_icmp
    talk_dns
    talk_vlan
    talk_http
    talk_udp
    talk_telnet
    flood
    # Life goes on.
    on_client ping -q -c 3 -i 0.2 192.0.2.80
    on_client curl --silent --show-error --output /dev/null http://192.0.2.80/
} >"$scratch/talk.log"
# What was sent last shall be in the file.
sleep 0.5
kill -INT "$tcpdump"
wait "$tcpdump" || true

# The first 60 frames again, in the other format.
editcap -F pcapng -r "$scratch/sample.pcap" "$scratch/sample.pcapng" 1-60
cp "$scratch/sample.pcap" "$scratch/sample.pcapng" "$here/"
capinfos -c -s -u "$here/sample.pcap"
