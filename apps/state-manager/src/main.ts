import { createStateManager } from "@stackyard/runtime";

// The container: runs until SIGTERM, and drains.
process.exitCode = await createStateManager({ environment: process.env }).main();
