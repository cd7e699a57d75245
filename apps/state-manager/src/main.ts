import { createStateManager } from "@stackyard/runtime";

// A container: works until SIGTERM, and drains.
process.exitCode = await createStateManager({ environment: process.env }).main();
