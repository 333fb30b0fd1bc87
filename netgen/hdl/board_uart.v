// top on an FPGA board, behind a serial line: 8 data bits, the lowest first, no parity, 1 stop bit.
//
// A break (rx low for longer than a byte) resets; the answer to it is IDENTITY, 4 bytes. From then on IN_BYTES bytes
// are a sample, as in i_payload, and OUT_BYTES bytes answer it, as in o_payload; the lowest byte comes first. A sample
// enters top when it is whole, so the inputs of top change once for each sample. Whoever sends may begin a sample
// before the last one is answered, but not before the last but one is.
/* verilator lint_off WIDTH */
module board (
  input wire clk,
  input wire rx,
  output wire tx
);
  localparam DIVIDER = $divider;  // clock cycles for each bit
  localparam INPUT = $input_width, IN_BYTES = $in_bytes;
  localparam OUTPUT = $output_width, OUT_BYTES = $out_bytes, KEPT = $kept;
  localparam [31:0] IDENTITY = 32'h$identity;

  reg [1:0] started = 0;
  always @(posedge clk) started <= {started[0], 1'b1};

  // receive: every bit is read in its middle
  reg [1:0] low = 0;  // rx inverted and synchronized, so that registers begin with an idle line
  reg receiving = 0, breaking = 0, got = 0, greet = 0;
  reg [3:0] place = 0;  // of a bit: 0 start, 9 stop
  reg [$tick_high:0] wait_in = 0;
  reg [7:0] data = 0;
  always @(posedge clk) begin
    low <= {low[0], ~rx};
    got <= 0;
    greet <= 0;
    if (breaking) begin
      breaking <= low[1];
      greet <= ~low[1];
    end else if (!receiving) begin
      receiving <= low[1];
      place <= 0;
      wait_in <= DIVIDER / 2 - 1;
    end else if (wait_in != 0) wait_in <= wait_in - 1;
    else begin
      wait_in <= DIVIDER - 1;
      place <= place + 1;
      if (place == 9) begin
        receiving <= 0;
        got <= ~low[1];
        breaking <= low[1];
      end else begin
        data <= {~low[1], data[7:1]};
        if (place == 0) receiving <= low[1];
      end
    end
  end
  wire rst = ~started[1] | breaking;

  // collect the bytes of a sample, then hold it for top
  reg [8*IN_BYTES-1:0] bytes;
  reg [$count_high:0] count = 0;
  reg whole = 0, i_valid = 0;
  reg [INPUT-1:0] sample = 0;
  wire i_ready;
  wire moves = whole & (~i_valid | i_ready);
  always @(posedge clk)
    if (rst) begin
      count <= 0;
      whole <= 0;
      i_valid <= 0;
    end else begin
      if (got) count <= count == IN_BYTES - 1 ? 0 : count + 1;
      whole <= (got & (count == IN_BYTES - 1)) | (whole & ~moves);
      i_valid <= moves | (i_valid & ~i_ready);
    end
  always @(posedge clk) if (got) bytes <= {data, bytes} >> 8;
  always @(posedge clk) if (moves) sample <= bytes[INPUT-1:0];

  // send: the line is low where frame[0] is 1
  reg [8*KEPT-1:0] kept = 0;
  reg [$left_high:0] left = 0;  // bytes that are kept
  reg [3:0] bits = 0;  // of the byte that is being sent
  reg [8:0] frame = 0;
  reg [$tick_high:0] wait_out = 0;
  wire [OUTPUT-1:0] o_payload;
  wire o_valid;
  wire o_ready = (bits == 0) & (left == 0) & ~greet;
  assign tx = ~frame[0];
  always @(posedge clk)
    if (rst) begin
      left <= 0;
      bits <= 0;
      frame <= 0;
    end else if (bits != 0) begin
      wait_out <= wait_out == 0 ? DIVIDER - 1 : wait_out - 1;
      if (wait_out == 0) begin
        frame <= frame >> 1;
        bits <= bits - 1;
      end
    end else if (left != 0) begin
      frame <= {~kept[7:0], 1'b1};
      kept <= kept >> 8;
      left <= left - 1;
      bits <= 10;
      wait_out <= DIVIDER - 1;
    end else if (greet | o_valid) begin
      kept <= greet ? IDENTITY : o_payload;
      left <= greet ? 4 : OUT_BYTES;
    end

  top core (
    .clk(clk),
    .rst(rst),
    .i_payload(sample),
    .i_valid(i_valid),
    .i_ready(i_ready),
    .o_payload(o_payload),
    .o_valid(o_valid),
    .o_ready(o_ready)
  );
endmodule
