#pragma once

#include <hnswlib/hnswlib.h>

#include <cstdint>
#include <cstring>

// HammingSpace counts differing bits, eight bytes at a time; a tail that does not fill
// eight bytes is compared as if zeroes followed it. hnswlib has no such space of its own.
class HammingSpace : public hnswlib::SpaceInterface<int> {
    size_t rowBytes_;

    static int distance(const void* a, const void* b, const void* rowBytes) {
        const size_t n = *static_cast<const size_t*>(rowBytes);
        const char* x = static_cast<const char*>(a);
        const char* y = static_cast<const char*>(b);
        int bits = 0;
        size_t i = 0;
        for (; i + 8 <= n; i += 8) bits += __builtin_popcountll(word(x + i, 8) ^ word(y + i, 8));
        if (i < n) bits += __builtin_popcountll(word(x + i, n - i) ^ word(y + i, n - i));
        return bits;
    }

    static uint64_t word(const char* bytes, size_t count) {
        uint64_t w = 0;
        memcpy(&w, bytes, count);
        return w;
    }

public:
    explicit HammingSpace(size_t rowBytes) : rowBytes_(rowBytes) {}
    size_t get_data_size() override { return rowBytes_; }
    hnswlib::DISTFUNC<int> get_dist_func() override { return distance; }
    void* get_dist_func_param() override { return &rowBytes_; }
};
