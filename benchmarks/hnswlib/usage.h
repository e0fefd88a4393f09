#pragma once

#include <sys/resource.h>

#include <chrono>
#include <fstream>
#include <string>

using Clock = std::chrono::steady_clock;

inline double secondsBetween(Clock::time_point start, Clock::time_point end) {
    return std::chrono::duration<double>(end - start).count();
}

// What the process has used so far.
struct Usage {
    double cpuSeconds;  // user and system, all threads
    long majorFaults;   // page faults that waited for the disk
    long peakRSSKB;

    static Usage now() {
        rusage ru{};
        getrusage(RUSAGE_SELF, &ru);
        auto seconds = [](const timeval& t) { return t.tv_sec + t.tv_usec / 1e6; };
        return {seconds(ru.ru_utime) + seconds(ru.ru_stime), ru.ru_majflt, ru.ru_maxrss};
    }
};

// What the disk has read for the process so far; zero where that is not known.
inline long diskReadKB() {
    std::ifstream file("/proc/self/io");
    std::string word;
    long bytes = 0;
    while (file >> word)
        if (word == "read_bytes:") file >> bytes;
    return bytes / 1024;
}

// Resident memory; zero on systems without /proc.
struct Memory {
    long rssKB = 0, anonymousKB = 0;

    static Memory now() {
        Memory m;
        std::ifstream file("/proc/self/smaps_rollup");
        std::string line, word;
        std::getline(file, line);
        while (file >> word) {
            if (word == "Rss:") file >> m.rssKB;
            if (word == "Anonymous:") file >> m.anonymousKB;
        }
        return m;
    }
};
