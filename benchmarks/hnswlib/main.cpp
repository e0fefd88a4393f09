// bench-hnswlib answers the protocol of package harness (protocol.go there) for hnswlib,
// and that of churn.h.

#include <hnswlib/hnswlib.h>

#include <atomic>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <thread>

#include "churn.h"
#include "dataset.h"
#include "flags.h"
#include "hamming.h"
#include "measure.h"
#include "usage.h"

namespace {

// The hnswlib headers do not say which version they are of: the Makefile asks the package.
#ifndef HNSWLIB_VERSION
#define HNSWLIB_VERSION "unknown"
#endif

void normalise(Rows& rows) {
    for (size_t i = 0; i < rows.count; i++) {
        float* row = rows.floats(i);
        double sum = 0;
        for (size_t j = 0; j < rows.width; j++) sum += double(row[j]) * row[j];
        const float scale = sum > 0 ? float(1 / std::sqrt(sum)) : 0;
        for (size_t j = 0; j < rows.width; j++) row[j] *= scale;
    }
}

Rows read(const Flags& flags, const std::string& name, size_t limit) {
    Rows rows = readRows(flags.text("data"), name, flags.text("metric"), limit);
    if (flags.text("metric") == "cosine") normalise(rows);
    return rows;
}

std::string indexFile(const Flags& flags) { return flags.text("index") + "/index"; }

std::string json(const Memory& m) {
    return "{\"rss_kb\":" + std::to_string(m.rssKB) + ",\"anonymous_kb\":" + std::to_string(m.anonymousKB) + "}";
}

void describe() {
#if defined(USE_AVX512)
    const char* kernels = AVX512Capable() ? "AVX-512 kernels compiled in and chosen at run time, for dimensions that are a multiple of 16 and their remainders"
                                          : "AVX-512 kernels compiled in, but this CPU has none";
#else
    const char* kernels = "compiled without AVX-512 kernels";
#endif
    std::printf(
        "{\"system\":\"hnswlib\",\"version\":\"%s\",\"codes\":[\"none\"],\"metrics\":[\"euclidean\",\"cosine\",\"inner-product\",\"hamming\"],"
        "\"notes\":[\"%s; for multiples of 4 that are not multiples of 16 it chooses 4-wide SSE or AVX kernels\",\"hamming through a space of the benchmark's own; compiled by g++ %s\"]}\n",
        HNSWLIB_VERSION, kernels, __VERSION__);
}

template <typename Distance>
void build(const Flags& flags, hnswlib::SpaceInterface<Distance>* space, const Rows& base) {
    const size_t threads = flags.number("threads", 1);
    const Usage before = Usage::now();
    const auto start = Clock::now();

    hnswlib::HierarchicalNSW<Distance> index(space, base.count, flags.number("m", 16), flags.number("ef-construction", 200));
    index.addPoint(base.row(0), 0);  // alone: it becomes the entry point
    std::atomic<size_t> next{1};
    auto work = [&] {
        for (size_t i; (i = next++) < base.count;) index.addPoint(base.row(i), i);
    };
    std::vector<std::thread> workers;
    for (size_t t = 1; t < threads; t++) workers.emplace_back(work);
    work();
    for (auto& w : workers) w.join();
    index.saveIndex(indexFile(flags));

    const auto end = Clock::now();
    const Usage after = Usage::now();
    std::printf("{\"items\":%zu,\"threads\":%zu,\"seconds\":%f,\"cpu_seconds\":%f,\"peak_rss_kb\":%ld}\n", base.count, threads,
                secondsBetween(start, end), after.cpuSeconds - before.cpuSeconds, after.peakRSSKB);
}

// Marks every row deleted that the file, of uint32 row numbers, does not name: version
// 0.6.2 has no filter functor, and later ones walk over what the functor refuses just as
// over what is marked.
template <typename Distance>
void admitOnly(hnswlib::HierarchicalNSW<Distance>& index, const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::vector<bool> admitted(index.cur_element_count);
    for (uint32_t row; file.read(reinterpret_cast<char*>(&row), sizeof row);) admitted.at(row) = true;
    for (size_t row = 0; row < admitted.size(); row++)
        if (!admitted[row]) index.markDelete(row);
}

template <typename Distance>
void query(const Flags& flags, hnswlib::SpaceInterface<Distance>* space, const Rows& queries) {
    const size_t k = flags.number("k", 10);
    const Memory beforeOpen = Memory::now();
    const long faults = Usage::now().majorFaults, readBefore = diskReadKB();
    const auto start = Clock::now();
    hnswlib::HierarchicalNSW<Distance> index(space, indexFile(flags));
    const double openMS = secondsBetween(start, Clock::now()) * 1000;
    if (const std::string path = flags.text("admitted"); !path.empty()) admitOnly(index, path);

    auto search = [&](const void* vector, int32_t* out) {
        auto found = index.searchKnn(vector, k);
        const size_t n = found.size();
        for (size_t i = n; !found.empty(); found.pop()) out[--i] = found.top().second;
        return n;
    };

    std::string first;
    std::vector<int32_t> answer(k);
    index.setEf(flags.number("first-ef", 100));
    for (size_t i = 0; i < std::min<size_t>(flags.number("first", 1), queries.count); i++) {
        const auto begin = Clock::now();
        search(queries.row(i), answer.data());
        first += (i ? "," : "") + std::to_string(secondsBetween(begin, Clock::now()) * 1e6);
    }
    const long firstFaults = Usage::now().majorFaults - faults, firstReadKB = diskReadKB() - readBefore;
    const Memory opened = Memory::now();

    std::string curve;
    std::vector<int32_t> answers, found;
    const auto efs = flags.numbers("ef", "");
    if (!efs.empty()) {
        index.setEf(efs[efs.size() / 2]);
        measure(search, queries, k, 1, 0, found);  // only warms the caches
        if (const long at = flags.number("start-at", 0))
            std::this_thread::sleep_until(std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>(std::chrono::nanoseconds(at)));
    }
    for (size_t ef : efs) {
        index.setEf(ef);
        bool firstThreads = true;
        for (size_t threads : flags.numbers("threads", "1")) {
            const Point p = measure(search, queries, k, threads, flags.real("seconds", 0.5), found);
            char text[256];
            std::snprintf(text, sizeof text, "%s{\"ef\":%zu,\"threads\":%zu,\"queries\":%zu,\"seconds\":%f,\"cpu_seconds\":%f,\"p50_us\":%f,\"p99_us\":%f}",
                          curve.empty() ? "" : ",", ef, threads, p.queries, p.seconds, p.cpuSeconds, p.p50us, p.p99us);
            curve += text;
            if (firstThreads) answers.insert(answers.end(), found.begin(), found.end());
            firstThreads = false;
        }
    }
    const Memory after = Memory::now();
    if (const std::string path = flags.text("answers"); !path.empty())
        std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(answers.data()), answers.size() * sizeof(int32_t));
    std::cout << "{\"open_ms\":" << openMS << ",\"first_us\":[" << first << "],\"first_major_faults\":" << firstFaults << ",\"first_read_kb\":" << firstReadKB
              << ",\"memory_before_open\":" << json(beforeOpen) << ",\"memory_opened\":" << json(opened) << ",\"memory_after\":" << json(after)
              << ",\"curve\":[" << curve << "]}\n";
}

