#!/usr/bin/env node
import { filterWarnings } from "./filter-warnings.ts";

// Before anything else is loaded: `node:sqlite` warns when it is imported.
filterWarnings();
const { runProcess } = await import("./run-process.ts");
await runProcess();
