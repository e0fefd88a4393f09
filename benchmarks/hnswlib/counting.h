#pragma once

#include <hnswlib/hnswlib.h>

#include <cstdint>

// A space that counts how many distances are asked of another.
template <typename Distance>
class CountingSpace : public hnswlib::SpaceInterface<Distance> {
    struct Inner {
        hnswlib::DISTFUNC<Distance> distance;
        void* param;
        mutable uint64_t count = 0;  // one thread asks
    };
    hnswlib::SpaceInterface<Distance>* space_;
    Inner inner_;

    static Distance count(const void* a, const void* b, const void* param) {
        const Inner* inner = static_cast<const Inner*>(param);
        inner->count++;
        return inner->distance(a, b, inner->param);
    }

public:
    explicit CountingSpace(hnswlib::SpaceInterface<Distance>* space) : space_(space) {
        inner_.distance = space->get_dist_func();
        inner_.param = space->get_dist_func_param();
    }

    uint64_t counted() const { return inner_.count; }

    size_t get_data_size() override { return space_->get_data_size(); }
    hnswlib::DISTFUNC<Distance> get_dist_func() override { return count; }
    void* get_dist_func_param() override { return &inner_; }
};
