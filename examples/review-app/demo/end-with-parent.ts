import { killTree } from "./process-tree.ts";

// Loaded into the control plane before its own program. If the demo is killed, the channel between the
// two closes, and this ends the control plane and everything that it runs.
process.on("disconnect", () => void killTree(process.pid));
