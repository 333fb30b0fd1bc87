// Reads payloads from a file, feeds one to the circuit in each clock cycle, and writes the results to another file.
//
// The files are `inputs` and `outputs` in the working folder; both hold one row of 32-bit words per sample, the lowest
// word first, as %u reads and writes them. Ends with status 1 and a line `FATAL: ...` when the circuit fails.
//
// A clock cycle takes 2 * HALF units of time. With DUMP_LAST, all changes of the circuit's signals go into the file
// `dump.vcd`, from the values in clock cycle DUMP_FIRST to those in cycle DUMP_LAST, counted from 0.

module bench;
  parameter INPUT_WIDTH = 1, OUTPUT_WIDTH = 1, LATENCY = 1, HALF = 1, DUMP_FIRST = 0, DUMP_LAST = 0;
  reg clk = 0, rst = 1, i_valid = 0, more = 1;
  reg [INPUT_WIDTH-1:0] i_payload = 0;
  wire [OUTPUT_WIDTH-1:0] o_payload;
  wire i_ready, o_valid;
  integer inputs, outputs, given = 0, taken = 0, idle = 0, cycle = 0;

  top dut (
    .clk(clk), .rst(rst),
    .i_payload(i_payload), .i_valid(i_valid), .i_ready(i_ready),
    .o_payload(o_payload), .o_valid(o_valid), .o_ready(1'b1)
  );

  initial begin
    inputs = $fopen("inputs", "rb");
    outputs = $fopen("outputs", "wb");
    if (!inputs || !outputs) $fatal(1, "error: cannot open the files inputs and outputs");
    #HALF clk = 1;
    #HALF clk = 0;
    rst = 0;
    while (more || taken < given) begin
      if (more) more = $fscanf(inputs, "%u", i_payload) == 1;
      i_valid = more;
      if (more) given = given + 1;
      if (DUMP_LAST && cycle == DUMP_FIRST) begin
        $dumpfile("dump.vcd");
        $dumpvars(1, dut);
      end
      #HALF;
      if (i_ready !== 1) $fatal(1, "error: the circuit stalls, though its output is taken");
      idle = more || o_valid ? 0 : idle + 1;
      if (taken < given && idle > LATENCY) $fatal(1, "error: the circuit lost samples");
      if (o_valid) begin
        if (^o_payload === 1'bx) $fatal(1, "error: sample %0d has unknown bits: %h", taken, o_payload);
        $fwrite(outputs, "%u", o_payload);
        taken = taken + 1;
      end
      if (DUMP_LAST && cycle == DUMP_LAST) $dumpoff;
      cycle = cycle + 1;
      clk = 1;
      #HALF clk = 0;
    end
    $fclose(outputs);
    $finish;
  end
endmodule
