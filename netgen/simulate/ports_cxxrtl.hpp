// The ports of what Yosys wrote as top.cc; see harness.cpp.
//
// After a rising edge CXXRTL's outputs still show what was before it. They are read after the next clock(false), which
// brings them up to date.

#include <cstddef>

#include "top.cc"

class Circuit {
    cxxrtl_design::p_top top;

    // An output is a value, or a wire (a register) that holds its value as `curr`.
    template <std::size_t Bits> static const cxxrtl::value<Bits>& now(const cxxrtl::value<Bits>& port) { return port; }
    template <std::size_t Bits> static const cxxrtl::value<Bits>& now(const cxxrtl::wire<Bits>& port) { return port.curr; }

public:
    Circuit() { top.p_o__ready.set(true); }
    void put(const uint32_t* row) {
        for (std::size_t k = 0; k < INPUT_WORDS; ++k) top.p_i__payload.data[k] = row[k];
    }
    void get(uint32_t* row) {
        const auto& payload = now(top.p_o__payload);
        for (std::size_t k = 0; k < OUTPUT_WORDS; ++k) row[k] = payload.data[k];
    }
    void offer(bool valid) { top.p_i__valid.set(valid); }
    void reset(bool on) { top.p_rst.set(on); }
    bool ready() { return !now(top.p_i__ready).is_zero(); }
    bool valid() { return !now(top.p_o__valid).is_zero(); }
    void clock(bool level) {
        top.p_clk.set(level);
        top.step();
    }
};
