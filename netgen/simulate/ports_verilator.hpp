// The ports of the verilated top.v; see harness.cpp.

#include <cstddef>
#include <type_traits>

#include "Vtop.h"
#include "verilated.h"

class Circuit {
    VerilatedContext context;
    Vtop top{&context};

    // A port of up to 64 bits is an integer, a wider one an array of 32-bit words.
    template <typename Port> static typename std::enable_if<std::is_integral<Port>::value>::type write(Port& port, const uint32_t* row) {
        port = static_cast<Port>(row[0]);
        if (sizeof(Port) > 4) port |= static_cast<Port>(static_cast<uint64_t>(row[1]) << 32);
    }
    template <std::size_t Words> static void write(VlWide<Words>& port, const uint32_t* row) {
        for (std::size_t k = 0; k < Words; ++k) port[k] = row[k];
    }
    template <typename Port> static typename std::enable_if<std::is_integral<Port>::value>::type read(const Port& port, uint32_t* row) {
        row[0] = static_cast<uint32_t>(port);
        if (sizeof(Port) > 4) row[1] = static_cast<uint32_t>(static_cast<uint64_t>(port) >> 32);
    }
    template <std::size_t Words> static void read(const VlWide<Words>& port, uint32_t* row) {
        for (std::size_t k = 0; k < Words; ++k) row[k] = port[k];
    }

public:
    Circuit() { top.o_ready = 1; }
    ~Circuit() { top.final(); }
    void put(const uint32_t* row) { write(top.i_payload, row); }
    void get(uint32_t* row) { read(top.o_payload, row); }
    void offer(bool valid) { top.i_valid = valid; }
    void reset(bool on) { top.rst = on; }
    bool ready() { return top.i_ready; }
    bool valid() { return top.o_valid; }
    void clock(bool level) {
        top.clk = level;
        top.eval();
    }
};
