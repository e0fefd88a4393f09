#pragma once

#include <hnswlib/hnswlib.h>

#include <cstdio>
#include <iostream>
#include <string>
#include <unordered_map>
#include <vector>

#include "counting.h"
#include "dataset.h"
#include "usage.h"

// An index whose rows come and go, which answers one line of JSON to each line of input:
//
//   apply R I, then R rows to remove and I rows to insert
//   search EF K
//   inspect
//
// Version 0.6 of hnswlib has no way to replace a deleted item but this: a removed row is
// marked as deleted, and a new one takes over its label, which updates the point in place.
template <typename Distance>
class Churn {
    const Rows& base_;
    const Rows& queries_;
    CountingSpace<Distance> space_;
    hnswlib::HierarchicalNSW<Distance> index_;
    std::unordered_map<int32_t, size_t> labels_;  // of the live rows
    std::vector<int32_t> rows_;                   // of the labels in use
    std::vector<size_t> free_;                    // labels of removed rows

    void insert(int32_t row) {
        size_t label = rows_.size();
        if (free_.empty()) {
            rows_.push_back(row);
        } else {
            label = free_.back();
            free_.pop_back();
            rows_[label] = row;
        }
        labels_[row] = label;
        index_.addPoint(base_.row(row), label);
    }

    void apply(std::istream& in) {
        size_t removals, insertions;
        in >> removals >> insertions;
        std::vector<int32_t> rows(removals + insertions);
        for (int32_t& row : rows) in >> row;
        const uint64_t before = space_.counted();
        const auto start = Clock::now();
        for (size_t i = 0; i < removals; i++) {
            const auto found = labels_.find(rows[i]);
            if (found == labels_.end()) throw std::runtime_error("row is not in the index");
            index_.markDelete(found->second);
            free_.push_back(found->second);
            labels_.erase(found);
        }
        const auto middle = Clock::now();
        for (size_t i = removals; i < rows.size(); i++) insert(rows[i]);
        std::printf("{\"commit_ms\":%f,\"build_ms\":%f,\"distances\":%lu}\n", 1e3 * secondsBetween(start, middle), 1e3 * secondsBetween(middle, Clock::now()),
                    (unsigned long)(space_.counted() - before));
    }

    void search(std::istream& in) {
        size_t ef, k;
        in >> ef >> k;
        index_.setEf(ef);
        const uint64_t before = space_.counted();
        std::string found;
        for (size_t q = 0; q < queries_.count; q++) {
            found += q ? ",[" : "[";
            for (auto near = index_.searchKnn(queries_.row(q), k); !near.empty(); near.pop())
                found += std::to_string(rows_[near.top().second]) + (near.size() > 1 ? "," : "");
            found += "]";
        }
        const double distances = double(space_.counted() - before) / queries_.count;
        std::printf("{\"distances\":%f,\"found\":[%s]}\n", distances, found.c_str());
    }

    void inspect() {
        std::vector<bool> seen(index_.cur_element_count);
        std::vector<hnswlib::tableint> way;
        size_t links = 0, reached = 0;
        if (index_.cur_element_count > 0) {
            way.push_back(index_.enterpoint_node_);
            seen[way[0]] = true;
        }
        while (!way.empty()) {
            const auto at = way.back();
            way.pop_back();
            reached += !index_.isMarkedDeleted(at);
            auto* list = index_.get_linklist0(at);
            const auto* to = reinterpret_cast<const hnswlib::tableint*>(list + 1);
            for (size_t i = 0; i < index_.getListCount(list); i++) {
                if (seen[to[i]]) continue;
                seen[to[i]] = true;
                way.push_back(to[i]);
            }
        }
        for (hnswlib::tableint i = 0; i < index_.cur_element_count; i++) links += index_.getListCount(index_.get_linklist0(i));
        std::printf("{\"mean_degree\":%f,\"unreachable\":%zu}\n", double(links) / std::max<size_t>(1, index_.cur_element_count), labels_.size() - reached);
    }

public:
    Churn(hnswlib::SpaceInterface<Distance>* space, const Rows& base, const Rows& queries, size_t most, size_t m, size_t efConstruction)
        : base_(base), queries_(queries), space_(space), index_(&space_, most, m, efConstruction) {}

    void run(std::istream& in) {
        for (std::string command; in >> command; std::fflush(stdout)) {
            if (command == "apply")
                apply(in);
            else if (command == "search")
                search(in);
            else if (command == "inspect")
                inspect();
            else
                throw std::runtime_error("unknown command " + command);
        }
    }
};
