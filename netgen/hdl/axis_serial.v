// AXI4-Stream around top: every beat is one input word, word 0 first; s_axis_tlast ends a sample. If it comes early,
// the words of that sample are discarded. Every result is a packet of one beat.
$ports
  reg [$input_width-1:0] sample;
  reg [$count_high:0] count = 0;
  reg full = 1'b0;
  wire taken;
  wire complete = count == $last;
  assign s_axis_tready = ~full | taken;

  always @(posedge aclk)
    if (~aresetn) begin
      count <= 0;
      full <= 1'b0;
    end else begin
      if (taken) full <= 1'b0;
      if (s_axis_tvalid & s_axis_tready) begin
        count <= complete | s_axis_tlast ? 0 : count + 1'b1;
        if (complete) full <= 1'b1;
      end
    end
  always @(posedge aclk)
    if (s_axis_tvalid & s_axis_tready) sample <= $shifted;

  top core (
    .clk(aclk),
    .rst(~aresetn),
    .i_payload(sample),
    .i_valid(full),
    .i_ready(taken),
    .o_payload(payload),
    .o_valid(m_axis_tvalid),
    .o_ready(m_axis_tready)
  );
endmodule
