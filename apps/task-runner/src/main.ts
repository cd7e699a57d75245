import { createTaskRunner } from "@stackyard/runtime";

// The container: runs until SIGTERM, and drains.
process.exitCode = await createTaskRunner({ environment: process.env }).main();
