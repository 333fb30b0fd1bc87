// Self-checking testbench of top.v, with golden vectors and random stalls of both streams. In this folder:
//   iverilog -o top_tb.vvp top.v top_tb.v && vvp -n top_tb.vvp
// Prints "PASS $vectors vectors"; or prints the first difference and ends with a non-zero status.
//
$coverage

module top_tb;
  reg clk = 0, rst = 1;
  reg [${input_width}-1:0] sent [0:$vectors-1];
  reg [${output_width}-1:0] expected [0:$vectors-1];
  integer given = 0, taken = 0, idle = 0, k;

  // Pseudo-random bits: a linear-feedback shift register, x^32 + x^22 + x^2 + x + 1.
  reg [31:0] noise = 32'h2545f491;

  reg i_valid = 0, o_ready = 0;
  wire i_ready, o_valid;
  wire [${input_width}-1:0] i_payload = sent[given];
  wire [${output_width}-1:0] o_payload;

  top dut (
    .clk(clk), .rst(rst),
    .i_payload(i_payload), .i_valid(i_valid), .i_ready(i_ready),
    .o_payload(o_payload), .o_valid(o_valid), .o_ready(o_ready)
  );

  initial begin
    $$readmemh("vectors_in.hex", sent);
    $$readmemh("vectors_out.hex", expected);
    repeat (3) @(posedge clk);
    rst <= 0;
  end

  always #5 clk = ~clk;

  always @(posedge clk) if (!rst) begin
    noise <= {noise[30:0], noise[31] ^ noise[21] ^ noise[1] ^ noise[0]};
    o_ready <= noise[3] | noise[17];

    // A sample that is offered stays valid until it is accepted.
    if (!i_valid || i_ready) i_valid <= (noise[5] | noise[29]) && given + (i_valid ? 1 : 0) < $vectors;
    if (i_valid && i_ready) given <= given + 1;

    idle <= idle + 1;
    if (idle == $patience) begin
      $$display("FAIL vector %0d: no result for $patience cycles", taken);
      $$fatal(1);
    end
    if (o_valid && o_ready) begin
      idle <= 0;
      taken <= taken + 1;
      if (o_payload !== expected[taken]) report;
      if (taken == $vectors - 1) begin
        $$display("PASS $vectors vectors");
        $$finish;
      end
    end
  end

  task report;
    reg [${output_width}-1:0] wanted;
    begin
      wanted = expected[taken];
      for (k = $scores - 1; k >= 0; k = k - 1)
        if (o_payload[k*$score_width +: $score_width] !== wanted[k*$score_width +: $score_width])
          $$display("FAIL vector %0d, score %0d: expected %0d, found %0d", taken, k,
            ${signed}(wanted[k*$score_width +: $score_width]), ${signed}(o_payload[k*$score_width +: $score_width]));
      $$display("FAIL vector %0d: expected payload %h, found %h", taken, wanted, o_payload);
      $$fatal(1);
    end
  endtask
endmodule
