#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

// Rows of a data set in the big-ann layout: uint32 rows, uint32 width, then the rows.
// A row is `width` floats, or `width` bytes whose bits are compared.
struct Rows {
    size_t count = 0, width = 0, rowBytes = 0;
    std::vector<char> bytes;

    const void* row(size_t i) const { return bytes.data() + i * rowBytes; }
    float* floats(size_t i) { return reinterpret_cast<float*>(bytes.data() + i * rowBytes); }
};

// Reads the first `limit` rows, or all for 0, of name.fbin or name.u8bin. Bytes become
// floats unless the metric is hamming.
inline Rows readRows(const std::string& dir, const std::string& name, const std::string& metric, size_t limit) {
    std::ifstream file(dir + "/" + name + ".fbin", std::ios::binary);
    const bool ofBytes = !file.is_open();
    if (ofBytes) file.open(dir + "/" + name + ".u8bin", std::ios::binary);
    if (!file.is_open()) throw std::runtime_error("no " + name + ".fbin or .u8bin in the data set");
    const bool bits = metric == "hamming";
    if (bits && !ofBytes) throw std::runtime_error("hamming needs rows of bytes");

    uint32_t shape[2];
    file.read(reinterpret_cast<char*>(shape), sizeof shape);
    Rows rows;
    rows.count = limit > 0 ? std::min<size_t>(limit, shape[0]) : shape[0];
    rows.width = shape[1];
    rows.rowBytes = rows.width * (bits ? 1 : sizeof(float));
    rows.bytes.resize(rows.count * rows.rowBytes);
    if (ofBytes && !bits) {
        std::vector<uint8_t> raw(rows.count * rows.width);
        file.read(reinterpret_cast<char*>(raw.data()), raw.size());
        std::copy(raw.begin(), raw.end(), rows.floats(0));
    } else {
        file.read(rows.bytes.data(), rows.bytes.size());
    }
    if (!file) throw std::runtime_error(name + " is shorter than it says");
    return rows;
}
