import { killTree } from "./process-tree.ts";

// Loaded into the control plane before its own program. Should the demo be killed, nobody would end the control plane and
// what it runs: the channel between the two closes then.
process.on("disconnect", () => void killTree(process.pid));
