// Writes the files of hnswlib that hnswlib_test.go reads: g++ -O1 hnswlib.cc && ./a.out (Debian: libhnswlib-dev).
#include <hnswlib/hnswlib.h>

int main() {
    const int dimensions = 4, elements = 60;
    hnswlib::L2Space space(dimensions);
    hnswlib::HierarchicalNSW<float> index(&space, 2 * elements, 4, 20, 7);
    for (int i = 0; i < elements; i++) {
        float v[dimensions] = {float(i), float(i * i % 17), -float(i) / 4, 1};
        index.addPoint(v, 1000 + 3 * i);
    }
    index.markDelete(1000 + 3 * 5);
    index.saveIndex("index.hnswlib");
    hnswlib::HierarchicalNSW<float> empty(&space, 10);
    empty.saveIndex("empty.hnswlib");
}
