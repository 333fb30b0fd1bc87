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
