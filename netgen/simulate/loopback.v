// A host on the serial line of a board program: sends the bytes of samples, and writes down the bytes that come back.
//
// The files are `sent` and `received` in the working folder, a byte a line, in hexadecimal. First a break, which the
// board answers with 4 bytes; then samples, of which at most WINDOW may be without an answer. The last line of the
// output tells how many clock cycles it took from the first bit of the first sample to the last answer. Ends with a
// line `FATAL: ...` when the board does not answer, or sends what is no byte.

module loopback;
  parameter DIVIDER = 4, SAMPLES = 1, SAMPLE_BYTES = 1, ANSWER_BYTES = 1, WINDOW = 1, PATIENCE = 100;
  localparam BIT = 2 * DIVIDER, GREETING = 4;
  reg clk = 0, rx = 1;
  wire tx;
  board dut (.clk(clk), .rx(rx), .tx(tx));
  always #1 clk = ~clk;

  integer sent, received, octet, last = 0, heard = 0, moved = 0, seen = -1, sample, index;
  time began;

  task send(input [7:0] value);
    integer k;
    begin
      rx = 0;
      #BIT;
      for (k = 0; k < 8; k = k + 1) begin
        rx = value[k];
        #BIT;
      end
      rx = 1;
      #BIT;
      moved = moved + 1;
    end
  endtask

  initial begin
    sent = $fopen("sent", "r");
    received = $fopen("received", "w");
    if (!sent || !received) $fatal(1, "error: cannot open the files sent and received");
    #(20 * BIT) rx = 0;
    #(20 * BIT) rx = 1;
    wait (heard == GREETING);
    began = $time;
    for (sample = 0; sample < SAMPLES; sample = sample + 1) begin
      wait (heard >= GREETING + (sample + 1 - WINDOW) * ANSWER_BYTES);
      for (index = 0; index < SAMPLE_BYTES; index = index + 1) begin
        if ($fscanf(sent, "%h", octet) != 1) $fatal(1, "error: too few bytes in the file sent");
        send(octet);
      end
    end
    wait (heard == GREETING + SAMPLES * ANSWER_BYTES);
    $fclose(received);
    $display("%0d", (last - began) / 2);
    $finish;
  end

  reg [7:0] value;
  integer k;
  always @(negedge tx) begin
    #(BIT / 2);
    if (tx !== 0) $fatal(1, "error: a start bit is shorter than half a bit");
    for (k = 0; k < 8; k = k + 1) begin
      #BIT value[k] = tx;
    end
    #BIT;
    if (tx !== 1) $fatal(1, "error: a byte has no stop bit");
    if (^value === 1'bx) $fatal(1, "error: byte %0d of the answers has unknown bits", heard - GREETING);
    $fwrite(received, "%02x\n", value);
    $fflush(received);
    last = $time;
    heard = heard + 1;
    moved = moved + 1;
  end

  always begin
    #(PATIENCE * BIT);
    if (moved == seen) $fatal(1, "error: the board does not answer");
    seen = moved;
  end
endmodule
