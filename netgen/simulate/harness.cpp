// Reads payloads from a file, feeds one to the circuit in each clock cycle, and writes the results to another file.
//
// The files are `inputs` and `outputs` in the working folder; both hold one row of 32-bit words per sample, the lowest
// word first. Exit status: 0, or 1 with one line on stderr.
//
// ports.hpp belongs to the simulator; it defines the class Circuit:
//   void put(const uint32_t* row)   offer a payload
//   void offer(bool valid)          i_valid
//   void reset(bool on)             rst
//   void clock(bool level)          clk; then updates the circuit
//   bool ready(), bool valid()      i_ready and o_valid, after clock(false)
//   void get(uint32_t* row)         o_payload, after clock(false)

#include <cstdint>
#include <cstdio>
#include <vector>

#include "ports.hpp"

static int fail(const char* what) {
    std::fprintf(stderr, "error: %s\n", what);
    return 1;
}

int main() {
    std::FILE* inputs = std::fopen("inputs", "rb");
    if (!inputs) return fail("cannot read the file inputs");
    std::FILE* outputs = std::fopen("outputs", "wb");
    if (!outputs) return fail("cannot write the file outputs");

    Circuit circuit;
    circuit.offer(false);
    circuit.reset(true);
    circuit.clock(false);
    circuit.clock(true);
    circuit.reset(false);

    std::vector<uint32_t> in(INPUT_WORDS), out(OUTPUT_WORDS);
    long given = 0, taken = 0;
    int idle = 0;
    bool more = true;
    while (more || taken < given) {
        more = more && std::fread(in.data(), sizeof(uint32_t), in.size(), inputs) == in.size();
        circuit.offer(more);
        if (more) {
            circuit.put(in.data());
            ++given;
        }
        circuit.clock(false);
        if (!circuit.ready()) return fail("the circuit stalls, though its output is taken");
        const bool valid = circuit.valid();
        if (valid) {
            circuit.get(out.data());
            if (std::fwrite(out.data(), sizeof(uint32_t), out.size(), outputs) != out.size())
                return fail("cannot write the file outputs");
            ++taken;
        }
        idle = more || valid ? 0 : idle + 1;
        if (taken < given && idle > LATENCY) return fail("the circuit lost samples");
        circuit.clock(true);
    }
    return std::fclose(outputs) ? fail("cannot write the file outputs") : 0;
}
