import { createTaskRunner } from "@stackyard/runtime";

// A container: works until SIGTERM, and drains.
process.exitCode = await createTaskRunner({ environment: process.env }).main();
