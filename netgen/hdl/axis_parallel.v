// AXI4-Stream around top: every beat is a sample, and every result is a packet of one beat. s_axis_tlast is ignored.
$ports
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
