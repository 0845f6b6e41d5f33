#!/usr/bin/env python3
"""second_reader.py FILE.json...: reads saved programs after docs/format.md alone, with nothing of the library: text, order of nodes,
numbers, the weights file, its checksum. Ends with a count, or with the first thing that is not as the page says."""
import json
import math
import pathlib
import struct
import sys

SIZE = {"f32": 4, "f64": 8, "i64": 8, "bool": 1}
PACK = {"f32": "<f", "f64": "<d", "i64": "<q", "bool": "<B"}
CODE = {"F32": "f32", "F64": "f64", "I64": "i64", "BOOL": "bool"}
M = (1 << 64) - 1


def need(ok, *what):
    if not ok:
        raise SystemExit("second reader: " + " ".join(map(str, what)))


def xxh64(data):
    """The checksum, after its published description."""
    p1, p2, p3, p4, p5 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)

    def rotate(v, n):
        return (v << n | v >> (64 - n)) & M

    def mix(lane, word):
        return rotate((lane + word * p2) & M, 31) * p1 & M

    at = 0
    h = p5
    if len(data) >= 32:
        lanes = [(p1 + p2) & M, p2, 0, -p1 & M]
        while len(data) - at >= 32:
            for i, word in enumerate(struct.unpack_from("<4Q", data, at)):
                lanes[i] = mix(lanes[i], word)
            at += 32
        h = sum(rotate(v, n) for v, n in zip(lanes, (1, 7, 12, 18))) & M
        for v in lanes:
            h = ((h ^ mix(0, v)) * p1 + p4) & M
    h = (h + len(data)) & M
    while len(data) - at >= 8:
        h = (rotate(h ^ mix(0, struct.unpack_from("<Q", data, at)[0]), 27) * p1 + p4) & M
        at += 8
    if len(data) - at >= 4:
        h = (rotate(h ^ struct.unpack_from("<I", data, at)[0] * p1 & M, 23) * p2 + p3) & M
        at += 4
    for byte in data[at:]:
        h = rotate(h ^ byte * p5 & M, 11) * p1 & M
    h = (h ^ h >> 33) * p2 & M
    h = (h ^ h >> 29) * p3 & M
    return h ^ h >> 32


def unique(pairs):
    need(len(dict(pairs)) == len(pairs), "a name occurs twice")
    return dict(pairs)


def element(v, dtype):
    """Bytes of one inline element; numbers come as their text, to see that no digit is wasted."""
    if dtype == "bool":
        need(isinstance(v, bool), v)
        return struct.pack("<B", v)
    if dtype == "i64":
        return struct.pack("<q", int(v))
    if v in ("inf", "-inf", "nan") and not isinstance(v, Number):
        return struct.pack(PACK[dtype], float(v))
    if v.startswith("nan:") and not isinstance(v, Number):
        return int(v[4:], 16).to_bytes(SIZE[dtype], "little")
    data = struct.pack(PACK[dtype], float(v))
    back = struct.unpack(PACK[dtype], data)[0]
    for digits in range(6, 10) if dtype == "f32" else range(15, 18):
        text = "-0.0" if back == 0 and math.copysign(1, back) < 0 else "%.*g" % (digits, back)
        if struct.pack(PACK[dtype], float(text)) == data:
            break
    need(text == v, v, "should be", text)
    return data


class Number(str):
    """A number's text."""


def count(shape):
    need(len(shape) <= 8 and all(type(n) is int and n >= 0 for n in shape), shape)
    return math.prod(shape)


def weights(path):
    """Name -> (dtype, shape), and the file's bytes."""
    need(not path.is_symlink() and path.stat().st_nlink == 1, path)
    data = path.read_bytes()
    n = struct.unpack_from("<Q", data)[0]
    need(n % 8 == 0 and data[8:9] == b"{", "header")
    header = json.loads(data[8 : 8 + n], object_pairs_hook=unique)
    need(header.pop("__metadata__") == {"format": "wengert"}, "metadata")
    end, types, keys = 0, {}, []
    for name, item in header.items():
        dtype = CODE[item["dtype"]]
        begin, stop = item["data_offsets"]
        need(begin == end and stop - begin == count(item["shape"]) * SIZE[dtype], name)
        types[name], end = (dtype, item["shape"]), stop
        keys.append((-SIZE[dtype], name.encode()))
    need(8 + n + end == len(data) and keys == sorted(keys), "order or size")
    return types, data


def post_order(program):
    """Left-to-right, outputs of each function first, then its updates by entry name."""
    seen, order = set(), []
    for f in program["functions"].values():
        for root in [*f["outputs"].values(), *(f["updates"][k] for k in sorted(f["updates"], key=str.encode))]:
            stack = [(int(root), 0)]
            while stack:
                node, i = stack.pop()
                inputs = program["nodes"][node]["in"]
                if i == 0 and node in seen:
                    continue
                seen.add(node)
                if i < len(inputs):
                    stack += [(node, i + 1), (int(inputs[i]), 0)]
                else:
                    order.append(node)
    return order


def check(path):
    text = path.read_bytes().decode("utf-8")
    program = json.loads(text, object_pairs_hook=unique, parse_float=Number)
    plain = json.loads(text)
    need(plain["wengert"] == 1, "version")
    need(post_order(plain) == list(range(len(plain["nodes"]))), path, "nodes are not in post-order")
    for i, node in enumerate(plain["nodes"]):
        need(all(0 <= k < i for k in node["in"]), "node", i)
    entries = plain.get("params", {})
    need(list(entries) == sorted(entries, key=str.encode), "entries are not sorted")
    for node in plain["nodes"]:
        if node["op"] == "parameter" and entries:
            entry = entries[node["attr"]["name"]]
            need((entry["dtype"], entry["shape"]) == (node["attr"]["dtype"], node["attr"]["shape"]), node)
    if "weights" in plain:
        stated = plain["weights"]
        types, data = weights(path.parent / stated["file"])
        need(types == {k: (e["dtype"], e["shape"]) for k, e in entries.items()}, "entries")
        need(len(data) == stated["bytes"] and f"{xxh64(data):016x}" == stated["xxh64"], path, "checksum")
        need(stated["file"] == f"{path.stem}-{stated['xxh64']}.safetensors", stated["file"])
        return len(plain["nodes"]), sum(count(e["shape"]) for e in entries.values())
    numbers = 0
    for name, entry in program.get("params", {}).items():
        shape = entries[name]["shape"]
        need(len(entry["data"]) == count(shape), name)
        for v, p in zip(entry["data"], entries[name]["data"]):
            # An integer is text for a real number too, where it needs no point.
            element(v if isinstance(p, (str, bool)) or isinstance(v, Number) else Number(v), entries[name]["dtype"])
            numbers += 1
    return len(plain["nodes"]), numbers


need(xxh64(b"") == 0xEF46DB3751D8E999 and xxh64(b"Nobody inspects the spammish repetition") == 0xFBCEA83C8A378BF1, "xxh64")
sums = [check(pathlib.Path(name)) for name in sys.argv[1:]]
print(f"second reader: {len(sums)} programs, {sum(s[0] for s in sums)} nodes, {sum(s[1] for s in sums)} elements")
