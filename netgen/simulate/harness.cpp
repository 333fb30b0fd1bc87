// Feeds payloads from a file to the verilated top.v, one in each clock cycle, and writes what comes out to another.
//
// Usage: simulator INPUTS OUTPUTS; both files hold one row of 32-bit words per sample, the lowest word first.
// Exit status: 0, or 1 with one line on stderr.

#include <cstdint>
#include <cstdio>
#include <type_traits>
#include <vector>

#include "Vtop.h"
#include "verilated.h"

// A port of up to 64 bits is an integer, a wider one an array of 32-bit words.
template <typename Port> typename std::enable_if<std::is_integral<Port>::value>::type put(Port& port, const uint32_t* row) {
    port = static_cast<Port>(row[0]);
    if (sizeof(Port) > 4) port |= static_cast<Port>(static_cast<uint64_t>(row[1]) << 32);
}
template <std::size_t Words> void put(VlWide<Words>& port, const uint32_t* row) {
    for (std::size_t k = 0; k < Words; ++k) port[k] = row[k];
}
template <typename Port> typename std::enable_if<std::is_integral<Port>::value>::type get(const Port& port, uint32_t* row) {
    row[0] = static_cast<uint32_t>(port);
    if (sizeof(Port) > 4) row[1] = static_cast<uint32_t>(static_cast<uint64_t>(port) >> 32);
}
template <std::size_t Words> void get(const VlWide<Words>& port, uint32_t* row) {
    for (std::size_t k = 0; k < Words; ++k) row[k] = port[k];
}

static int fail(const char* what, const char* which) {
    std::fprintf(stderr, "%s %s\n", what, which);
    return 1;
}

int main(int argc, char** argv) {
    if (argc != 3) return fail("usage: simulator INPUTS OUTPUTS, not", argv[0]);
    std::FILE* inputs = std::fopen(argv[1], "rb");
    if (!inputs) return fail("cannot read", argv[1]);
    std::FILE* outputs = std::fopen(argv[2], "wb");
    if (!outputs) return fail("cannot write", argv[2]);

    VerilatedContext context;
    Vtop top(&context);
    const auto tick = [&top] {
        top.clk = 0;
        top.eval();
        top.clk = 1;
        top.eval();
    };
    top.i_valid = 0;
    top.o_ready = 1;
    top.rst = 1;
    tick();
    top.rst = 0;

    std::vector<uint32_t> in(INPUT_WORDS), out(OUTPUT_WORDS);
    long given = 0, taken = 0;
    int idle = 0;
    bool more = true;
    while (more || taken < given) {
        more = more && std::fread(in.data(), sizeof(uint32_t), in.size(), inputs) == in.size();
        top.i_valid = more;
        if (more) {
            put(top.i_payload, in.data());
            ++given;
        }
        top.clk = 0;
        top.eval();
        if (!top.i_ready) return fail("the circuit stalls, though its output is taken, in", argv[1]);
        if (top.o_valid) {
            get(top.o_payload, out.data());
            if (std::fwrite(out.data(), sizeof(uint32_t), out.size(), outputs) != out.size()) return fail("cannot write", argv[2]);
            ++taken;
        }
        idle = more || top.o_valid ? 0 : idle + 1;
        if (idle > LATENCY) return fail("the circuit lost samples of", argv[1]);
        top.clk = 1;
        top.eval();
    }
    top.final();
    return std::fclose(outputs) ? fail("cannot write", argv[2]) : 0;
}
