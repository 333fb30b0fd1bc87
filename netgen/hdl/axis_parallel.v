// AXI4-Stream around top: every beat is a sample, and every result a packet of one beat. s_axis_tlast means nothing.
/* verilator lint_off UNUSEDSIGNAL */
module top_axis (
  input wire aclk,
  input wire aresetn,
  input wire [$input_high:0] s_axis_tdata,
  input wire s_axis_tvalid,
  output wire s_axis_tready,
  input wire s_axis_tlast,
  output wire [$output_high:0] m_axis_tdata,
  output wire m_axis_tvalid,
  input wire m_axis_tready,
  output wire m_axis_tlast
);
  wire [${output_width}-1:0] payload;
  assign m_axis_tdata = $output_data;
  assign m_axis_tlast = 1'b1;

  top core (
    .clk(aclk),
    .rst(~aresetn),
    .i_payload(s_axis_tdata[$input_width-1:0]),
    .i_valid(s_axis_tvalid),
    .i_ready(s_axis_tready),
    .o_payload(payload),
    .o_valid(m_axis_tvalid),
    .o_ready(m_axis_tready)
  );
endmodule
