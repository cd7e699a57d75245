// Loaded into the control plane before its own program. Should the demo be killed, nobody would end the control plane:
// the channel between the two closes then.
process.on("disconnect", () => process.kill(process.pid, "SIGTERM"));
