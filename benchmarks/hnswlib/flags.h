#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

// Flags of the form `--name value`.
class Flags {
    std::map<std::string, std::string> values_;

public:
    Flags(int argc, char** argv, int first) {
        for (int i = first; i + 1 < argc; i += 2) {
            const std::string name = argv[i];
            if (name.rfind("--", 0) != 0) throw std::runtime_error("expected a flag, not " + name);
            values_[name.substr(2)] = argv[i + 1];
        }
    }

    std::string text(const std::string& name, const std::string& otherwise = "") const {
        auto it = values_.find(name);
        return it == values_.end() ? otherwise : it->second;
    }

    long number(const std::string& name, long otherwise) const {
        auto it = values_.find(name);
        return it == values_.end() ? otherwise : std::stol(it->second);
    }

    double real(const std::string& name, double otherwise) const {
        auto it = values_.find(name);
        return it == values_.end() ? otherwise : std::stod(it->second);
    }

    // A list such as 10,20,40.
    std::vector<size_t> numbers(const std::string& name, const std::string& otherwise) const {
        std::vector<size_t> out;
        const std::string list = text(name, otherwise);
        for (size_t i = 0; i < list.size();) {
            const size_t end = std::min(list.find(',', i), list.size());
            if (end > i) out.push_back(std::stoul(list.substr(i, end - i)));
            i = end + 1;
        }
        return out;
    }
};
