#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "dataset.h"
#include "usage.h"

struct Point {
    size_t ef = 0, threads = 0, queries = 0;
    double seconds = 0, cpuSeconds = 0, p50us = 0, p99us = 0;
};

// Asks the queries over and over for the given time, and each of them at least once,
// with several threads that take the next query as they get free. `answers` receives
// the rows found in the first pass, k per query and -1 where fewer were found.
//
// search(query, out) writes up to k rows to out and returns how many.
template <typename Search>
Point measure(const Search& search, const Rows& queries, size_t k, size_t threads, double atLeast, std::vector<int32_t>& answers) {
    constexpr size_t maxSamples = 1 << 16;
    answers.assign(queries.count * k, -1);
    std::vector<std::vector<double>> samples(threads);
    std::atomic<size_t> next{0};
    const Usage before = Usage::now();
    const auto start = Clock::now();

    auto work = [&](std::vector<double>& times) {
        times.reserve(maxSamples / threads);
        std::vector<int32_t> found(k);
        for (auto now = Clock::now();;) {
            const size_t i = next++;
            if (i >= queries.count && secondsBetween(start, now) >= atLeast) return;
            const size_t n = search(queries.row(i % queries.count), found.data());
            const auto end = Clock::now();
            if (times.size() < maxSamples / threads) times.push_back(secondsBetween(now, end) * 1e6);
            now = end;
            if (i < queries.count) std::copy_n(found.begin(), n, answers.begin() + i * k);
        }
    };
    std::vector<std::thread> workers;
    for (size_t t = 1; t < threads; t++) workers.emplace_back(work, std::ref(samples[t]));
    work(samples[0]);
    for (auto& w : workers) w.join();

    const auto end = Clock::now();
    const Usage after = Usage::now();
    std::vector<double> all;
    for (auto& times : samples) all.insert(all.end(), times.begin(), times.end());
    std::sort(all.begin(), all.end());

    Point p;
    p.threads = threads;
    p.queries = next - threads;  // each worker took one number that it did not use
    p.seconds = secondsBetween(start, end);
    p.cpuSeconds = after.cpuSeconds - before.cpuSeconds;
    p.p50us = all[all.size() / 2];
    p.p99us = all[all.size() * 99 / 100];
    return p;
}