template <typename Distance>
void run(const std::string& command, const Flags& flags, hnswlib::SpaceInterface<Distance>* space, const Rows& rows) {
    if (command == "build") return build<Distance>(flags, space, rows);
    if (command == "query") return query<Distance>(flags, space, rows);
    const Rows queries = read(flags, "query", flags.number("queries", 0));
    Churn<Distance>(space, rows, queries, flags.number("most", rows.count), flags.number("m", 16), flags.number("ef-construction", 200)).run(std::cin);
}

void runCommand(const std::string& command, const Flags& flags) {
    if (command == "describe") return describe();
    if (command != "build" && command != "query" && command != "churn") throw std::runtime_error("unknown command " + command);
    const Rows rows = command == "query" ? read(flags, "query", flags.number("queries", 0)) : read(flags, "base", flags.number("limit", 0));
    const std::string metric = flags.text("metric");
    if (metric == "hamming") {
        HammingSpace space(rows.rowBytes);
        run<int>(command, flags, &space, rows);
    } else if (metric == "cosine" || metric == "inner-product") {
        hnswlib::InnerProductSpace space(rows.width);
        run<float>(command, flags, &space, rows);
    } else {
        hnswlib::L2Space space(rows.width);
        run<float>(command, flags, &space, rows);
    }
}

}  // namespace

int main(int argc, char** argv) try {
    if (argc < 2) throw std::runtime_error("usage: describe | build | query | churn, with flags");
    runCommand(argv[1], Flags(argc, argv, 2));
} catch (const std::exception& e) {
    std::cerr << e.what() << "\n";
    return 1;
}
